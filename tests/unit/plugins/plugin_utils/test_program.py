# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A program of one file: all that it needs and nothing else, the same bytes each time."""

from __future__ import annotations

import io
import zipfile

from ansible_collections.watchparty.secrets.plugins.plugin_utils import _program


def test_it_holds_what_the_entry_imports_and_no_more() -> None:
    names = {name.rpartition("module_utils.")[2] for name in _program.sources("_fetch_program")}
    assert {"_fetch_program", "_fetch", "_envfile", "_dotenv", "_catalog", "_stores.environment"} <= names
    assert not {"_rotator", "_postgresql", "_stores.iam", "_lean_runtime"} & names


def test_nothing_in_it_knows_ansible() -> None:
    for name, text in _program.sources("_fetch_program").items():
        assert "import ansible\n" not in text, name
        assert "from ansible." not in text, name


def test_the_same_sources_make_the_same_bytes() -> None:
    made = _program.zipped("_fetch_program")
    assert made == _program.zipped("_fetch_program")
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert {info.date_time for info in archive.infolist()} == {_program.EPOCH}
        assert "__main__.py" in archive.namelist()
        assert archive.testzip() is None
