# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pages of docs/reference are what their sources say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import yaml

pytest.importorskip(
    "antsibull_docs_parser", reason="antsibull-docs-parser is not installed: docs/reference was not compared"
)

from scripts import write_reference

ROOT = write_reference.ROOT


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sets C(a) to V(b), see O(state=present).", "Sets `a` to `b`, see `state=present`."),
        ("See M(watchparty.secrets.env_file).", "See [env_file](modules.md#env_file)."),
        ("See O(watchparty.secrets.env_file#module:mode).", "See `mode` of [env_file](modules.md#env_file)."),
        (
            "See M(ansible.builtin.copy) and P(watchparty.secrets.env#lookup).",
            "See `ansible.builtin.copy` and [env](lookups.md#env).",
        ),
        ("See docs/how-to/deploy.md.", "See [deploy](../how-to/deploy.md)."),
        (["One.", "Two."], "One.\n\nTwo."),
    ],
)
def test_markup(text: object, expected: str) -> None:
    assert write_reference.markdown(text) == expected


def test_an_option_names_its_traits_and_its_extra_variable() -> None:
    option = {
        "type": "list",
        "elements": "str",
        "required": True,
        "choices": ["a", "b"],
        "description": ["One.", "Two."],
    }
    assert write_reference.entries({"x": option}, {"x": "leak_x"}) == (
        "- `x` (list of str, required, one of `a`, `b`): One. Two. On the command line: `-e leak_x=…`.\n"
    )


def test_an_extra_variable_is_named_once() -> None:
    option = {"description": "One (C(leak_x))."}
    assert write_reference.entries({"x": option}, {"x": "leak_x"}) == "- `x` (str): One (`leak_x`).\n"


def test_many_paragraphs_have_an_item_each() -> None:
    option = {"description": ["One.", "Two.", "Three.", "Four."]}
    assert write_reference.entries({"x": option}) == "- `x` (str):\n  - One.\n  - Two.\n  - Three.\n  - Four.\n"


def test_common_options_are_described_once() -> None:
    page = write_reference.pages()["modules.md"]
    assert page.count("- `on_denied` (") == 1
    section = page.partition("\n## postgresql_login\n")[2].partition("\n## ")[0]
    assert "[Common options](#common-options): `catalog`, `environment`, `run`, `kinds_path`, and those of" in section


def test_an_internal_option_is_named_only() -> None:
    section = write_reference.pages()["modules.md"].partition("\n## host_check\n")[2].partition("\n## ")[0]
    assert "- `inventory_key`" not in section
    assert "`inventory_key`" in section


def test_suboptions_are_indented() -> None:
    nested = {"x": {"type": "dict", "description": "X.", "options": {"y": {"default": 1, "description": "Y."}}}}
    assert write_reference.entries(nested) == "- `x` (dict): X.\n  - `y` (str, default `1`): Y.\n"


def test_every_plugin_role_and_playbook_has_a_section() -> None:
    pages = write_reference.pages()
    names = {
        "modules.md": [path.stem for path in (ROOT / "plugins" / "modules").glob("*.py")],
        "lookups.md": [path.stem for path in (ROOT / "plugins" / "lookup").glob("*.py")],
        "callbacks.md": [path.stem for path in (ROOT / "plugins" / "callback").glob("*.py")],
        "filters.md": [path.stem for path in (ROOT / "plugins" / "filter").glob("*.yml")],
        "roles.md": [path.parent.name for path in (ROOT / "roles").glob("*/meta")],
        "playbooks.md": [path.stem for path in (ROOT / "playbooks").glob("*.yml")],
    }
    for page, expected in names.items():
        assert [name for name in expected if f"\n## {name}\n" not in pages[page]] == []


def test_every_variable_of_a_role_is_listed() -> None:
    page = write_reference.pages()["roles.md"]
    for path in (ROOT / "roles").glob("*/meta/argument_specs.yml"):
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        names = {name for spec in specs.values() for name in spec.get("options") or {}}
        assert [name for name in names if f"- `{name}` (" not in page] == []


def test_a_stale_page_is_reported_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(write_reference, "pages", lambda: {"a.md": "new\n"})
    monkeypatch.setattr(sys, "argv", ["write_reference.py", "--check", "--folder", str(tmp_path)])
    assert write_reference.main() == 1
    assert "a.md is stale; run scripts/write_reference.py" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["write_reference.py", "--folder", str(tmp_path)])
    assert write_reference.main() == 0
    monkeypatch.setattr(sys, "argv", ["write_reference.py", "--check", "--folder", str(tmp_path)])
    assert write_reference.main() == 0


def test_the_pages_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["write_reference.py", "--check"])
    assert write_reference.main() == 0
