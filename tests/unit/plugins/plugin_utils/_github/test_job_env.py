# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a job is reported, read back by a reader of GitHub's documented rules."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import job_env

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,10}", fullmatch=True).filter(
    lambda name: not re.match("(?i)github_|runner_", name) and name.upper() not in job_env._REFUSED
)
VALUES = st.text(
    st.one_of(
        st.sampled_from("\n\r%:=<> EOFghadelimtr_0"), st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    )
)


class Runner:
    """Reads the file and the standard output as the documentation says that a runner on Linux does."""

    def __init__(self) -> None:
        self.masks: set[str] = set()

    def file(self, text: str) -> dict[str, str]:
        result: dict[str, str] = {}
        lines = iter(text.split("\n"))
        for line in lines:
            if not line:
                continue
            equals, heredoc = line.find("="), line.find("<<")
            if equals >= 0 and (heredoc < 0 or equals < heredoc):
                result[line[:equals]] = line[equals + 1 :]
                continue
            assert heredoc > 0, f"invalid format: {line!r}"
            name, delimiter = line[:heredoc], line[heredoc + 2 :]
            assert delimiter
            value = []
            for inner in lines:
                if inner == delimiter:
                    break
                value.append(inner)
            else:
                raise AssertionError("matching delimiter not found")
            result[name] = "\n".join(value)
        return result

    def output(self, text: str) -> str:
        """What the log shows of it."""
        shown = []
        for line in text.split("\n"):
            if line.lstrip().startswith("::add-mask::"):
                data = line.lstrip().removeprefix("::add-mask::")
                for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
                    data = data.replace(code, character)
                self.masks.add(data)
                continue
            for mask in sorted(self.masks, key=len, reverse=True):
                line = line.replace(mask, "***")
            shown.append(line)
        return "\n".join(shown)


@given(st.dictionaries(NAMES, VALUES))
def test_what_is_written_is_what_the_runner_reads(values: dict[str, str]) -> None:
    counter = itertools.count()
    text = job_env.content(values, lambda: str(next(counter)))
    assert Runner().file(f"BEFORE=there\n{text}") == {"BEFORE": "there", **values}


def test_a_value_that_holds_the_delimiter_gets_another_one() -> None:
    made = iter(["guessed", "guessed", "fresh"])
    evil = "x\nghadelimiter_guessed\nINJECTED<<E\nyes\nE\n"
    text = job_env.content({"A": evil}, lambda: next(made))
    assert Runner().file(text) == {"A": evil}
    assert text.startswith("A<<ghadelimiter_fresh\n")


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_no_line_of_a_masked_value_is_shown(values: dict[str, str]) -> None:
    runner = Runner()
    assert runner.output("\n".join(job_env.masks(values, {}))) == ""
    shown = runner.output("\n".join(f"it is {value}!" for value in values.values()))
    for value in values.values():
        for line in re.split(r"[\r\n]+", value):
            if len(line.strip()) >= job_env.SHORTEST:
                assert line not in shown or line in "it is !" or set(line) <= set("* it s!")


def test_masks_are_escaped_and_come_once_each() -> None:
    values = {
        "KEY": "first-line 100%\r\nsecond-line\nno\n",
        "URL": "postgres://u:the-password@h/d",
        "LOW": "production",
    }
    assert job_env.masks(values, {"LOW": "low"}) == [
        "::add-mask::first-line 100%25%0D%0Asecond-line%0Ano%0A",
        "::add-mask::first-line 100%25",
        "::add-mask::second-line",
        "::add-mask::postgres://u:the-password@h/d",
        "::add-mask::the-password",
    ]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("A B", "x", "'A B' is not a variable's name"),
        ("", "x", "'' is not a variable's name"),
        ("A=B", "x", "is not a variable's name"),
        ("A\n", "x", "is not a variable's name"),
        ("GITHUB_TOKEN", "x", "GITHUB_TOKEN cannot be set in a job"),
        ("runner_temp", "x", "runner_temp cannot be set"),
        ("NODE_OPTIONS", "x", "NODE_OPTIONS cannot be set"),
        ("LD_PRELOAD", "x", "LD_PRELOAD cannot be set"),
        ("A", "secret\0value", "A holds a NUL"),
        ("A", "secret\ud800value", "A holds half a surrogate pair"),
        ("A", "secret" * 30000, "A is longer than 128 KB"),
    ],
)
def test_what_would_break_a_job_is_refused_without_its_value(name: str, value: str, message: str) -> None:
    with pytest.raises(DotenvError) as raised:
        job_env.content({"FINE": "fine", name: value}, lambda: "t")
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


def test_short_values_are_named() -> None:
    values = {"A": "short", "B": "short", "C": "long enough", "D": ""}
    assert job_env.unmasked(values, {"A": "high", "B": "medium", "D": "high"}) == ["A"]
