# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds

KIND = "description: x\nvalue: generated\n"


class TestKinds:
    def make(self, path: Path, name: str, kind: str = KIND, *verbs: str) -> Path:
        folder = path / name
        folder.mkdir(parents=True)
        listed = f"verbs: [{', '.join(verbs)}]\n" if verbs else ""
        (folder / "kind.yml").write_text(kind + listed, encoding="utf-8")
        if verbs:
            (folder / "kind").write_text("#!/bin/sh\n", encoding="utf-8")
            (folder / "kind").chmod(0o755)
        return folder

    def test_every_built_in_one(self) -> None:
        kinds = load_kinds([])
        assert {"postgresql_role", "valkey_user", "django_secret_key", "external"} <= set(kinds)
        for name, kind in kinds.items():
            assert (kind.name, kind.folder) == (name, "")
            assert kind.description
        assert kinds["postgresql_role"].stages == ("check", "block", "set", "test", "revoke")
        assert kinds["external"].stages == ("check", "test", "revoked")
        assert kinds["aws_access_key"].stages == ("block", "off", "issue", "test", "revoke")
        assert kinds["ssh_key"].stages == ("block", "set", "test", "revoke")
        assert kinds["django_secret_key"].stages == ("dropped",)

    def test_the_users_own(self, tmp_path: Path) -> None:
        folder = self.make(tmp_path, "mine", KIND, "set", "revoke", "verify_revoked")
        (tmp_path / "no_kind").mkdir()
        (tmp_path / "README.md").write_text("x", encoding="utf-8")
        kind = load_kinds([tmp_path])["mine"]
        assert (kind.stages, kind.folder) == (("set", "revoke"), str(folder))
        assert "no_kind" not in load_kinds([str(tmp_path)])

    def test_one_without_its_executable(self, tmp_path: Path) -> None:
        folder = self.make(tmp_path, "mine", KIND, "set")
        (folder / "kind").chmod(0o644)
        with pytest.raises(CatalogError, match=rf"{folder}/kind: is not executable; run chmod \+x {folder}/kind"):
            load_kinds([tmp_path])
        (folder / "kind").unlink()
        with pytest.raises(
            CatalogError, match=f"{folder}: has no executable named kind; docs/how-to/write-a-rotation-kind.md"
        ):
            load_kinds([tmp_path])

    def test_a_later_folder_takes_an_earlier_ones_place(self, tmp_path: Path) -> None:
        for number in (1, 2):
            self.make(tmp_path / str(number), "external", KIND + f"length: {20 + number}\n")
        kinds = load_kinds([tmp_path / "1", tmp_path / "2"])
        assert (kinds["external"].length, kinds["external"].value) == (22, "generated")

    def test_a_path_from_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        self.make(tmp_path / "kinds", "mine")
        assert "mine" in load_kinds(["~/kinds"])

    def test_a_relative_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ansible would look for the kind's tasks, by its folder, beside the role's own."""
        monkeypatch.chdir(tmp_path)
        folder = self.make(tmp_path / "kinds", "mine")
        assert load_kinds(["kinds"])["mine"].folder == str(folder)

    def test_a_path_that_is_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(CatalogError, match=f"rotation_kinds_path: {tmp_path}/none is not a folder"):
            load_kinds([tmp_path / "none"])

    @pytest.mark.parametrize(
        ("kind", "message"),
        [("a: [", "cannot be read"), ("- x", "must be a mapping"), ("", "must be a mapping"), (KIND + "x: 1\n", "x")],
    )
    def test_a_malformed_one_is_named(self, tmp_path: Path, kind: str, message: str) -> None:
        folder = self.make(tmp_path, "mine", kind)
        with pytest.raises(CatalogError) as raised:
            load_kinds([tmp_path])
        assert f"{folder}/kind.yml: " in str(raised.value)
        assert message in str(raised.value)

    @pytest.mark.parametrize(("name", "remedy"), [("Mailbox", "mailbox"), ("mail box", "mail_box"), ("2fa", "k_2fa")])
    def test_a_name_that_the_audit_log_would_refuse(self, tmp_path: Path, name: str, remedy: str) -> None:
        folder = self.make(tmp_path, name)
        with pytest.raises(CatalogError) as raised:
            load_kinds([tmp_path])
        (problem,) = raised.value.problems
        assert problem.startswith(
            f"{folder}: the name of a kind starts with a small letter, followed by small letters, digits, _ and -"
        )
        assert problem.endswith(f"; rename the folder to {remedy}, and the kind of its credentials in the catalog")

    def test_one_that_is_not_utf_8(self, tmp_path: Path) -> None:
        folder = self.make(tmp_path, "mine")
        (folder / "kind.yml").write_bytes(b"description: \xff")
        with pytest.raises(CatalogError, match=r"mine/kind.yml: cannot be read"):
            load_kinds([tmp_path])
