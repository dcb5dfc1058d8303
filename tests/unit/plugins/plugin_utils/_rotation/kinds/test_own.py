# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind of one's own: an executable that reads one JSON object and writes one."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import Setting
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.own import LONGEST, OwnKind
from tests.unit.plugins.module_utils._rotations.rotator_world import KINDS, World

NOTES = """\
#!/usr/bin/env python3
import json, sys
request = json.load(sys.stdin)
with open("requests", "a") as kept:
    kept.write(json.dumps(request) + "\\n")
json.dump({"message": "done with " + request["old"]["password"], "notes": {"id": 7}}, sys.stdout)
"""


@pytest.fixture
def world() -> World:
    made = World()
    made.created(made.begun("token"))
    return made


def part(world: World) -> Part:
    setting = Setting(world.catalog, KINDS, world.rotator(), SimpleNamespace())  # type: ignore[arg-type]
    return Part(setting, SimpleNamespace(), {"name": "token", "act": "rotate"})  # type: ignore[arg-type]


def own(folder: Path, script: str, *verbs: str, timeout: int = 20) -> OwnKind:
    program = folder / "kind"
    program.write_text(script, encoding="utf-8")
    program.chmod(0o755)
    return OwnKind(Kind("mine", folder=str(folder), verbs=verbs, timeout=timeout))


def requests(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "requests").read_text(encoding="utf-8").splitlines()]


def test_it_is_given_both_values_and_what_it_is_about(world: World, tmp_path: Path) -> None:
    answer = own(tmp_path, NOTES).set(part(world))
    (found,) = requests(tmp_path)
    assert (found["verb"], found["credential"], found["environment"]) == ("set", "token", "test")
    assert (found["old"]["password"], found["new"]["password"]) == ("old-token", "new-token")
    assert (found["back"], found["leak"], found["former"]) == (False, False, False)
    assert answer["notes"] == {"id": 7}
    assert "old-token" not in answer["message"]


def test_a_check_comes_before_there_is_a_new_value(world: World, tmp_path: Path) -> None:
    own(tmp_path, NOTES).check(part(world))
    (found,) = requests(tmp_path)
    assert (found["new"], found["notes"]) == (None, {})


def test_what_was_revoked_is_verified(world: World, tmp_path: Path) -> None:
    own(tmp_path, NOTES, "revoke", "verify_revoked").revoke(part(world))
    own(tmp_path, NOTES, "revoke").revoke(part(world))
    assert [one["verb"] for one in requests(tmp_path)] == ["revoke", "verify_revoked", "revoke"]


def test_on_the_way_back_the_new_value_goes(world: World, tmp_path: Path) -> None:
    world.rotator().advance("withdraw")
    own(tmp_path, NOTES).revoke(part(world))
    assert requests(tmp_path)[0]["back"] is True


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("cat >&2; echo nope >&2; exit 3", r"^token: nope$"),
        ("""printf '{"message": "no %s"}' "$(tr -d '"')"; exit 1""", r"^token: no \{verb: set"),
        ("exit 4", r"^token: it ended with 4$"),
        ("echo x", r"^token: .*/kind set did not write one JSON object"),
        ("echo '[]'", r"did not write one JSON object"),
        (f"head -c {LONGEST + 1} /dev/zero", r"of at most 65536 bytes$"),
        ("sleep 5", r"^token: .*/kind set has not ended within 1 s$"),
    ],
)
def test_what_goes_wrong_is_said_without_a_value(world: World, tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(RotationError, match=words) as raised:
        own(tmp_path, f"#!/bin/sh\n{script}\n", timeout=1).set(part(world))
    assert "new-token" not in str(raised.value)
    assert "old-token" not in str(raised.value)


def test_one_that_cannot_be_run(world: World, tmp_path: Path) -> None:
    kind = own(tmp_path, "#!/nonexistent/interpreter\n")
    with pytest.raises(RotationError, match=r"kind cannot be run: No such file or directory; make it executable"):
        kind.test(part(world))


def test_control_characters_do_not_reach_the_terminal(world: World, tmp_path: Path) -> None:
    with pytest.raises(RotationError) as raised:
        own(tmp_path, "#!/bin/sh\nprintf '\\033[2Jgone\\n' >&2; exit 1\n").create(part(world))
    assert str(raised.value).isprintable()
