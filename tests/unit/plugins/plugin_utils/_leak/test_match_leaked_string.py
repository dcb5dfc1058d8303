# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which credential a found string belongs to, in every form in which values leak, and that no other is named."""

from __future__ import annotations

import base64
import json
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import value_encodings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import match_leaked_string
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.match_leaked_string import (
    CandidateValue,
    Match,
    matches,
)

VALUES = st.text(min_size=match_leaked_string.SHORTEST, max_size=60).filter(
    lambda text: len("".join(text.split())) >= 8
)
AROUND = st.text(max_size=40)
WIDTHS = st.integers(1, 80)


def found(text: str, value: str) -> bool:
    return [match.credential for match in matches(text, [CandidateValue("cache", "AWSCURRENT", value)])] == ["cache"]


def form_of(text: str, value: str) -> str:
    (match,) = matches(text, [CandidateValue("cache", "AWSCURRENT", value)])
    return match.form


def wrapped(text: str, width: int, end: str = "\n") -> str:
    return end.join(text[at : at + width] for at in range(0, len(text), width))


class TestAnyEncoding:
    """Of the bytes of a file: editors and shells of Windows write UTF-16."""

    @pytest.mark.parametrize("start", [b"", b"\n", b"a log\n"], ids=["alone", "after one byte", "after others"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
    @given(value=VALUES, after=AROUND)
    @example(value="pässwörd", after="")
    def test_it_is_found(self, encoding: str, start: bytes, value: str, after: str) -> None:
        assert found(match_leaked_string.text_of(start + f"12:00 GET /\r\n{value}\r\n{after}".encode(encoding)), value)

    def test_text_without_any_latin_letter_is_known_by_its_mark(self) -> None:
        data = "секретное".encode("utf-16")
        assert b"\0" not in data
        assert found(match_leaked_string.text_of(data), "секретное")

    @pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
    def test_lines_end_as_a_stored_key_has_them(self, ends: str) -> None:
        assert match_leaked_string.text_of(f"one{ends}two{ends}\xff".encode()) == "one\ntwo\n\xff"
        assert match_leaked_string.text_of(b"\xff") == "\ufffd"


class TestAnyValue:
    @given(VALUES, AROUND, AROUND)
    def test_raw(self, value: str, before: str, after: str) -> None:
        assert form_of(before + value + after, value) == "unchanged"

    @pytest.mark.parametrize(
        "encode",
        [
            lambda value: quote(value, safe=""),
            quote_plus,
            quote,
            lambda value: "".join(f"%{item:02x}" for item in value.encode()),
        ],
        ids=["strict", "form", "slashes", "lower"],
    )
    @given(value=VALUES)
    @example(value="a/b?c=d&e f")
    def test_url_encoded(self, encode: Callable[[str], str], value: str) -> None:
        assert found(f"redis://app:{encode(value)}@cache:6379/0", value)
        assert found(wrapped(f"redis://app:{encode(value)}@cache:6379/0", 7), value)

    @given(value=VALUES, pure=st.booleans())
    @example(value='a"b\\c\u00e9\nd/e', pure=True)
    def test_json_escaped(self, value: str, pure: bool) -> None:
        assert found(json.dumps({"level": "error", "url": f"redis://:{value}@c"}, ensure_ascii=pure), value)

    @given(value=VALUES, before=st.binary(max_size=20), after=st.binary(max_size=20), url=st.booleans())
    @example(value="\u00ff" * 8, before=b"", after=b"", url=True)
    def test_base64_at_any_offset_of_a_longer_text(self, value: str, before: bytes, after: bytes, url: bool) -> None:
        encode = base64.urlsafe_b64encode if url else base64.b64encode
        text = encode(before + value.encode() + after).decode()
        assert found(f"Authorization: Basic {text}", value)
        assert found(text.rstrip("="), value)
        assert found(quote(text, safe=""), value)

    @pytest.mark.parametrize(
        "encode",
        [
            lambda value: quote(value, safe=""),
            quote_plus,
            lambda value: quote(value, safe="!*'()"),
            lambda value: json.dumps(value)[1:-1],
        ],
        ids=["url", "form", "javascript", "json"],
    )
    @given(value=VALUES, before=st.binary(max_size=20), after=st.binary(max_size=20))
    @example(value="p@ss/w ord!", before=b"redis://app:", after=b"@cache:6379/0")
    def test_base64_of_what_holds_it_encoded(
        self, encode: Callable[[str], str], value: str, before: bytes, after: bytes
    ) -> None:
        inside = before + encode(value).encode() + after
        assert found(f"url: {base64.b64encode(inside).decode()}", value)
        assert found(f"url: {inside.hex()}", value)

    @given(value=VALUES, before=st.binary(max_size=90), width=WIDTHS, end=st.sampled_from(["\n", "\r\n", "\n    "]))
    def test_base64_in_wrapped_lines(self, value: str, before: bytes, width: int, end: str) -> None:
        assert found(wrapped(base64.b64encode(before + value.encode()).decode(), width, end), value)

    @given(value=VALUES, before=st.binary(max_size=9), upper=st.booleans(), width=WIDTHS)
    def test_hexadecimal(self, value: str, before: bytes, upper: bool, width: int) -> None:
        text = (before + value.encode()).hex()
        assert found(wrapped(text.upper() if upper else text, width), value)

    @given(text=st.text("xyz \n:/@", max_size=300), value=st.text("ABCDEFGHJKLMNPQRSTUVW23456789-", min_size=8))
    def test_one_that_is_not_there_is_not_reported(self, text: str, value: str) -> None:
        assert matches(text, [CandidateValue("cache", "AWSCURRENT", value)]) == []

    @given(VALUES)
    def test_a_part_of_it_is_not_it(self, value: str) -> None:
        assume(not value[-1].isspace())
        assert matches(value[:-1], [CandidateValue("cache", "AWSCURRENT", value)]) == []

    @given(st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), VALUES, min_size=1), st.data())
    def test_several_are_all_named(self, values: dict[str, str], data: st.DataObject) -> None:
        forms = [
            data.draw(st.sampled_from([form for _name, form in match_leaked_string.forms(value)]))
            for value in values.values()
        ]
        named = [match.credential for match in matches("\n".join(forms), [CandidateValue(*p) for p in _known(values)])]
        assert named == sorted(values)


def _known(values: dict[str, str]) -> list[tuple[str, str, str]]:
    return [(name, "AWSCURRENT", value) for name, value in values.items()]


class TestForms:
    @pytest.mark.parametrize(
        ("text", "form"),
        [
            ("REDIS_URL=redis://:p@ss/w ord!@c", "unchanged"),
            ("redis://:p%40ss%2Fw%20ord%21@c", "URL-encoded"),
            ("redis://:p%40ss/w+ord!@c", "URL-encoded"),
            ("redis://:p%40ss%2fw%20ord!@c", "URL-encoded"),
            (base64.b64encode(b"user:p@ss/w ord!").decode(), "base64"),
            (base64.b64encode(b"redis://:p%40ss%2Fw%20ord%21@c").decode(), "base64"),
            ("70407373 2f77206f 726421", "hexadecimal"),
        ],
    )
    def test_is_reported_by_name(self, text: str, form: str) -> None:
        assert form_of(text, "p@ss/w ord!") == form

    def test_json_by_name(self) -> None:
        assert form_of(r'{"key": "a\"b\"c\"d\"e"}', 'a"b"c"d"e') == "JSON-escaped"
        assert form_of(r'{"key": "p\u00e9p\u00e9p\u00e9p\u00e9"}', "pépépépé") == "JSON-escaped"

    def test_the_plainest_is_reported(self) -> None:
        value = "plain-value-1"
        assert (
            form_of(f"{value.encode().hex()} {base64.b64encode(value.encode()).decode()} {value}", value) == "unchanged"
        )

    def test_half_a_pair_of_surrogates_stops_nothing(self) -> None:
        odd = CandidateValue("odd", "AWSCURRENT", "\ud800-and-more")
        assert matches("a value-of-another", [odd, CandidateValue("other", "AWSCURRENT", "value-of-another")]) == [
            Match("other", "AWSCURRENT", "unchanged")
        ]


class TestKeysOfSeveralLines:
    KEY = "-----BEGIN KEY-----\n" + "\n".join(["c2VjcmV0LWtleS1tYXRlcmlhbA" * 2] * 3) + "\n-----END KEY-----\n"

    @pytest.mark.parametrize(
        "paste",
        [
            KEY.rstrip("\n"),
            KEY.replace("\n", "\r\n"),
            textwrap.indent(KEY, "    "),
            json.dumps({"key": KEY}),
            KEY.replace("\n", " "),
            base64.b64encode(KEY.encode()).decode(),
            base64.b64encode(KEY.rstrip().encode()).decode(),
        ],
        ids=["cut", "crlf", "indented", "json", "one line", "base64", "cut base64"],
    )
    def test_however_they_are_laid_out(self, paste: str) -> None:
        assert found(f"what I found:\n{paste}\nand more", self.KEY)

    def test_one_line_of_it_is_not_it(self) -> None:
        assert not found(self.KEY.splitlines()[1], self.KEY)


class TestMatches:
    def test_shorter_ones_are_not_searched_for(self) -> None:
        assert matches("1234567", [CandidateValue("pin", "AWSCURRENT", "1234567")]) == []
        assert matches("12345678", [CandidateValue("pin", "AWSCURRENT", "12345678")]) != []

    def test_shorter_ones_are_reported_by_their_place(self) -> None:
        known = [
            CandidateValue("pin", "AWSCURRENT", "1234567", "PIN (secret core)"),
            CandidateValue("pin", "AWSPREVIOUS", "123", "PIN (secret core)"),
            CandidateValue("pin", "AWSCURRENT", "canary-of-eight", "URL (secret core)"),
            CandidateValue("code", "AWSCURRENT", "  1234567  ", "secret code"),
        ]
        assert match_leaked_string.too_short(known) == [
            "code: secret code, AWSCURRENT: shorter than 8 characters",
            "pin: PIN (secret core), AWSCURRENT, AWSPREVIOUS: shorter than 8 characters",
        ]

    def test_what_is_white_space_but_for_a_few_characters(self) -> None:
        assert matches("abcdef", [CandidateValue("pin", "AWSCURRENT", "abc     def")]) == []
        assert matches("abc     def", [CandidateValue("pin", "AWSCURRENT", "abc     def")]) != []

    def test_each_version_of_a_credential_once_sorted(self) -> None:
        known = [
            CandidateValue("b", "AWSPREVIOUS", "old-value-of-b"),
            CandidateValue("b", "AWSCURRENT", "new-value-of-b"),
            CandidateValue("b", "AWSCURRENT", "another-value-of-b"),
            CandidateValue("a", "AWSPENDING", "coming-value-of-a"),
            CandidateValue("c", "AWSCURRENT", "absent-value-of-c"),
        ]
        text = "another-value-of-b new-value-of-b old-value-of-b coming-value-of-a"
        assert [(match.credential, match.stage) for match in matches(text, known)] == [
            ("a", "AWSPENDING"),
            ("b", "AWSCURRENT"),
            ("b", "AWSPREVIOUS"),
        ]

    def test_no_value_is_shown(self) -> None:
        known = CandidateValue("cache", "AWSCURRENT", "canary-value")
        assert "canary" not in repr(known)
        assert "canary" not in repr(matches("canary-value", [known]))

    def test_nothing_in_nothing(self) -> None:
        assert matches("", [CandidateValue("cache", "AWSCURRENT", "canary-value")]) == []
        assert matches("canary-value", []) == []


class TestBase64:
    @given(st.binary(min_size=8, max_size=40), st.binary(max_size=5), st.binary(max_size=5))
    def test_a_core_depends_on_the_value_alone(self, data: bytes, before: bytes, after: bytes) -> None:
        whole = base64.b64encode(before + data + after).decode()
        assert any(core in whole for core in value_encodings.base64_cores(data))

    def test_what_is_too_short_has_none(self) -> None:
        assert list(value_encodings.base64_cores(b"12345")) == []


@pytest.mark.parametrize(
    "written",
    [
        "k4Jx'\\''pW9z&amp;Lq7",
        "k4Jx\\u0027pW9z\\u0026Lq7",
        "k4Jx&#39;pW9z&#38;Lq7",
        "k4Jx%27pW9z&Lq7",
        "k4Jx''pW9z&Lq7",
    ],
    ids=["shell and html", ".NET", "numbers", "half encoded", "SQL"],
)
def test_a_spelling_that_no_list_names(written: str) -> None:
    assert found(f"PASSWORD={written}\n", "k4Jx'pW9z&Lq7")
    assert not found(f"PASSWORD={written}\n", "k4Jx+pW9z&Lq7")
