# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.supplied_values import (
    for_credentials,
    read_values,
    supplied,
)
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(content: bytes | str, mode: int = 0o600) -> Path:
        path = tmp_path / "values.yml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    return make


class TestSupplied:
    def test_nothing_is_given(self) -> None:
        assert supplied({}, {}) == {}
        assert supplied({"values_from": "asked"}, {}) == {}
        assert supplied({"values_from": "asked"}, {"asked": "skipped"}) == {}
        assert supplied({"values_from": "asked"}, {"asked": {"skipped": True}}) == {}

    def test_from_a_file(self, write: Write) -> None:
        path = write("token: 'canary: #1'\nadmin: {username: root, password: p}\nkey: {username: k}\n")
        assert supplied({"values_file": str(path)}, {}) == {
            "token": Login(None, "canary: #1"),
            "admin": Login("root", "p"),
            "key": Login("k", None),
        }

    def test_from_a_question(self) -> None:
        assert supplied({"values_from": "asked"}, {"asked": {"answers": {"token": "t"}}}) == {"token": Login(None, "t")}

    def test_the_file_has_the_last_word(self, write: Write) -> None:
        path = write("token: from-file\n")
        logins = supplied(
            {"values_from": "asked", "values_file": str(path)}, {"asked": {"answers": {"token": "asked", "other": "o"}}}
        )
        assert logins == {"token": Login(None, "from-file"), "other": Login(None, "o")}

    def test_a_path_from_home(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write("token: t\n")
        monkeypatch.setenv("HOME", str(path.parent))
        assert supplied({"values_file": "~/values.yml"}, {}) == {"token": Login(None, "t")}

    def test_no_value_is_shown(self, write: Write) -> None:
        assert "canary" not in repr(supplied({"values_file": str(write("token: canary\n"))}, {}))

    @pytest.mark.parametrize(
        "value",
        [
            *("''", "''\n", "", "null", "12345", "1.0", "true", "[canary]", "2026-01-01"),
            *("{}", "{password: ''}", "{password: 12345}", "{username: [canary]}", "{password: p, pasword: canary}"),
        ],
    )
    def test_what_is_no_text(self, write: Write, value: str) -> None:
        path = write(f"token: {value}\n")
        with pytest.raises(RotationError) as raised:
            supplied({"values_file": str(path)}, {})
        assert str(raised.value) == (
            "token: its new value is empty or not text; write it in quotes, or as a mapping with "
            "username, password or both"
        )


class TestFile:
    def test_that_is_private(self, write: Write) -> None:
        for mode in (0o600, 0o400, 0o700):
            path = write("token: t\n", mode)
            assert read_values(path) == {"token": "t"}
            path.unlink()

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666, 0o610, 0o601])
    def test_that_others_may_read(self, write: Write, mode: int) -> None:
        path = write("token: canary\n", mode)
        with pytest.raises(RotationError, match=f"^{path}: must be a regular file of yours with mode 0600"):
            read_values(path)

    def test_that_is_a_link(self, write: Write, tmp_path: Path) -> None:
        link = tmp_path / "link"
        link.symlink_to(write("token: canary\n"))
        with pytest.raises(RotationError, match="must be a regular file"):
            read_values(link)

    def test_that_is_a_folder_or_a_pipe(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe", 0o600)
        for path in (tmp_path, tmp_path / "pipe"):
            with pytest.raises(RotationError, match="must be a regular file"):
                read_values(path)

    def test_of_somebody_else(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        path = write("token: canary\n")
        if os.geteuid() == 0:
            os.chown(path, 4711, -1)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: 4711)
        with pytest.raises(RotationError, match="must be a regular file of yours"):
            read_values(path)

    def test_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(RotationError, match=f"^{tmp_path}/none: cannot be read: No such file or directory$"):
            read_values(tmp_path / "none")

    @pytest.mark.parametrize(
        "content", [b"a: 'canary", b"{canary", b"\xff\xfecanary\xff", b"a: b: canary", b"\tcanary"]
    )
    def test_that_is_no_yaml(self, write: Write, content: bytes) -> None:
        path = write(content)
        with pytest.raises(RotationError) as raised:
            read_values(path)
        assert str(raised.value) == f"{path}: is not valid YAML; write one line for each credential, NAME: 'value'"

    @pytest.mark.parametrize("content", ["", "canary", "- canary", "!!set {canary}"])
    def test_that_holds_no_mapping(self, write: Write, content: str) -> None:
        path = write(content)
        with pytest.raises(RotationError) as raised:
            read_values(path)
        assert str(raised.value) == f"{path}: is not a mapping; write one line for each credential, NAME: 'value'"

    def test_that_makes_objects(self, write: Write) -> None:
        with pytest.raises(RotationError, match="is not valid YAML"):
            read_values(write("token: !!python/object/apply:os.system ['true']\n"))


def test_a_name_that_is_no_text(write: Write) -> None:
    result: dict[Any, Any] = supplied({"values_file": str(write("1: t\n"))}, {})
    assert result == {"1": Login(None, "t")}


class TestForCredentials:
    """Every entry must be of a credential whose value an operator supplies: no other one would be looked at."""

    def given(self, path: Path, kinds: Any = KINDS) -> dict[str, Login]:
        setting = RotationSetup(World().catalog, kinds, None, None)  # type: ignore[arg-type]
        return for_credentials(setting, {"values_file": str(path)}, {})

    def test_what_a_third_party_issued(self, write: Write) -> None:
        assert self.given(write("token: t\n")) == {"token": Login(None, "t")}

    def test_every_other_entry_is_named(self, write: Write) -> None:
        path = write("tokne: canary\ntoken: t\ndatabase: canary\ndjango: {password: canary}\n")
        with pytest.raises(RotationError) as raised:
            self.given(path)
        assert str(raised.value) == (
            f"{path}: tokne is not a credential of the catalog (did you mean token?); database (login), django (key) "
            "need no value from you, because a rotation makes it. Correct the name or remove the line; values are "
            "needed for token"
        )

    def test_a_catalog_where_nobody_gives_any(self, write: Write) -> None:
        path = write("token: canary\n")
        kinds = {**KINDS, "given": Kind("given", value="provider")}
        with pytest.raises(
            RotationError, match=r"token \(given\) needs no value from you.* are needed for no credential$"
        ):
            self.given(path, kinds)

    def test_a_kind_that_nobody_knows_is_reported_by_the_plan(self, write: Write) -> None:
        assert set(self.given(write("token: t\n"), {})) == {"token"}
