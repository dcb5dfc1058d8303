# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of findings with hostile and unusual names, run by a shell, and by a host's shell after Ansible.

Functions stand for the programs, and print their arguments. A name that a shell runs makes the file ``ran``.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from ansible.parsing.splitter import parse_kv

from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import env_drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Outcome
from tests.unit.plugins.plugin_utils._verify import verify_facts
from tests.unit.plugins.plugin_utils._verify.checks import test_checks

PROGRAMS = {
    "/bin/bash": "ansible ansible-playbook aws curl gh git vi",
    "/bin/sh": "certbot curl install journalctl ls restorecon runuser sed setfacl shred stat sv systemctl",
}
NAMES = (
    *("a b", "it's", 'x"y', "a;>ran", "$(>ran)", "`>ran`", "a'$(>ran)'b", '"$(>ran)"', "a&>ran", "a|>ran", ">ran"),
    *("a\n>ran", "-x", "--exec", "@x", "+x", "!x", "~root", "a*", "#a", "a\\x2db", "a\\nb", "a\\", "a=b", "{a}"),
    *("{{ 1 }}", "{% x %}", "2001:db8::1", "[2001:db8::1]:22", "https://[::1]/?a=b&c", "chdir=/tmp", "executable=/x"),
)


@cache
def findings() -> dict[str, tuple[Check, Outcome]]:
    """A finding of every check with each of its commands."""
    result = {}
    for name, over, _message in test_checks.FAILS:
        (check,) = verify_check.chosen([name])
        for outcome in verify_check.run_checks([check], verify_facts.facts(**over))[0].outcomes:
            if outcome.status == FAIL:
                result[f"{name} {outcome.command}"] = (check, outcome)
    return result


def calls(folder: Path, shell: str, lines: Iterable[str]) -> list[list[str]]:
    """The programs that a shell calls, with their arguments."""
    stand_ins = [f"{name}() {{ printf '%s\\n' {name} \"$@\"; printf '\\1'; }}" for name in PROGRAMS[shell].split()]
    script = "\n".join([*stand_ins, *lines])
    done = subprocess.run([shell, "-c", script], cwd=folder, env={"PATH": ""}, capture_output=True, check=False)
    assert not (folder / "ran").exists(), script
    assert not done.stderr, (script, done.stderr)
    return [call.split("\n")[:-1] for call in done.stdout.decode().split("\1")[:-1]]


def words(folder: Path, commands: Iterable[str]) -> Iterator[str]:
    """The arguments of every program, here and on the host."""
    here = calls(folder, "/bin/bash", commands)
    on_host = []
    for call in here:
        yield from call
        assert not call[0].startswith("ansible") or "{{" not in " ".join(call)
        if call[0] == "ansible":
            module, given = (call[call.index(option) + 1] for option in ("-m", "-a"))
            options = parse_kv(given, check_raw=module.endswith((".command", ".shell")))
            on_host.append(options.pop("_raw_params", ""))
            assert not set(options) & {"chdir", "executable", "creates", "removes", "stdin"}, given
            yield from options.values()
    by_root = calls(folder, "/bin/sh", on_host)
    by_account = calls(
        folder, "/bin/sh", [call[call.index("--command") + 1] for call in by_root if call[0] == "runuser"]
    )
    yield from (word for call in (*by_root, *by_account) for word in call)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_one_word_of_the_command_or_in_none(tmp_path: Path, name: str) -> None:
    named = set()
    for check, outcome in findings().values():
        for field in ("place", "target", "file"):
            plain, command = (check.command_for(replace(outcome, **{field: text}), "x") for text in ("NAME", name))
            if "NAME" in plain and "secrets.verify " not in command:
                named.add(command)
    given = list(words(tmp_path, named))
    last = name.rpartition(" ")[2]  # {name}, which has no spaces in AWS
    assert sum(word in (name, last) or word.endswith(f"={name}") for word in given) >= len(named)


@pytest.mark.parametrize("name", NAMES)
def test_names_of_a_host_and_of_the_catalog_are_one_word(tmp_path: Path, name: str) -> None:
    service = {"service": "web", "manager": "runit", "units": ["web"], "directory": f"/{name}"}
    row = verify_facts.unit(unit="web", manager="runit", service="web", account=name, environment={}, held={})
    managed = env_drift.judge({}, verify_facts.host(units=[{**row, "is_up": False}]), [service])["units"]
    in_file = {"path": f"/{name}", "problem": "", **test_checks.names(differs=["A"])}
    own = verify_facts.unit(unit=name, old=True, user="root", starts=False, files=[in_file])
    file = {**test_checks.FILE, "owner": name}
    host = verify_facts.host(units=[own, *managed], file=file, health=[verify_facts.answer(status=500)])
    checks = verify_check.chosen(["WPS207", "WPS303", "WPS306", "WPS307", "WPS601"])
    results = verify_check.run_checks(checks, verify_facts.facts(hosts={"web1": host}))
    commands = list(dict.fromkeys(command for _check, command in test_checks.pasted_commands.commands(results)))
    given = list(words(tmp_path, commands))
    if any(command.startswith("ansible web1 ") for command in commands):
        assert {name, f"/{name}", f"/{name}/web"} & {*given}
