# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of rules against the real readers: each rule is needed, and generated values find no gap in it."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv import (
    DEFAULT_READERS,
    Unspellable,
    spell,
    to_dotenv,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import (
    BASH_NAMES,
    DOUBLE,
    LONGEST,
    RESERVED_NAMES,
    RULES,
    SINGLE,
    ZSH_DOLLAR,
    Rule,
    quoted,
)
from tests.readers import readers as real

HOSTILE = "'\"${}\\\n\r`#= \t\u2028\u2029\x85\x0b\x0c\x1c()[]!:-~^+*&;|<>%@?,.ntrxA0é\u00a0\ufeff\ufffe\U0001f511"
EXAMPLES = [
    *HOSTILE,
    *(first + second for first in HOSTILE for second in HOSTILE),
    *(f"{before}{sign}{after}" for sign in ("${A}", "$A", "\\\\", "\\n", '"a"') for before in "a " for after in "a "),
]
NEEDED = [
    pytest.param(reader, spelling, rule, id=f"{reader}-{spelling}-{rule.reason}")
    for reader, spellings in RULES.items()
    if reader in real.PROGRAMS
    for spelling in (SINGLE, DOUBLE)
    for rule in spellings[spelling]
]


def only_against(reader: str, spelling: str, rule: Rule) -> Iterator[str]:
    """Values that this rule, and no other of the reader's, refuses in this spelling."""
    for value in EXAMPLES:
        against = [other for other in RULES[reader][spelling] if other.pattern.search(value)]
        if against == [rule]:
            yield value


def misread(reader: str, spelling: str, value: str, path: Path) -> bool:
    """Whether one of the reader's programs gets another value, or harms the setting after it."""
    path.write_bytes(f"V={quoted(value, spelling)}\nZ=z\n".encode())
    for program in real.PROGRAMS[reader]:
        try:
            if program(path) != {"V": value, "Z": "z"}:
                return True
        except real.Refused:
            return True
        except (real.Unavailable, ImportError) as error:
            pytest.skip(str(error))
    return False


@pytest.mark.parametrize(("reader", "spelling", "rule"), NEEDED)
def test_each_rule_is_needed(reader: str, spelling: str, rule: Rule, tmp_path: Path) -> None:
    values = list(only_against(reader, spelling, rule))
    values = random.Random(rule.reason).sample(values, min(6, len(values)))
    harmless = [value for value in values if not misread(reader, spelling, value, tmp_path / ".env")]
    assert values
    assert harmless == [] or (rule == ZSH_DOLLAR and harmless != values)


@pytest.mark.hosts
def test_systemd_rules(tmp_path: Path, run_on_host: real.RunOnHost) -> None:
    values = {f"V{number}": value for number, value in enumerate(EXAMPLES) if spellable(value, ("systemd",))}
    path = tmp_path / ".env"
    path.write_bytes(to_dotenv(values, ("systemd",)).encode())
    assert real.systemd(path, run_on_host) == values
    path.write_bytes("V='\ufffe'\n".encode())
    with pytest.raises(real.Refused):
        real.systemd(path, run_on_host)


def spellable(value: str, readers: tuple[str, ...]) -> bool:
    try:
        spell("V", value, readers)
    except Unspellable:
        return False
    return True


@pytest.mark.parametrize("reader", real.PROGRAMS)
def test_short_hostile_values(reader: str, tmp_path: Path) -> None:
    """Every value of one or two hostile characters that the reader is said to carry."""
    values = {f"V{number}": value for number, value in enumerate(EXAMPLES) if spellable(value, (reader,))}
    path = tmp_path / ".env"
    path.write_bytes(to_dotenv(values, (reader,)).encode())
    for program in real.PROGRAMS[reader]:
        try:
            assert dict(program(path)) == values
        except (real.Unavailable, ImportError) as error:
            pytest.skip(str(error))


@given(st.lists(st.text(alphabet=HOSTILE, max_size=12), min_size=20, max_size=40))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@pytest.mark.parametrize("readers", [DEFAULT_READERS, ("python_dotenv", "shell", "systemd", "docker_compose")], ids=len)
def test_generated_values(tmp_path: Path, readers: tuple[str, ...], generated: list[str]) -> None:
    values = {f"V{number}": value for number, value in enumerate(generated) if spellable(value, readers)}
    path = tmp_path / ".env"
    path.write_bytes(to_dotenv(values, readers).encode())
    for reader in readers:
        for program in real.PROGRAMS.get(reader, ()):
            try:
                result = program(path)
            except (real.Unavailable, ImportError):
                continue
            assert dict(result) == values


@pytest.mark.parametrize("reader", sorted(set(LONGEST) - {"systemd", "docker_compose", "honcho", "direnv"}))
def test_longest_assignment(reader: str, tmp_path: Path) -> None:
    path = tmp_path / ".env"
    longest = "x" * (LONGEST[reader] - len("V="))
    for program in real.PROGRAMS[reader]:
        try:
            path.write_text(to_dotenv({"V": longest}, (reader,)))
            assert program(path) == {"V": longest}
            path.write_text(path.read_text().replace("x", "xx", 1))
            with pytest.raises(real.Refused):
                program(path)
        except (real.Unavailable, ImportError) as error:
            pytest.skip(str(error))


@pytest.mark.parametrize("name", [*sorted(RESERVED_NAMES - {"PATH"}), "BASHPID", "GROUPS", "SHLVL"])
def test_reserved_names_are_lost_in_a_shell(name: str, tmp_path: Path) -> None:
    assert name in RESERVED_NAMES or BASH_NAMES.fullmatch(name)
    path = tmp_path / ".env"
    path.write_text(f"{name}='17x'\n")
    with contextlib.suppress(real.Refused):
        assert real.bash(path).get(name) != "17x"
