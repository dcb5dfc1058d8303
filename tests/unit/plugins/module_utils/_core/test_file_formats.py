# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import file_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics.value_matcher import ValueMatcher

NAMES = st.from_regex(r"[A-Z][A-Z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
HOSTILE = 'it\'s "$HOME" `x`: #\n- a\r\n\t\0\x1b\x7f\x85\u2028\ufeff\ud7ff\U0001f600\\ %{y} &a *a !!int 1\n'


def read(file_format: str, settings: dict[str, str]) -> object:
    text = file_formats.rendered(file_format, settings, (), "Written by a test.")
    data = text.encode("utf-8").decode("utf-8")
    return json.loads(data) if file_format == "json" else yaml.safe_load(data)


@pytest.mark.parametrize("file_format", ["json", "yaml"])
@pytest.mark.parametrize("value", [HOSTILE, "", "no", "1e3", "~", "2026-01-01", "'", "{a: b}"])
def test_a_document_is_read_back_as_the_same_strings(file_format: str, value: str) -> None:
    assert read(file_format, {"A": value, "NO": "yes"}) == {"A": value, "NO": "yes"}


@given(st.dictionaries(NAMES, TEXTS, min_size=1))
def test_any_text_is_read_back(settings: dict[str, str]) -> None:
    assert read("json", settings) == read("yaml", settings) == settings
    for file_format in ("json", "yaml"):
        text = file_formats.rendered(file_format, settings, (), "header")
        assert file_formats.parsed(file_format, text, (), list(settings)) == settings


@pytest.mark.parametrize("file_format", ["json", "yaml", "value"])
@pytest.mark.parametrize("character", HOSTILE + "\u00a0\u200b\U000e0001")
def test_a_value_is_found_in_each_format(file_format: str, character: str) -> None:
    value = f"canary-before{character}canary-behind"
    text = file_formats.rendered(file_format, {"A": value}, (), "header")
    assert ValueMatcher({"leaked": [value]}).named(text.encode()) == ["leaked"]


@pytest.mark.parametrize("file_format", ["value", "systemd_credential"])
def test_a_value_is_its_own_bytes(file_format: str) -> None:
    assert file_formats.rendered(file_format, {"A": HOSTILE}, (), "header") == HOSTILE


@pytest.mark.parametrize("file_format", file_formats.FORMATS)
def test_what_utf_8_cannot_express_is_refused_by_name(file_format: str) -> None:
    with pytest.raises(DotenvError, match=r"\AA: holds half a surrogate pair") as caught:
        file_formats.rendered(file_format, {"A": "canary\ud800"}, ("systemd",), "header")
    assert "canary" not in str(caught.value)


def test_a_dotenv_file_names_the_reader_that_cannot_read_a_value() -> None:
    with pytest.raises(DotenvError, match=r"A: its value cannot be read back .* django_environ"):
        file_formats.rendered("dotenv", {"A": "canary\n"}, ("django_environ",), "header")


@pytest.mark.parametrize(
    ("file_format", "text"), [("json", "[1]"), ("json", "{"), ("yaml", "A: 1\n"), ("yaml", '"A": "x" # y\n')]
)
def test_what_is_no_file_of_ours_cannot_be_parsed(file_format: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the caller words it
        file_formats.parsed(file_format, text, (), ["A"])
