# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dead link, a dead anchor and a file from another host are problems of a site."""

from __future__ import annotations

from pathlib import Path

from scripts.check_site import Site


def problems(folder: Path, body: str) -> list[str]:
    (folder / "below").mkdir()
    (folder / "below" / "b.html").write_text('<h1 id="there">B</h1>', encoding="utf-8")
    (folder / "style.css").write_text("", encoding="utf-8")
    (folder / "a.html").write_text(body, encoding="utf-8")
    return Site(folder).problems()


def test_links_that_lead_somewhere(tmp_path: Path) -> None:
    body = """<link rel="stylesheet" href="style.css?v=1"><a id="here" href="#here">1</a> <a href="#">2</a>
        <a href="below/b.html#there">3</a> <a href="https://example.com/#x">4</a>
        <a href="mailto:a@example.com">5</a>"""
    assert problems(tmp_path, body) == []


def test_dead_links(tmp_path: Path) -> None:
    body = '<a href="#gone">1</a> <a href="below/b.html#gone">2</a> <a href="c.html">3</a> <img src="d.png">'
    assert problems(tmp_path, body) == [
        "a.html: #gone: leads nowhere",
        "a.html: below/b.html#gone: leads nowhere",
        "a.html: c.html: leads nowhere",
        "a.html: d.png: leads nowhere",
    ]


def test_nothing_is_loaded_from_another_host(tmp_path: Path) -> None:
    body = '<script src="//cdn.example.com/a.js"></script><link rel="stylesheet" href="https://example.com/a.css">'
    assert problems(tmp_path, body) == [
        "a.html: //cdn.example.com/a.js: is loaded from another host",
        "a.html: https://example.com/a.css: is loaded from another host",
    ]
