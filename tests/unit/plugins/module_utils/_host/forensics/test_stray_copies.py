# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Copies of revoked values beside a file: ours go, others are named."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import stray_copies
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import ValueMatcher
from ansible_collections.watchparty.secrets.plugins.modules import env_copies
from tests import state
from tests.modules import run_module

DEAD, ODD = "canary-dead-value", 'canary/"odd\\ value'
VALUES = {"cache": [DEAD], "database": [ODD, "canary-another"]}


@pytest.fixture
def env(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text("REDIS_URL=redis://:present-value@c\n")
    return path


def beside(env: Path, suffix: str, text: str) -> Path:
    path = Path(f"{env}{suffix}")
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (f"A={DEAD}", ["cache"]),
        (f"redis://:{quote(ODD, safe='')}@c", ["database"]),
        ('X="canary/\\"odd\\\\ value"', ["database"]),
        (f"b0VIM\0\0{DEAD}\0canary-another\0", ["cache", "database"]),
        ("A=present-value", []),
    ],
)
def test_what_is_held(content: str, names: list[str]) -> None:
    assert ValueMatcher(VALUES).named(content.encode()) == names
    assert ValueMatcher({"empty": [""]}).named(content.encode()) == []


def test_a_kept_file_that_is_dead_is_removed(env: Path) -> None:
    kept = state.put(state.backup(env), f"A={DEAD}\n")
    left = beside(env, ".tmp-0123456789abcdef", f"A={DEAD}\n")
    planned = stray_copies.scrub(str(env), VALUES, check=True)
    assert planned.removed == [f"{kept}, which held a revoked value of cache"]
    assert kept.exists()
    left_words = f"{left} (mode 0644) holds a revoked value of cache; remove it: rm {left}"
    assert planned.remaining == [left_words]
    assert stray_copies.scrub(str(env), VALUES) == stray_copies.RemovalResult(planned.removed, [])
    assert not kept.exists()
    assert not left.exists()
    assert stray_copies.scrub(str(env), VALUES) == stray_copies.RemovalResult([], [])


def test_a_kept_file_that_is_alive_stays(env: Path) -> None:
    kept = state.put(state.backup(env), env.read_text())
    assert stray_copies.scrub(str(env), VALUES) == stray_copies.RemovalResult([], [])
    assert kept.exists()


def test_a_host_that_was_skipped(env: Path) -> None:
    """Its backup is as revoked as its .env, and it still needs one until it is deployed to."""
    env.write_text(f"A={DEAD}\n")
    kept = state.put(state.backup(env), f"A={DEAD}\n")
    removal_result = stray_copies.scrub(str(env), VALUES)
    assert removal_result.removed == []
    assert removal_result.remaining == [
        f"{env} itself holds a revoked value of cache: deploy to this host",
        f"{kept} holds a revoked value of cache, and the next deploy replaces it",
    ]
    assert kept.exists()


@pytest.mark.parametrize("name", [".env.bak", ".env~", ".env.swp", "#.env#", ".env.2026.save", "notes; rm -rf .txt"])
def test_a_stray_copy_is_named_and_stays(env: Path, name: str) -> None:
    stray = env.parent / name
    stray.write_text(f"x {DEAD} y")
    stray.chmod(0o640)
    (line,) = stray_copies.scrub(str(env), VALUES).remaining
    assert line.startswith(f"{stray} (mode 0640) holds a revoked value of cache; remove it: rm ")
    assert stray.exists()
    if ";" in name:
        assert line.endswith(f"rm '{stray}'")


def test_what_is_not_looked_into(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stray_copies, "LARGEST", 100)
    monkeypatch.setattr(stray_copies, "MOST", 3)
    beside(env, ".large", "x" * 101 + DEAD)
    os.mkfifo(f"{env}.fifo")
    Path(f"{env}.link").symlink_to(env)
    for name in ("a", "b"):
        (env.parent / name).write_text(DEAD)
    assert stray_copies.scrub(str(env), VALUES).remaining == [
        f"3 files in {env.parent} were not searched, because they are large or many"
    ]


def test_what_cannot_be_read(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stray = beside(env, ".bak", DEAD)
    really = os.open

    def refuses(path: Any, *additions: Any, **others: Any) -> int:
        if path == stray.name:
            raise PermissionError
        return really(path, *additions, **others)

    monkeypatch.setattr(stray_copies.os, "open", refuses)
    assert stray_copies.scrub(str(env), VALUES).remaining == [f"1 files in {env.parent} cannot be read; use become"]


def test_a_directory_that_cannot_be_listed(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(_path: Any) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(stray_copies.os, "listdir", refuses)
    message = f"{env.parent} cannot be listed: Permission denied; use become"
    assert stray_copies.scrub(str(env), VALUES, check=True).remaining == [message]


def test_a_kept_file_that_cannot_be_removed(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state.put(state.backup(env), f"A={DEAD}\n")

    def refuses(_path: str, **_more: Any) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(stray_copies.os, "unlink", refuses)
    with pytest.raises(HostError, match=r"healthy: cannot be removed: Operation not permitted"):
        stray_copies.scrub(str(env), VALUES)


class TestModule:
    def test_runs(self, env: Path, capsys: pytest.CaptureFixture[str]) -> None:
        state.put(state.backup(env), f"A={DEAD}\n")
        beside(env, ".old", f"A={DEAD}\n")
        args = {"path": str(env), "leaked": "x", "values": VALUES}
        result, text = run_module(env_copies.main, args, capsys)
        assert result["changed"]
        assert len(result["removed"]) == len(result["remaining"]) == 1
        assert "canary" not in text.replace(json.dumps(str(env.parent)), "")

    @pytest.mark.parametrize("values", [{"cache": DEAD}, {"cache": [7]}, {"cache": [""]}])
    def test_bad_values(self, env: Path, capsys: pytest.CaptureFixture[str], values: dict[str, Any]) -> None:
        args = {"path": str(env), "leaked": "x", "values": values}
        result, text = run_module(env_copies.main, args, capsys)
        assert result["msg"] == "values: must be lists of texts by credential"
        assert DEAD not in text

    def test_no_directory(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """The host's health is asked all the same."""
        monkeypatch.setattr(
            env_copies.health_check, "ask_once", lambda url: {"url": url, "status": 200, "seconds": 0.1}
        )
        args = {"path": "/nowhere/.env", "leaked": "x", "health": ["http://a/"]}
        result, _text = run_module(env_copies.main, args, capsys)
        (line,) = result["remaining"]
        message = "not checked: copies of revoked values: /nowhere/.env: the directory /nowhere does not exist"
        assert line.startswith(message)
        assert [item["status"] for item in result["health"]] == [200]

    def test_an_address_is_asked_again_until_it_answers(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        answers = iter([503, 503, 200])
        asked = lambda url: {"url": url, "status": next(answers), "seconds": 0.1}  # noqa: E731
        monkeypatch.setattr(env_copies.health_check, "ask_once", asked)
        slept: list[float] = []
        monkeypatch.setattr(env_copies.time, "sleep", slept.append)
        result, _text = run_module(env_copies.main, {"path": "/nowhere/.env", "health": ["http://a/"]}, capsys)
        assert [item["status"] for item in result["health"]] == [200]
        assert slept == [env_copies.DELAY] * 2
        assert (result["removed"], result["remaining"]) == ([], []), (
            "without a name of revoked values nothing is looked for"
        )

    def test_no_longer_than_it_may(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setattr(
            env_copies.health_check, "ask_once", lambda url: {"url": url, "status": 503, "seconds": 0.1}
        )
        args = {"path": "/nowhere/.env", "health": ["http://a/"], "seconds": 1}
        result, _text = run_module(env_copies.main, args, capsys)
        assert [item["status"] for item in result["health"]] == [503]
