# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The documentation's site, of these guides and the plugins' pages. scripts/build_docs.sh builds it with Sphinx."""

from __future__ import annotations

import posixpath
import re
from importlib import resources
from pathlib import Path
from typing import Any

from docutils import nodes

project = "watchparty.secrets"
html_title = project
root_doc = "index"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "furo"
html_theme_options = {
    "dark_css_variables": dict(
        re.findall(r"--([\w-]+):([^;}]+)", resources.read_text("sphinx_antsibull_ext", "colors-default-dark.css"))
    )
}
"""The plugins' tables follow the theme's switch. Their own scheme follows the system alone."""
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
smartquotes = False
highlight_language = "text"
myst_heading_anchors = 4
exclude_patterns = [f"docs/reference/{kind}s.md" for kind in ("module", "lookup", "filter", "role")]
"""A site has a page for each plugin and role instead."""
suppress_warnings = ["misc.highlighting_failure"]
"""Examples with `…` in them."""

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = "https://github.com/watchparty/secrets/blob/main/"
ANSIBLE = "https://docs.ansible.com/ansible/latest/"
PAGES_OF_ANSIBLE = {
    "action_plugins": "plugins/action.html",
    "callback_plugins": "plugins/callback.html",
    "ansible_configuration_settings": "reference_appendices/config.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}
"""By label. Sphinx's own way would fetch a list of labels from that site at each build."""
PLUGIN_OF_ANSIBLE = re.compile(r"ansible_collections\.ansible\.builtin\.(\w+)")
CONTENTS = re.compile(r"^\.\. contents::\n(?: +:.*\n)+", re.MULTILINE)
"""The theme shows them beside the page."""
LINK = re.compile(r"(?<=\]\()[^)\s:]+(?=\))")
PLUGINS = re.compile(r"docs/reference/(module|lookup|filter|role)s\.md")
NAVIGATION = "\n".join(
    f"```{{toctree}}\n:hidden:\n:glob:\n:caption: {caption}\n{pages}\n```"
    for caption, pages in {
        "Start": "docs/README\ndocs/tutorials/README\ndocs/tutorials/first-deploy\ndocs/tutorials/*\ndocs/glossary",
        "Runbooks": "docs/runbooks/README\ndocs/runbooks/[!R]*",
        "How to": "docs/how-to/*",
        "Explanation": "docs/explanation/*",
        "Reference": "docs/reference/*\nplugins/index",
        "Project": "CONTRIBUTING\nCODE_OF_CONDUCT\nSECURITY",
    }.items()
)


def site_link(source: Path, page: str, target: str) -> str:
    """A relative link of a page as it is on the site. Other files of the repository are linked on its host."""
    path, _, anchor = target.partition("#")
    file = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else f"{page}.md"
    if match := PLUGINS.fullmatch(file):
        return f"/plugins/{anchor}_{match[1]}.rst" if anchor else "/plugins/index.rst"
    if file == "README.md":
        return f"/index.md#{anchor}" if anchor else "/index.md"
    on_site = (source / file).is_file() or not (ROOT / file).exists()
    return target if on_site else REPOSITORY + file


def read(app: Any, page: str, text: list[str]) -> None:
    if Path(app.env.doc2path(page)).suffix == ".rst":
        text[0] = CONTENTS.sub("", text[0])
    else:
        text[0] = LINK.sub(lambda match: site_link(Path(app.srcdir), page, match[0]), text[0])
        text[0] += f"\n\n{NAVIGATION}\n" if page == root_doc else ""


def page_of_ansible(_app: Any, _env: Any, node: Any, content: Any) -> Any:
    label = node["reftarget"]
    plugin = PLUGIN_OF_ANSIBLE.fullmatch(label)
    path = f"collections/ansible/builtin/{plugin[1]}.html" if plugin else PAGES_OF_ANSIBLE.get(label)
    return nodes.reference("", "", content, refuri=ANSIBLE + path) if path else None


def setup(app: Any) -> None:
    app.connect("source-read", read)
    app.connect("missing-reference", page_of_ansible)
