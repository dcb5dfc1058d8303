# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An application account attacks what root does with its .env: links, exchanges, pipes, forged state, a held lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.modules import env_copies, host_check
from tests.hostile.application_account import APPLICATION, VICTIM, Files, as_root, at_call, files, within
from tests.modules import run_module

pytestmark = as_root
NEW = {"TOKEN": "canary-new"}
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def world() -> Iterator[Files]:
    with files() as made:
        yield made


@pytest.fixture
def deploy(world: Files, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(values: dict[str, str] | None = None, **extra: Any) -> dict[str, Any]:
        args = {"path": str(world.file), "owner": APPLICATION, "snapshot_id": "s-1", "journal": 7, **extra}
        if args.get("state", "present") == "present":
            args["content"] = dotenv.to_dotenv(values or NEW)
        with within():
            return run_module(env_file_main.main, args, capsys)[0]

    return run


@pytest.fixture
def look(world: Files, capsys: pytest.CaptureFixture[str]) -> Run:
    def run() -> dict[str, Any]:
        args = {"path": str(world.file), "fingerprint_key": "key-of-this-run-0123", "sensitive": ["TOKEN"]}
        with within():
            answer = run_module(host_check.main, args, capsys)[0]
        problem = answer.get("file", {}).get("problem")
        return {**answer, "msg": problem} if problem else answer

    return run


@pytest.fixture
def search(world: Files, capsys: pytest.CaptureFixture[str]) -> Run:
    def run() -> dict[str, Any]:
        args = {"path": str(world.file), "leaked": "x", "values": {"token": ["canary-of-the-victim"]}}
        with within():
            answer = run_module(env_copies.main, args, capsys)[0]
        problems = [item for item in answer["remaining"] if "not checked" in item]
        return {**answer, "msg": problems[0]} if problems else answer

    return run


def test_without_an_attack_it_is_delivered(world: Files, deploy: Run) -> None:
    assert deploy()["changed"]
    assert b"canary-new" in world.file.read_bytes()
    world.assert_unharmed()


@pytest.mark.parametrize("component", ["shop", "app", "file"])
@pytest.mark.parametrize("act", ["deploy", "look", "search"])
def test_a_link_in_any_component(world: Files, component: str, act: str, request: pytest.FixtureRequest) -> None:
    world.put(world.file, b"TOKEN='own'\n")
    world.exchange(getattr(world, component))
    answer = request.getfixturevalue(act)()
    assert "is a symbolic link" in answer["msg"]
    assert "victim" not in str({name: result for name, result in answer.items() if name != "msg"})
    world.assert_unharmed()


@pytest.mark.parametrize("component", ["shop", "app", "file"])
@pytest.mark.parametrize("act", ["deploy", "restore", "search"])
def test_a_link_exchanged_at_any_of_roots_calls(
    world: Files, deploy: Run, search: Run, component: str, act: str
) -> None:
    acts: dict[str, Run] = {"deploy": deploy, "restore": lambda: deploy(state="restored"), "search": search}
    path = getattr(world, component)
    calls, nth = 10**9, 0
    while nth < calls:
        nth += 1
        world.put(world.file, b"TOKEN='own'\n")
        with at_call(nth, lambda: world.exchange(path), lambda: None) as count:
            acts[act]()
        calls = count[0]
        world.exchange_back(path)
        world.assert_unharmed()
        with at_call(nth, lambda: world.exchange(path), lambda: world.exchange_back(path)):
            acts[act]()
        world.assert_unharmed()
    assert calls > 10


@pytest.mark.parametrize("forged", [{"journal": 999999999, "snapshot": "s-9"}, {"journal": 7, "delivery": "x" * 16}])
def test_a_forged_mark_stops_no_deploy(world: Files, deploy: Run, forged: dict[str, Any]) -> None:
    for suffix in (".mark", ".healthy"):
        content = json.dumps({"accepted": {**forged, "digest": "d"}, "healthy": forged}).encode()
        world.put(Path(f"{world.file}{suffix}"), content)
    assert deploy()["restart_needed"] is True
    assert deploy(assume_healthy=True)["healthy"] is True
    assert deploy()["restart_needed"] is False


def test_a_forged_backup_is_not_what_a_host_goes_back_to(world: Files, deploy: Run) -> None:
    deploy({"TOKEN": "canary-first"}, assume_healthy=True)
    deploy()
    world.put(Path(f"{world.file}.healthy"), b"TOKEN='forged'\n")
    assert deploy(state="restored")["restored"] is True
    assert b"canary-first" in world.file.read_bytes()


def test_a_forged_proof_does_not_spare_the_restart(world: Files, deploy: Run) -> None:
    content = dotenv.to_dotenv(NEW).encode()
    world.put(world.file, content)
    entry = {"snapshot": "s-1", "journal": 1, "digest": atomic_file.digest(content)}
    world.put(Path(f"{world.file}.mark"), json.dumps({"accepted": entry, "healthy": entry}).encode())
    assert deploy()["restart_needed"] is True


def test_a_held_lock_stops_no_deploy(world: Files, deploy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic_file, "PATIENCE", 1)
    handle = os.open(world.app, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        assert deploy().get("changed")
    finally:
        os.close(handle)


@pytest.mark.parametrize("name", [".env", ".env.mark", ".env.healthy", ".env.bak", "notes"])
@pytest.mark.parametrize("act", ["deploy", "look", "search"])
def test_a_pipe_in_place_of_a_file(world: Files, name: str, act: str, request: pytest.FixtureRequest) -> None:
    if name != ".env":
        world.put(world.file, b"TOKEN='own'\n")
    os.mkfifo(world.app / name)
    world.give(APPLICATION, world.app / name)
    answer = request.getfixturevalue(act)()
    assert name != ".env" or "is not a regular file" in answer["msg"]
    assert name == ".env" or "msg" not in answer


def test_a_pipe_that_comes_between_look_and_open(world: Files, deploy: Run) -> None:
    def exchange() -> None:
        world.file.unlink()
        os.mkfifo(world.file)

    for nth in range(1, 60):
        world.file.unlink(missing_ok=True)
        world.put(world.file, b"TOKEN='own'\n")
        with at_call(nth, exchange, lambda: None) as count:
            deploy()
        if count[0] < nth:
            break
    assert nth > 10


def test_a_hard_link_is_not_read(world: Files, deploy: Run) -> None:
    """Kernels refuse it to other accounts (fs.protected_hardlinks), unless somebody has switched that off."""
    os.link(world.target, world.file)
    assert "another path is the same file" in deploy(merge=True)["msg"]
    world.assert_unharmed()


def test_a_file_without_end_is_not_read(world: Files, deploy: Run) -> None:
    world.put(world.file, b"")
    os.truncate(world.file, 1 << 40)
    assert "is larger than 16 MiB; remove it" in deploy()["msg"]


def test_a_directory_that_is_called_like_a_leftover_stops_no_deploy(world: Files, deploy: Run) -> None:
    (world.app / ".env.tmp-0123456789abcdef").mkdir()
    (world.app / ".env.mark").mkdir()
    assert deploy()["changed"]


@pytest.mark.parametrize("component", ["shop", "app"])
def test_a_third_accounts_directory_is_refused(world: Files, deploy: Run, component: str) -> None:
    folder = getattr(world, component)
    world.give(VICTIM, folder)
    assert f"{folder} belongs to {VICTIM}, but must belong to root or {APPLICATION}" in deploy()["msg"]


@pytest.mark.parametrize(("mode", "refused"), [(0o775, True), (0o757, True), (0o1777, False), (0o755, False)])
def test_a_directory_that_others_may_write_is_refused(world: Files, deploy: Run, mode: int, refused: bool) -> None:
    world.shop.chmod(mode)
    answer = deploy()
    assert ("msg" in answer) is refused
    assert not refused or f"chmod go-w {world.shop}" in answer["msg"]


def test_roots_own_links_are_followed(world: Files, deploy: Run) -> None:
    link = world.base / "srv"
    link.symlink_to(world.shop)
    assert deploy(path=str(link / "app" / ".env"))["changed"]
    os.chown(world.base, *([os.stat(world.app).st_uid] * 2))
    assert "is a symbolic link" in deploy(path=str(link / "app" / ".env"))["msg"]


def test_verify_names_who_may_replace_the_file(world: Files, look: Run) -> None:
    assert [(item["path"], item["owner"]) for item in look()["replaceable"]] == [
        (str(world.shop), APPLICATION),
        (str(world.app), APPLICATION),
    ]
    for folder in (world.shop, world.app):
        os.chown(folder, 0, 0)
    assert look()["replaceable"] == []
