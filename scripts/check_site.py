# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks a built site: each link leads to a page and an anchor of it, and pages load nothing from another host.

scripts/check_site.py FOLDER
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADED = {"img": "src", "script": "src", "iframe": "src", "source": "src", "link": "href"}
"""Attributes that a browser fetches by itself."""


class Page(HTMLParser):
    """Anchors, links and loaded addresses of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.anchors: set[str] = {"", "top"}
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag in LOADED and LOADED[tag] in values:
            self.loaded.add(values[LOADED[tag]])
        elif tag == "a" and "href" in values:
            self.links.add(values["href"])


class Site:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages = {path.resolve(): Page(path) for path in sorted(folder.rglob("*.html"))}

    def problems(self) -> list[str]:
        return [problem for page in self.pages.values() for problem in self.problems_of(page)]

    def problems_of(self, page: Page) -> list[str]:
        name = page.path.relative_to(self.folder)
        foreign = [target for target in page.loaded if urlsplit(target).netloc]
        dead = [target for target in page.links | page.loaded if not self.leads_somewhere(page, target)]
        return [f"{name}: {target}: is loaded from another host" for target in sorted(foreign)] + [
            f"{name}: {target}: leads nowhere" for target in sorted(dead)
        ]

    def leads_somewhere(self, page: Page, target: str) -> bool:
        url = urlsplit(target)
        if url.scheme or url.netloc:
            return True
        path = (page.path.parent / unquote(url.path)).resolve() if url.path else page.path.resolve()
        linked = self.pages.get(path)
        return unquote(url.fragment) in linked.anchors if linked else path.exists()


def main() -> int:
    site = Site(Path(sys.argv[1]))
    results = site.problems()
    print(
        "\n".join(results) or f"{len(site.pages)} pages, every link leads somewhere, nothing is loaded from elsewhere"
    )
    return 1 if results or not site.pages else 0


if __name__ == "__main__":
    sys.exit(main())
