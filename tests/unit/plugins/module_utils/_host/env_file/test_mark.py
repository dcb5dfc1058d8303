# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import delivery as env_file_delivery
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import EnvFile, Ownership
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.mark import Mark
from tests import state

PRIVATE = Ownership(None, None, 0o600)
OLD, NEW = b"A='old'\n", b"A='canary-new'\n"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / ".env")


@pytest.fixture
def env(path: str) -> Iterator[EnvFile]:
    with atomic_file.open_file(path) as held:
        yield held


def mode_of(path: str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def put(path: str, content: bytes) -> None:
    Path(path).write_bytes(content)
    os.chmod(path, 0o600)


@pytest.mark.parametrize(
    "content", [b"", b"\xff", b"[]", b'"x"', b'{"healthy": "x"}', b'{"accepted": {"journal": "9"}}']
)
def test_a_mark_that_is_none_is_refused(env: EnvFile, path: str, content: bytes) -> None:
    put(str(state.mark(path)), content)
    with pytest.raises(HostError, match="mark: invalid deploy marker; delete it and deploy again"):
        Mark(env)


def test_the_mark_is_private_and_holds_no_value(env: EnvFile, path: str) -> None:
    put(path, NEW)
    mark = Mark(env)
    mark.accept("s-1", 4, atomic_file.digest(NEW))
    mark.record_healthy("s-1", atomic_file.required(env.file))
    assert mode_of(str(state.mark(path))) == mode_of(str(state.backup(path))) == 0o600
    assert "canary" not in Path(str(state.mark(path))).read_text()
    at = mark.accepted["at"]
    assert abs(time.time() - at) < 60
    entry = {"snapshot": "s-1", "journal": 4, "digest": atomic_file.digest(NEW), "at": at}
    accepted = {**entry, "delivery": mark.delivery}
    assert json.loads(Path(str(state.mark(path))).read_text()) == {"accepted": accepted, "healthy": entry}


def test_the_mark_refuses_an_older_journal_whatever_was_healthy(env: EnvFile) -> None:
    Mark(env).accept("s-1", 7, "d")
    mark = Mark(env)
    mark.refuse_older(7)
    mark.refuse_older(8)
    with pytest.raises(HostError, match=r"newer journal \(number 7; this run read number 6\)") as refusal:
        mark.refuse_older(6)
    causes = str(refusal.value).split("If ")[1:]
    assert ["deploy again" in causes[0], "docs/runbooks/lost-journal.md" in causes[1]] == [True, True]


def test_the_same_bytes_under_a_newer_snapshot_stay_healthy(env: EnvFile, path: str) -> None:
    put(path, OLD)
    mark = Mark(env)
    mark.accept("s-1", 1, atomic_file.digest(OLD))
    mark.record_healthy("s-1", atomic_file.required(env.file))
    mark.accept("s-2", 2, atomic_file.digest(OLD))
    assert Mark(env).is_healthy(atomic_file.digest(OLD))
    assert Mark(env).healthy["snapshot"] == "s-2"


def test_only_the_accepted_file_can_be_healthy(env: EnvFile, path: str) -> None:
    put(path, OLD)
    mark = Mark(env)
    mark.accept("s-1", 1, atomic_file.digest(NEW))
    present = atomic_file.present(env.file)
    assert present is not None
    with pytest.raises(HostError, match="another run wrote it"):
        mark.record_healthy("s-1", present)
    mark.accept("s-1", 1, atomic_file.digest(OLD))
    with pytest.raises(HostError, match="snapshot s-2"):
        mark.record_healthy("s-2", present)
    Mark(env).accept("s-3", 1, atomic_file.digest(OLD))
    with pytest.raises(HostError, match="another run wrote it"):
        mark.record_healthy("s-1", present)
    assert not Mark(env).healthy
    assert not state.backup(path).exists()


def delivered(env: EnvFile, content: bytes, snapshot: str) -> str:
    """Writes as the module does, and returns the delivery's name."""
    mark = Mark(env)
    plan = env_file_delivery.planned(env, content, PRIVATE, atomic_file.present(env.file), mark)
    env_file_delivery.deliver(plan, snapshot, 1)
    return mark.delivery


def test_a_late_proof_does_not_count_for_a_snapshot_that_was_written_again(env: EnvFile) -> None:
    """Its module started the services on the first write; since then they ran on another file."""
    first = delivered(env, NEW, "s-1")
    delivered(env, OLD, "s-2")
    again = delivered(env, NEW, "s-1")
    with pytest.raises(HostError, match="another run wrote it"):
        Mark(env).record_healthy("s-1", atomic_file.required(env.file), first)
    with pytest.raises(HostError, match="another run has written snapshot s-1 since"):
        Mark(env).refuse_foreign("s-1", first)
    assert not Mark(env).is_settled(atomic_file.digest(NEW))
    Mark(env).refuse_foreign("s-1", again)
    Mark(env).record_healthy("s-1", atomic_file.required(env.file), again)
    assert Mark(env).is_settled(atomic_file.digest(NEW))


@pytest.mark.parametrize("other", ["s-1", "s-2"])
def test_two_runs_that_deliver_the_same_bytes_are_one_delivery(env: EnvFile, other: str) -> None:
    """Whatever their snapshots are called: a version that was written again has another id."""
    first = delivered(env, NEW, "s-1")
    assert delivered(env, NEW, other) == first
    Mark(env).record_healthy("s-1", atomic_file.required(env.file), first)
    assert Mark(env).healthy["snapshot"] == other
    with pytest.raises(HostError, match="nothing was restored, because another run has verified this file since"):
        Mark(env).refuse_healthy(atomic_file.present(env.file), first)
    Mark(env).record_healthy(other, atomic_file.required(env.file), first)
    assert Mark(env).delivery == delivered(env, NEW, "s-1") == first


def test_what_nobody_recorded_may_be_rolled_back(env: EnvFile, path: str) -> None:
    first = delivered(env, NEW, "s-1")
    Mark(env).refuse_healthy(atomic_file.present(env.file), first)
    Mark(env).record_healthy("s-1", atomic_file.required(env.file), first)
    Mark(env).refuse_healthy(atomic_file.present(env.file), None)
    put(path, OLD)
    Mark(env).refuse_healthy(atomic_file.present(env.file), first)
    os.unlink(path)
    Mark(env).refuse_healthy(atomic_file.present(env.file), first)


def test_bytes_that_were_edited_in_between_are_a_delivery_of_their_own(env: EnvFile, path: str) -> None:
    first = delivered(env, NEW, "s-1")
    put(path, OLD)
    assert delivered(env, NEW, "s-1") != first


def test_going_back_may_be_repeated_by_who_gave_it_up_and_by_nobody_else(env: EnvFile) -> None:
    first = delivered(env, OLD, "s-1")
    Mark(env).record_healthy("s-1", atomic_file.required(env.file), first)
    second = delivered(env, NEW, "s-2")
    for _time in range(2):
        Mark(env).refuse_foreign("s-2", second)
        Mark(env).refuse_foreign("s-2")
        assert Mark(env).go_back(PRIVATE, ["s-2", second]) is True
    with pytest.raises(HostError, match="another run has written snapshot s-1"):
        Mark(env).refuse_foreign("s-1", first)
    with pytest.raises(HostError, match="another run wrote it"):
        Mark(env).record_healthy("s-1", atomic_file.required(env.file), first)


def test_going_back_never_removes_a_file_that_no_deploy_wrote(env: EnvFile, path: str) -> None:
    put(path, OLD)
    assert Mark(env).go_back(PRIVATE) is False
    assert Path(path).read_bytes() == OLD


def test_going_back_stops_where_the_healthy_file_was_removed_by_hand(env: EnvFile, path: str) -> None:
    put(path, OLD)
    mark = Mark(env)
    mark.accept("s-1", 1, atomic_file.digest(OLD))
    mark.record_healthy("s-1", atomic_file.required(env.file))
    mark.accept("s-2", 2, atomic_file.digest(NEW))
    put(path, NEW)
    os.unlink(str(state.backup(path)))
    with pytest.raises(HostError, match="rollback failed: the last verified file is missing"):
        mark.go_back(PRIVATE)
    assert Path(path).read_bytes() == NEW


def test_a_file_that_cannot_be_removed_is_named(env: EnvFile, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(path, NEW)
    mark = Mark(env)
    mark.accept("s-1", 1, atomic_file.digest(NEW))

    def refused(_at: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(atomic_file, "remove", refused)
    with pytest.raises(HostError, match="cannot be removed"):
        mark.go_back(PRIVATE)


def test_the_mark_keeps_when_these_bytes_were_delivered(env: EnvFile, path: str) -> None:
    put(path, NEW)
    mark = Mark(env)
    mark.accept("s-1", 4, atomic_file.digest(NEW))
    mark.record_healthy("s-1", atomic_file.required(env.file))
    first = mark.healthy["at"]
    mark.accept("s-2", 5, atomic_file.digest(NEW), rewrite=False)
    assert (mark.accepted["at"], mark.healthy["at"]) == (first, first)
    mark.accept("s-3", 6, "0" * 64)
    assert mark.accepted["at"] > first == mark.healthy["at"]
