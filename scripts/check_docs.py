# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks Markdown: each relative link leads to a file, and each anchor to a heading.

A path that a page of docs names exists, and a function that it names "in" a program is defined there. A table's cell
holds at most two short sentences, and docs/README.md leads to every page.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
PATH = re.compile(r"`((?:plugins|roles|playbooks|scripts|sandbox|tests|bench|docs)/[\w./-]+)`")
NAMES_IN = re.compile(r"((?:`\w+`(?:, | and )?)+) in `([\w./-]+\.py)`")
SENTENCES = 2
WIDTH_OF_CELL = 200
"""Limits of a cell; longer text is a section. Links and code count as a reader sees them."""
FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)


def anchors(text: str) -> set[str]:
    """Anchors that a forge makes of the headings."""
    headings = re.findall(r"^#{1,6}\s+(.+?)\s*#*$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def problems(document: Path) -> list[str]:
    results = []
    for target in LINK.findall(FENCE.sub("", document.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = document.parent / path if path else document
        name = document.relative_to(ROOT)
        if not linked.exists():
            results.append(f"{name}: {target}: there is no such file")
        elif anchor and linked.suffix == ".md" and anchor not in anchors(linked.read_text(encoding="utf-8")):
            results.append(f"{name}: {target}: there is no such heading")
    return results


def lost_paths(document: Path) -> list[str]:
    """Paths that the page names and that do not exist."""
    named = PATH.findall(FENCE.sub("", document.read_text(encoding="utf-8")))
    return [
        f"{document.relative_to(ROOT)}: {path}: there is no such file" for path in named if not (ROOT / path).exists()
    ]


def lost_names(document: Path) -> list[str]:
    """Functions and classes that the page names in a program that does not define them."""
    pairs = [
        (name, path)
        for names, path in NAMES_IN.findall(document.read_text(encoding="utf-8"))
        for name in re.findall(r"\w+", names.replace(" and ", " "))
        if (ROOT / path).exists()
    ]
    return [
        f"{document.relative_to(ROOT)}: {path}: defines no {name}"
        for name, path in pairs
        if not re.search(rf"^\s*(?:def|class) {name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE)
    ]


def long_cells(document: Path) -> list[str]:
    rows = re.findall(r"^\|.*\|$", FENCE.sub("", document.read_text(encoding="utf-8")), re.MULTILINE)
    cells = [cell.strip() for row in rows for cell in re.split(r"(?<!\\)\|", row)]
    return [f"{document.relative_to(ROOT)}: a long cell: {cell[:60]}…" for cell in cells if is_long(cell)]


def is_long(cell: str) -> bool:
    seen = re.sub(r"`[^`]*`", "Code", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell))
    sentences = [text for text in re.split(r"[.!?](?: (?=[A-Z(])|$)", seen.strip()) if text]
    return len(sentences) > SENTENCES or len(seen) > WIDTH_OF_CELL


def unlisted(documents: list[Path], index: Path) -> list[str]:
    """Pages of docs to which neither the index nor their folder's index leads."""
    listed: set[Path] = set()
    for page in (index, *index.parent.glob("*/README.md")):
        links = LINK.findall(page.read_text(encoding="utf-8"))
        listed |= {(page.parent / target.partition("#")[0]).resolve() for target in links}
    pages = [page for page in documents if index.parent in page.parents and page != index]
    return [
        f"{index.relative_to(ROOT)} does not lead to {page.relative_to(ROOT)}" for page in pages if page not in listed
    ]


def of_docs(document: Path) -> list[str]:
    return lost_paths(document) + lost_names(document) + long_cells(document)


def main() -> int:
    tracked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    documents = [ROOT / name for name in tracked.stdout.splitlines() if (ROOT / name).exists()]
    docs = [document for document in documents if ROOT / "docs" in document.parents]
    results = [problem for document in documents for problem in problems(document)]
    results += [problem for document in docs for problem in of_docs(document)]
    results += unlisted(documents, ROOT / "docs" / "README.md")
    print("\n".join(results) or f"{len(documents)} documents, every link leads somewhere")
    return 1 if results else 0


if __name__ == "__main__":
    sys.exit(main())
