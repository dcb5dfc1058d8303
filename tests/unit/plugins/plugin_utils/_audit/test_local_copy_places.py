# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import AuditError, HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import local_copy
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.local_copy import (
    enter_changelog,
    require_lasting,
    require_writable,
)
from tests.unit.plugins.plugin_utils._audit.audit_lines import record_fields

# --- a runner's workspace is not a place for the only log ------------------------------------------------------------

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": "/srv/runner/workspace/ops"}


@pytest.mark.parametrize(
    ("environ", "path", "name"),
    [
        (GITHUB, "/srv/runner/workspace/ops/audit.jsonl", "GitHub Actions"),
        ({**GITHUB, "RUNNER_ENVIRONMENT": "github-hosted"}, "/var/log/audit.jsonl", "GitHub Actions"),
        ({**GITHUB, "RUNNER_ENVIRONMENT": "self-hosted"}, "/var/log/audit.jsonl", None),
        ({**GITHUB, "HOME": "/srv/runner"}, "/srv/runner/audit.jsonl", "GitHub Actions"),
        ({"GITLAB_CI": "true", "CI_PROJECT_DIR": "/builds/x"}, "/builds/x/audit.jsonl", "GitLab CI"),
        ({"GITLAB_CI": "true", "CI_PROJECT_DIR": "/builds/x"}, "/builds/xy", None),
        ({"JENKINS_URL": "http://j", "WORKSPACE": "/w"}, "/w/a", "Jenkins"),
        ({"BUILDKITE": "true", "BUILDKITE_BUILD_PATH": "/b"}, "/b/a", "Buildkite"),
        ({"TF_BUILD": "True", "PIPELINE_WORKSPACE": "/p"}, "/p/a", "Azure Pipelines"),
        ({"CIRCLECI": "true"}, "/var/log/a", "CircleCI"),
        ({"BITBUCKET_BUILD_NUMBER": "7"}, "/var/log/a", "Bitbucket Pipelines"),
        ({"CODEBUILD_BUILD_ID": "x:1"}, "/var/log/a", "AWS CodeBuild"),
        ({"AWX_PRIVATE_DATA_DIR": "/tmp/x"}, "/var/log/a", "AWX"),
        ({"CI": "true"}, "audit.jsonl", "a CI job"),
        ({"CI": "true"}, "/tmp/audit.jsonl", "a CI job"),
        ({"CI": "true"}, "/var/log/audit.jsonl", None),
        ({"CI": "true", "HOME": "/"}, "/var/log/audit.jsonl", None),
        ({"CI": "false"}, "audit.jsonl", None),
        ({}, "audit.jsonl", None),
    ],
)
def test_a_runners_workspace(environ: dict[str, str], path: str, name: str | None, monkeypatch: Any) -> None:
    monkeypatch.setattr(local_copy.tempfile, "gettempdir", lambda: "/tmp")
    if name is None:
        require_lasting(path, environ)
        return
    with pytest.raises(
        AuditError, match=f"this is {name}, and the file would be lost when the job ends, so it cannot be the"
    ):
        require_lasting(path, environ)


class TestWritable:
    """What is found out before anything is written."""

    def test_nothing_is_made(self, tmp_path: Path) -> None:
        require_writable(str(tmp_path / "audit.jsonl"))
        require_writable(str(tmp_path / "CHANGELOG.md"), replaced=True)
        assert list(tmp_path.iterdir()) == []

    def test_a_name_alone_is_in_this_directory(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        require_writable("audit.jsonl")

    def test_what_is_no_file(self, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to("audit.jsonl")
        with pytest.raises(HostError, match="link: is a symbolic link; remove it"):
            require_writable(str(tmp_path / "link"))
        with pytest.raises(HostError, match="is not a regular file"):
            require_writable(str(tmp_path))

    @pytest.mark.parametrize(("denied", "replaced"), [("file", False), ("file", True), ("", True)])
    def test_rights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, denied: str, replaced: bool) -> None:
        """Whoever may do everything has them all, so the system's answer is another one here."""
        path = tmp_path / "file"
        path.touch()
        require_writable(str(path), replaced=replaced)
        monkeypatch.setattr(local_copy.os, "access", lambda item, _rights: Path(item) != tmp_path / denied)
        with pytest.raises(HostError, match="cannot be written; correct its owner and rights, or give another path"):
            require_writable(str(path), replaced=replaced)

    def test_an_existing_file_in_a_directory_that_is_not_ours(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Lines are added in place."""
        (tmp_path / "file").touch()
        monkeypatch.setattr(local_copy.os, "access", lambda item, _rights: Path(item) != tmp_path)
        require_writable(str(tmp_path / "file"))
        with pytest.raises(HostError, match="cannot be written"):
            require_writable(str(tmp_path / "another"))


def test_a_link_into_a_workspace_is_one(tmp_path: Path) -> None:
    workspace, elsewhere = tmp_path / "work", tmp_path / "link"
    workspace.mkdir()
    elsewhere.symlink_to(workspace)
    with pytest.raises(AuditError):
        require_lasting(str(elsewhere / "audit.jsonl"), {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(workspace)})


# --- the CHANGELOG ------------------------------------------------------------------------------------------------


def test_a_line_is_entered_once(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    assert enter_changelog(str(path), record_fields())
    assert not enter_changelog(str(path), record_fields())
    text = path.read_text()
    assert text.startswith("# Changelog\n\n## Secret rotations\n\n- 2026-11-25 shop production: no credential, by ann")


def test_the_changelog_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_text("# C\n")
    path.chmod(0o664)
    enter_changelog(str(path), record_fields())
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert [path.name for path in tmp_path.iterdir()] == ["CHANGELOG.md"]


def test_nothing_is_entered_in_check_mode(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    assert enter_changelog(str(path), record_fields(), write=False)
    assert not path.exists()
    path.write_text("# C\n")
    assert enter_changelog(str(path), record_fields(), write=False)
    assert path.read_text() == "# C\n"
    enter_changelog(str(path), record_fields())
    assert not enter_changelog(str(path), record_fields(), write=False)


def test_a_changelog_of_other_bytes(tmp_path: Path) -> None:
    path = tmp_path / "CHANGELOG.md"
    path.write_bytes(b"\xff")
    with pytest.raises(HostError, match="is not UTF-8; no entry was added"):
        enter_changelog(str(path), record_fields())
    assert path.read_bytes() == b"\xff"


def test_entries_at_once_lose_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "CHANGELOG.md")

    def enter(first: int) -> None:
        for number in range(first, first + 20):
            enter_changelog(path, record_fields(number))

    threads = [threading.Thread(target=enter, args=(first,)) for first in (100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    text = Path(path).read_text()
    assert all(text.count(f"(rotation r{first + n}: ") == 1 for first in (100, 200, 300) for n in range(20))
