# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind of one's own: an executable that reads one JSON object and writes one."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import own_kind_main
from ansible_collections.watchparty.secrets.plugins.module_utils._host.own_kind import LONGEST
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import NotReached, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.own import OwnKind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotation_host import RotationHost
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup
from sandbox.process import wait_until
from tests.integration.fake_service import ended
from tests.unit.plugins.plugin_utils._ansible.test_remote_program import Host
from tests.unit.plugins.plugin_utils._rotation.rotator_world import KINDS, World

BOTH = pytest.mark.parametrize("runs_on", ["controller", "rotation_host"])
NOTES = """\
#!/usr/bin/python3
import json, sys
request = json.load(sys.stdin)
with open("FOLDER/requests", "a") as kept:
    kept.write(json.dumps(request) + "\\n")
json.dump({"message": "done with " + request["old"]["password"], "notes": {"id": 7}}, sys.stdout)
"""


@pytest.fixture
def world() -> World:
    made = World()
    made.created(made.begun("token"))
    return made


def part(world: World, host: Host | None = None, **variables: Any) -> Part:
    """``host`` is the rotation host; this machine is one."""
    host = host or Host()
    host._task.async_val, host._task.become = 0, False
    host._connection.transport, host._connection.is_pipelining_enabled = "local", lambda _wrapped: True
    setting = RotationSetup(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
    variables = {"ansible_python_interpreter": sys.executable, "inventory_hostname": "web1", **variables}
    server = RotationHost(host, setting, {}, variables)  # type: ignore[arg-type]
    return Part(setting, server, {"name": "token", "act": "rotate"})


def own(folder: Path, script: str, *verbs: str, timeout: int = 20, runs_on: str = "controller") -> OwnKind:
    program = folder / "kind"
    program.write_text(script.replace("FOLDER", str(folder)), encoding="utf-8")
    program.chmod(0o755)
    return OwnKind(Kind("mine", folder=str(folder), verbs=verbs, timeout=timeout, runs_on=runs_on))


def requests(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "requests").read_text(encoding="utf-8").splitlines()]


def test_it_disables_the_old_value_before_there_is_a_new_one(world: World, tmp_path: Path) -> None:
    empty = World()
    empty.begun("token", leak="leak-1")
    own(tmp_path, NOTES, "block").block(part(empty))
    (result,) = requests(tmp_path)
    assert (result["verb"], result["old"]["password"], result["new"]) == ("block", "old-token", None)
    assert (result["leak"], result["rollback"]) == (True, False)


@BOTH
def test_it_is_given_both_values_and_what_it_is_about(world: World, tmp_path: Path, runs_on: str) -> None:
    answer = own(tmp_path, NOTES, runs_on=runs_on).set(part(world))
    (result,) = requests(tmp_path)
    assert (result["verb"], result["credential"], result["environment"]) == ("set", "token", "test")
    assert (result["old"]["password"], result["new"]["password"]) == ("old-token", "new-token")
    assert (result["rollback"], result["leak"], result["former"]) == (False, False, False)
    assert answer["notes"] == {"id": 7}
    assert "old-token" not in answer["message"]


def test_a_check_comes_before_there_is_a_new_value(world: World, tmp_path: Path) -> None:
    own(tmp_path, NOTES).check(part(world))
    (result,) = requests(tmp_path)
    assert (result["new"], result["notes"]) == (None, {})


def test_what_was_revoked_is_verified(world: World, tmp_path: Path) -> None:
    own(tmp_path, NOTES, "revoke", "verify_revoked").revoke(part(world))
    own(tmp_path, NOTES, "revoke").revoke(part(world))
    assert [request["verb"] for request in requests(tmp_path)] == ["revoke", "verify_revoked", "revoke"]


def test_on_the_way_back_the_new_value_goes(world: World, tmp_path: Path) -> None:
    world.rotator().advance("withdraw")
    own(tmp_path, NOTES).revoke(part(world))
    assert requests(tmp_path)[0]["rollback"] is True


@BOTH
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("cat >&2; echo nope >&2; exit 3", r"^nope$"),
        ("""printf '{"message": "no %s"}' "$(tr -d '"')"; exit 1""", r"^no \{verb: set"),
        ("exit 4", "^its exit code was 4$"),
        ("echo x", r"/kind set did not write one JSON object"),
        ("echo '[]'", r"did not write one JSON object"),
        ("head -c 30000 /dev/zero | tr '\\0' '['", r"did not write one JSON object"),
        (f"head -c {LONGEST + 1} /dev/zero", r"of at most 65536 bytes$"),
        ("yes", r"of at most 65536 bytes$"),
        ("sleep 5", r"/kind set has not ended within 1 s$"),
        (
            "printf '{\"notes\": '; cat; printf '}'",
            r"/kind set: its notes contain a secret value, which the journal must not store",
        ),
        ("""printf '{"notes": {"a": 1e999}}'""", "a number that JSON does not have"),
        ("""printf '{"notes": {"a": "%032768d"}}' 0; head -c 32000 /dev/zero | tr '\\0' ' '""", r"^none$"),
    ],
)
def test_what_goes_wrong_is_said_without_a_value(
    world: World, tmp_path: Path, runs_on: str, script: str, message: str
) -> None:
    kind = own(tmp_path, f"#!/bin/sh\n{script}\n", timeout=1, runs_on=runs_on)
    if message == "^none$":
        assert kind.set(part(world))["notes"] == {"a": f"{0:032768d}"}
        return
    with pytest.raises(RotationError, match=message) as raised:
        kind.set(part(world))
    assert "new-token" not in str(raised.value)
    assert "old-token" not in str(raised.value)


@pytest.mark.parametrize("script", ["yes >&2", "sleep 60 & echo '{}'", "exec >&- 2>&-; sleep 60"])
def test_one_that_does_not_end(world: World, tmp_path: Path, script: str) -> None:
    kind = own(tmp_path, f"#!/bin/sh\n{script}\n", timeout=1)
    with pytest.raises(RotationError, match=r"/kind set has not ended within 1 s$"):
        kind.set(part(world))


@BOTH
def test_one_that_cannot_be_run(world: World, tmp_path: Path, runs_on: str) -> None:
    kind = own(tmp_path, "#!/nonexistent/interpreter\n", runs_on=runs_on)
    with pytest.raises(RotationError, match=r"No such file or directory"):
        kind.test(part(world))
    kind = own(tmp_path, "no program at all\n", runs_on=runs_on)
    with pytest.raises(RotationError, match=r"kind test cannot be run: Exec format error\. Make it executable"):
        kind.test(part(world))


@BOTH
def test_control_characters_do_not_reach_the_terminal(world: World, tmp_path: Path, runs_on: str) -> None:
    with pytest.raises(RotationError) as raised:
        own(tmp_path, "#!/bin/sh\nprintf '\\033[2Jgone\\n' >&2; exit 1\n", runs_on=runs_on).create(part(world))
    assert str(raised.value).isprintable()
    script = """#!/bin/sh\nprintf '{"message": "a\\\\u001b[2Jb", "notes": {"\\\\u202ex": ["\\\\u009b"]}}'\n"""
    answer = own(tmp_path, script, runs_on=runs_on).set(part(world))
    assert answer == {"message": "a[2Jb", "notes": {"x": [""]}}


@BOTH
def test_a_value_that_is_cut_or_spelled_as_json_is_masked(world: World, tmp_path: Path, runs_on: str) -> None:
    """A reason is the last line; where its beginning was dropped, it may begin in the middle of a value."""
    endless = "#!/usr/bin/python3\nimport sys\nsys.stderr.write(sys.stdin.readline().strip() * 1000)\nsys.exit(1)\n"
    with pytest.raises(RotationError, match=r"^its exit code was 1$"):
        own(tmp_path, endless, runs_on=runs_on).set(part(world))


@BOTH
def test_other_keys_of_an_answer_are_not_used(world: World, tmp_path: Path, runs_on: str) -> None:
    script = """#!/bin/sh\necho '{"not_reached": true, "failed": true, "_ansible_no_log": false, "message": "set"}'\n"""
    assert own(tmp_path, script, runs_on=runs_on).set(part(world)) == {"message": "set", "notes": None}


# --- on the rotation host ---------------------------------------------------------------------------------------------

LOOKS = """\
#!/usr/bin/python3
import json, os, sys
request = json.load(sys.stdin)
seen = [" ".join(sys.argv), sys.argv[0], os.getcwd(), *os.environ.values()]
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("cmdline", "environ"):
        try:
            seen.append(open(f"/proc/{pid}/{name}", errors="replace").read())
        except OSError:
            pass
found = [one for one in (request["old"]["password"], request["new"]["password"]) if any(one in text for text in seen)]
json.dump({"message": f"{len(found)} values found, run as {sys.argv[0][:14]} in {os.getcwd()}"}, sys.stdout)
"""


def test_its_values_are_on_standard_input_only(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    host = Host()
    answer = own(tmp_path, LOOKS, runs_on="rotation_host").set(part(world, host))
    assert answer["message"] == "0 values found, run as /proc/self/fd/ in /"
    assert not any("-token" in command for command in host.commands)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_binary_runs_as_well(world: World, tmp_path: Path) -> None:
    """``cat`` answers with the request itself, whose notes are empty before there is a rotation."""
    kind = own(tmp_path, "", runs_on="rotation_host")
    (tmp_path / "kind").write_bytes(Path("/bin/cat").read_bytes())
    assert kind.check(part(world)) == {"message": "", "notes": {}}


def test_nothing_of_it_stays(world: World, tmp_path: Path) -> None:
    """What it has started ends with it, whether it ended in time or not."""
    script = "#!/bin/sh\nsleep 61 >/dev/null 2>&1 &\necho $! >FOLDER/pid\n"
    for name in ("echo '{}'\n", "sleep 62\n"):
        kind = own(tmp_path, script + name, timeout=1, runs_on="rotation_host")
        if "sleep" in name:
            with pytest.raises(RotationError, match="has not ended within 1 s"):
                kind.set(part(world))
        else:
            kind.set(part(world))
        pid = int((tmp_path / "pid").read_text())
        assert wait_until(partial(ended, pid), seconds=60)  # a killed process needs a moment to end


def test_it_may_take_its_time_on_a_host_that_must_answer_soon(world: World, tmp_path: Path) -> None:
    """The program that runs it ends later than it, else it would stay."""
    script = "#!/bin/sh\nsleep 2\necho '{}'\n"
    kind = own(tmp_path, script, timeout=3, runs_on="rotation_host")
    assert kind.set(part(world, secrets_host_timeout=1)) == {"message": "", "notes": None}


def test_check_mode_runs_the_check_only(world: World, tmp_path: Path) -> None:
    kind = own(tmp_path, NOTES, runs_on="rotation_host")
    kind.check(part(world, Host(check_mode=True)))
    with pytest.raises(RotationError, match="was not run: with --check"):
        kind.set(part(world, Host(check_mode=True)))
    assert [request["verb"] for request in requests(tmp_path)] == ["check"]


def test_an_interpreter_that_another_account_may_change(world: World, tmp_path: Path) -> None:
    interpreter = tmp_path / "python3"
    interpreter.symlink_to("/usr/bin/python3")
    tmp_path.chmod(0o777)
    for first in (f"#!{interpreter}", f"#!/usr/bin/env -S PYTHONPATH=/x {interpreter} -I"):
        with pytest.raises(RotationError, match=rf"untrusted interpreter {tmp_path}: Another account may change it"):
            own(tmp_path, f"{first}\n", runs_on="rotation_host").set(part(world))


def test_a_host_that_cannot_be_reached(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host()

    def lost(*_arguments: Any, **_more: Any) -> dict[str, Any]:
        raise AnsibleConnectionFailure("gone")

    monkeypatch.setattr(host, "_low_level_execute_command", lost)
    with pytest.raises(NotReached, match="web1 cannot be reached; choose another by -e rotation_host="):
        own(tmp_path, NOTES, runs_on="rotation_host").set(part(world, host))


def test_a_host_without_programs_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    with pytest.raises(RotationError, match=r"no memfd_create\. Choose another rotation host by -e"):
        own_kind_main._in_memory(b"", "kind set")


def test_a_program_in_memory_cannot_be_changed() -> None:
    """Another process of the same account can open it for writing."""
    path = f"/proc/self/fd/{own_kind_main._in_memory(b'#!/bin/sh', 'kind set')}"
    with open(path, "r+b", buffering=0) as file, pytest.raises(PermissionError):
        file.write(b"evil")
    assert Path(path).read_bytes() == b"#!/bin/sh"


def test_one_that_is_gone(world: World, tmp_path: Path) -> None:
    kind = own(tmp_path, NOTES, runs_on="rotation_host")
    (tmp_path / "kind").unlink()
    with pytest.raises(RotationError, match="/kind cannot be read: No such file or directory"):
        kind.set(part(world))
