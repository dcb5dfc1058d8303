# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What travels to a host: all that a program needs and nothing else, the same bytes each time."""

from __future__ import annotations

import io
import zipfile

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import cli
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle

ENTRY = "_host.pull.cli"


def test_it_holds_what_the_entry_imports_and_no_more() -> None:
    names = {name.rpartition("module_utils.")[2] for name in program_bundle.sources(cli)}
    assert {ENTRY, "_host.pull.fetch", "_host.env_file.atomic_file", "_core.dotenv", "_core.catalog_parser"} <= names
    assert "_stores.environment_reader" in names
    assert not {"_core.credential_graph", "_core.postgresql", "_host.runtime"} & names


def test_nothing_in_it_knows_ansible() -> None:
    for name, text in program_bundle.sources(cli).items():
        assert "import ansible\n" not in text, name
        assert "from ansible." not in text, name


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("from {}.module_utils._core import a, b as c\n", {"_core", "_core.a", "_core.b"}),
        ("from {}.module_utils._core.errors import (\n    A,\n    B as C,\n)\n", {"_core.errors"}),
        ("def f():\n    from {}.module_utils._host import late  # a reason\n", {"_host", "_host.late"}),
        ("from ansible.module_utils.basic import AnsibleModule\nimport os\n", set()),
    ],
)
def test_an_import_is_seen_in_every_form(text: str, names: set[str]) -> None:
    results = set(program_bundle.imported(text.replace("{}", program_bundle.PLUGINS)))
    assert {f"{program_bundle.PACKAGE}.{name}" for name in names} <= results
    assert bool(results) == bool(names)


def test_the_same_sources_make_the_same_bytes() -> None:
    made = program_bundle.zipped(ENTRY)
    assert made == program_bundle.zipped(ENTRY)
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {info.date_time for info in archive.infolist()} == {program_bundle.EPOCH}
        assert "__main__.py" in archive.namelist()
        assert archive.testzip() is None
