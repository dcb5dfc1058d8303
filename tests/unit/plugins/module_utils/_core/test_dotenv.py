# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv import (
    DEFAULT_READERS,
    READERS,
    Unspellable,
    Unwritable,
    from_dotenv,
    merge,
    spell,
    to_dotenv,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import (
    RESERVED_NAMES,
    RULES,
    SPELLINGS,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError

CANARY = "cAnArY-7f3e"
HOSTILE = "'\"${}\\\n\r`#= \t\u2028\x85abn0é\ufeff\uffff\U0001f511"
RAW = ("docker_run",)

texts = st.text(alphabet=st.one_of(st.sampled_from(HOSTILE), st.characters()), max_size=30)
names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: name not in RESERVED_NAMES)
reader_sets = st.sets(st.sampled_from(READERS), min_size=1).map(tuple)


def refusal(value: str, readers: Sequence[str]) -> Unspellable | None:
    try:
        spell("A", value, readers)
    except Unspellable as error:
        return error
    return None


def spellable(values: dict[str, str], readers: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if not refusal(value, readers)}


class TestRoundTrip:
    @given(st.dictionaries(names, texts, max_size=6), reader_sets)
    def test_reads_what_it_wrote(self, values: dict[str, str], readers: tuple[str, ...]) -> None:
        values = spellable(values, readers)
        assert from_dotenv(to_dotenv(values, readers), readers) == values

    @given(texts)
    def test_most_readers_do_not_matter_to_reading(self, value: str) -> None:
        outermost = {"django_environ", "decouple", "direnv"}
        for readers in (
            DEFAULT_READERS,
            *((reader,) for reader in READERS if reader not in {"docker_run", *outermost}),
        ):
            values = spellable({"A": value}, readers)
            assert from_dotenv(to_dotenv(values, readers)) == values

    @pytest.mark.parametrize("readers", [("django_environ",), ("decouple",), ("direnv", "decouple")])
    @pytest.mark.parametrize("value", ["'", "it's", "a' #b", "'a'", "' '", 'it\'s "$A" \\'])
    def test_readers_of_the_outermost_quotes(self, readers: tuple[str, ...], value: str) -> None:
        assert from_dotenv(spell("A", value, readers) + "\nB='x'", readers) == {"A": value, "B": "x"}

    @given(texts, reader_sets, reader_sets)
    def test_one_more_reader_never_carries_more(
        self, value: str, some: tuple[str, ...], additions: tuple[str, ...]
    ) -> None:
        if spellable({"A": value}, some + additions):
            assert spellable({"A": value}, some)

    def test_the_file(self) -> None:
        values = {"B": "it's", "A": "x", "C": 'say "hi"\\'}
        expected = '# Managed\n# twice\nA=\'x\'\nB="it\'s"\nC="say \\"hi\\"\\\\"\n'
        assert to_dotenv(values, header="Managed\ntwice") == expected

    @pytest.mark.parametrize("header", ["", None])
    def test_the_empty_file(self, header: str | None) -> None:
        assert to_dotenv({}, header=header) == ""
        assert from_dotenv("") == {}

    def test_a_header_cannot_reach_the_setting_below_it(self) -> None:
        text = to_dotenv({"A": "x"}, header="one\rB='y'\u2028C='z'\nends with \\")
        assert from_dotenv(text) == {"A": "x"}
        assert all(line.startswith("# ") and not line.endswith("\\") for line in text.splitlines()[:-1])

    @pytest.mark.parametrize(
        ("value", "line"),
        [("plain", "A=plain"), ('"quoted"', 'A="quoted"'), (" # no comment ", "A= # no comment "), ("", "A=")],
    )
    def test_docker_run_alone_takes_the_rest_of_the_line(self, value: str, line: str) -> None:
        assert spell("A", value, RAW) == line
        assert from_dotenv(line + "\n", RAW) == {"A": value}

    def test_docker_run_with_others_gets_plain_values_without_quotes(self) -> None:
        assert spell("A", "https://example.com/a?b", ["docker_run", "python_dotenv"]) == "A=https://example.com/a?b"
        with pytest.raises(
            Unspellable, match=r"set readers: \[python_dotenv, django_environ, shell, systemd, docker_compose\];"
        ):
            spell("A", "two words", [*DEFAULT_READERS, "docker_run"])


class TestRefusals:
    @pytest.mark.parametrize(
        ("value", "readers", "blamed", "reason"),
        [
            (f"{CANARY}\nB=1", DEFAULT_READERS, ("django_environ",), "holds a line break"),
            (f"${CANARY}", DEFAULT_READERS, ("django_environ",), r"starts with \$"),
            (f"{CANARY}\r", ("python_dotenv",), ("python_dotenv",), "holds a carriage return"),
            (f"{CANARY}${{A}}", ("python_dotenv",), ("python_dotenv",), r"holds \$\{\.\.\.\}"),
            (f"{CANARY}'`", DEFAULT_READERS, ("shell",), "holds a single quote and holds a backtick"),
            (f"{CANARY}\\\\`", ("python_dotenv", "shell"), ("python_dotenv",), "python_dotenv .*two backslashes"),
            (f"{CANARY}\0", DEFAULT_READERS, DEFAULT_READERS, "holds a NUL character"),
            (f"{CANARY}\ud800", RAW, RAW, "half a surrogate pair"),
            (f"{CANARY}\ufffe", DEFAULT_READERS, ("systemd",), "noncharacter"),
            (CANARY * 6000, ("node", "docker_run"), ("docker_run",), "longer than 64 KiB"),
            (CANARY * 12000, DEFAULT_READERS, ("shell", "systemd", "docker_compose"), "longer than 128 KiB"),
        ],
    )
    def test_names_the_setting_the_readers_and_the_reason(
        self, value: str, readers: Sequence[str], blamed: tuple[str, ...], reason: str
    ) -> None:
        with pytest.raises(Unspellable, match=reason) as caught:
            spell("SECRET_KEY", value, readers)
        assert caught.value.name == "SECRET_KEY"
        assert caught.value.readers == blamed
        message = str(caught.value)
        assert message.startswith("SECRET_KEY: ")
        assert all(reader in message for reader in blamed)
        assert "base64" in message
        assert CANARY not in message
        able = [reader for reader in readers if reader not in blamed]
        assert not able or f"If no other program reads the file, set readers: [{', '.join(able)}]; otherwise" in message

    @given(texts, reader_sets)
    def test_never_shows_a_value(self, value: str, readers: tuple[str, ...]) -> None:
        error = refusal(CANARY + value + CANARY, readers)
        if error:
            assert CANARY not in str(error)
            assert error.readers
            assert set(error.readers) <= set(readers)

    @given(texts, reader_sets)
    def test_offers_readers_that_can_take_the_value(self, value: str, readers: tuple[str, ...]) -> None:
        """Of those chosen as many as one spelling serves; where that is not enough, others."""
        error = refusal(value, readers)
        if error:
            assert set(error.able) < set(readers) or not set(error.able) & set(readers)
            assert not error.able or refusal(value, error.able) is None
            alone = [reader for reader in READERS if refusal(value, (reader,)) is None]
            assert bool(alone) == bool(error.able)

    def test_offers_other_readers(self) -> None:
        with pytest.raises(Unspellable, match=r"set readers: \[python_dotenv, shell, systemd, docker_compose, node\]"):
            spell("A", "two\nlines", ["django_environ", "decouple"])

    def test_tells_every_problem_at_once(self) -> None:
        with pytest.raises(Unwritable) as caught:
            to_dotenv({"A": "$" + CANARY, "B": "good", "C": 1, "PATH": CANARY, "1X": CANARY})  # type: ignore[dict-item]
        problems = caught.value.problems
        assert [problem.split(":")[0].split(" ")[0] for problem in problems] == ["'1X'", "A", "C", "PATH"]
        assert isinstance(caught.value, DotenvError)
        assert all(problem in str(caught.value) for problem in problems)
        assert CANARY not in str(caught.value)

    @pytest.mark.parametrize("value", [None, 1, True, b"bytes", ["a"]])
    def test_a_value_must_be_a_string(self, value: object) -> None:
        with pytest.raises(DotenvError, match=f"A: its value must be a string, not {type(value).__name__}"):
            spell("A", value)  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", ["", "1A", "A-B", "A.B", "A B", "A\n", "É", "A=B", None, 3])
    def test_names_are_checked(self, name: object) -> None:
        with pytest.raises(DotenvError, match="is not a setting's name"):
            spell(name, "x")  # type: ignore[arg-type]

    @pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
    def test_reserved_names(self, name: str) -> None:
        with pytest.raises(DotenvError, match=f"^{name}: shells reserve this name"):
            spell(name, "x", ["node"])

    @pytest.mark.parametrize("name", ["GROUPS", "SHLVL", "BASHPID", "BASH_SOURCE"])
    def test_names_that_only_bash_keeps(self, name: str) -> None:
        assert spell(name, "x", ["python_dotenv", "systemd"]) == f"{name}='x'"
        with pytest.raises(DotenvError, match=f"^{name}: shells reserve this name"):
            spell(name, "x")

    @pytest.mark.parametrize("name", ["GROUPS_CLAIM", "BASH_SOURCES", "HOME", "_A", "a", "RANDOM_SEED"])
    def test_names_like_those_are_free(self, name: str) -> None:
        assert spell(name, "x") == f"{name}='x'"

    @pytest.mark.parametrize("readers", [[], (), "shell"])
    def test_readers_must_be_a_list(self, readers: Sequence[str]) -> None:
        for call in (lambda: to_dotenv({}, readers), lambda: from_dotenv("", readers), lambda: merge("", {}, readers)):
            with pytest.raises(DotenvError, match="readers must be a list of at least one of: python_dotenv, "):
                call()

    def test_unknown_readers_are_reported_with_the_known_ones(self) -> None:
        with pytest.raises(DotenvError, match="Unknown reader dotnet, fish; choose from: python_dotenv, "):
            spell("A", "x", ["shell", "dotnet", "fish"])

    def test_the_table_is_whole(self) -> None:
        assert set(RULES) == set(READERS)
        assert all(tuple(spellings) == SPELLINGS for spellings in RULES.values())


class TestForeignFiles:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("A=x", "x"),
            ("A=", ""),
            ("A=''", ""),
            ('A=""\n', ""),
            ("export A=x\n", "x"),
            ("export\tA = x \n", "x"),
            ("  A=x\n", "x"),
            ("A=x # comment\n", "x"),
            ("A=x#y\n", "x#y"),
            ("A=#x\n", "#x"),
            ("A= # comment\n", ""),
            ("A='x' # comment\n", "x"),
            ("A='x'# comment\n", "x"),
            ("A = 'x # y'\n", "x # y"),
            ("A=x\r\nB=y\r\n", "x"),
            ("A='x'\r\nB=y\r\n", "x"),
            ('A="x\ny"\n', "x\ny"),
            ("A='x\n#y\nB=z'\n", "x\n#y\nB=z"),
            ('A="\\n\\t\\r\\"\\\\n\\$\\x"\n', '\n\t\r"\\n\\$\\x'),
            ("A='\\n'\n", "\\n"),
            ("A=${B}\n", "${B}"),
            ("A=it's\n", "it's"),
            ("A=x=y==\n", "x=y=="),
            ("\ufeffA=x\n", "x"),
            ("# A=y\n\n \t\nA=x\n", "x"),
            ("A=y\nA=x\n", "x"),
            ("A=x\\\n", "x\\"),
        ],
    )
    def test_reads(self, text: str, value: str) -> None:
        assert from_dotenv(text)["A"] == value

    def test_names_of_others(self) -> None:
        assert from_dotenv("app.name=x\nA-B=y\n") == {"app.name": "x", "A-B": "y"}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            (f"A=x\n\nB='{CANARY}\n", "line 3: B has an opening quote that is never closed"),
            (f'A="{CANARY}\\"\n', "line 1: A has an opening quote that is never closed"),
            (f"A='x\ny'\nB='{CANARY}' {CANARY}\n", "line 3: B has text after its closing quote"),
            (f"A='it'\\''{CANARY}'\n", "line 1: A has text after its closing quote"),
            (f"# c\n{CANARY}\n", "line 2 is neither a comment nor NAME=value"),
            (f"={CANARY}\n", "line 1 is neither a comment nor NAME=value"),
            (f"A=x\nexport {CANARY}\n", "line 2 is neither a comment nor NAME=value"),
            (f"A=x\n'{CANARY}'=x\n", "line 2 is neither a comment nor NAME=value"),
        ],
    )
    def test_errors_name_the_line_and_no_value(self, text: str, message: str) -> None:
        for call in (lambda: from_dotenv(text), lambda: merge(text, {"Z": "z"})):
            with pytest.raises(DotenvError) as caught:
                call()
            assert str(caught.value) == message

    def test_docker_run_alone(self) -> None:
        text = "# c\n  # d\n\nA='x'\nB= y # z \nC=1\r\nD=e=f"
        assert from_dotenv(text, RAW) == {"A": "'x'", "B": " y # z ", "C": "1", "D": "e=f"}
        with pytest.raises(DotenvError, match="line 1 is neither"):
            from_dotenv(CANARY, RAW)


class TestMerge:
    FILE = "# top\r\nexport A='1' # one\n\n  B = \"two\nlines\"\nC=3"

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ({}, FILE),
            ({"A": "x"}, "# top\r\nA='x'\n\n  B = \"two\nlines\"\nC=3"),
            ({"B": "x"}, "# top\r\nexport A='1' # one\n\nB='x'\nC=3"),
            ({"C": "x"}, "# top\r\nexport A='1' # one\n\n  B = \"two\nlines\"\nC='x'\n"),
            ({"E": "x", "D": "y"}, FILE + "\nD='y'\nE='x'\n"),
            ({"A": "a", "B": "b", "C": "c"}, "# top\r\nA='a'\n\nB='b'\nC='c'\n"),
        ],
    )
    def test_keeps_every_other_line(self, values: dict[str, str], expected: str) -> None:
        assert merge(self.FILE, values) == expected

    def test_into_nothing(self) -> None:
        assert merge("", {"B": "2", "A": "1"}) == to_dotenv({"A": "1", "B": "2"})

    def test_a_former_value_does_not_linger(self) -> None:
        assert merge(f"A={CANARY}\nB=1\nA={CANARY}\n", {"A": "x"}) == "A='x'\nB=1\n"

    @given(st.dictionaries(names, texts, max_size=5), st.dictionaries(names, texts, max_size=5), reader_sets)
    def test_reads_as_the_union(self, old: dict[str, str], new: dict[str, str], readers: tuple[str, ...]) -> None:
        old, new = spellable(old, readers), spellable(new, readers)
        text = to_dotenv(old, readers, header="kept")
        merged = merge(text, new, readers)
        assert from_dotenv(merged, readers) == {**old, **new}
        assert merge(merged, new, readers) == merged
        if set(new) <= set(old):
            assert merged == to_dotenv({**old, **new}, readers, header="kept")

    @given(st.lists(st.sampled_from(["# c\n", "\n", "K=v\n", "export L='x\ny'\n", "M = 1 # c\r\n"])), texts)
    def test_foreign_lines_stay(self, lines: list[str], value: str) -> None:
        values = spellable({"A": value}, DEFAULT_READERS)
        text = "".join(lines)
        assert merge(text, values) == text + to_dotenv(values)
        assert merge("A=0\n" + text, values) == (to_dotenv(values) or "A=0\n") + text

    @pytest.mark.parametrize("text", ["# c \\\nA=1\n", "K=v\\\nA=1\n", "A=1\nK=v\\\n", "A=1\nK=v\\"])
    def test_a_line_that_would_swallow_a_setting_is_refused(self, text: str) -> None:
        values = {"A": "x"} if text.endswith("1\n") else {"B": "x"}
        line = text.count("\n", 0, text.index("\\")) + 1
        with pytest.raises(DotenvError, match=f"^line {line} ends with a backslash"):
            merge(text, values)
        assert from_dotenv(merge(text, values, ["python_dotenv"]))["K" if "K" in text else "A"]

    def test_says_all_that_cannot_be_written(self) -> None:
        with pytest.raises(Unwritable) as caught:
            merge("A=1\n", {"A": "$" + CANARY, "B": "\n" + CANARY})
        assert len(caught.value.problems) == 2
        assert CANARY not in str(caught.value)
