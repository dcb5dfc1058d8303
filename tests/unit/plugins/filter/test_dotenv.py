# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.filter import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv import DEFAULT_READERS, READERS

CANARY = "cAnArY-7f3e"
FILTERS = dotenv.FilterModule().filters()


def test_round_trip() -> None:
    text = FILTERS["to_dotenv"]({"B": "it's", "A": "x y"}, header="Managed")
    assert text == "# Managed\nA='x y'\nB=\"it's\"\n"
    assert FILTERS["from_dotenv"](text) == {"A": "x y", "B": "it's"}


def test_readers() -> None:
    assert FILTERS["to_dotenv"]({"A": '"x"'}, readers=["docker_run"]) == 'A="x"\n'
    assert FILTERS["from_dotenv"]('A="x"\n', readers=["docker_run"]) == {"A": '"x"'}


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("to_dotenv", CANARY, "to_dotenv needs a mapping of settings, not str"),
        ("to_dotenv", [CANARY], "to_dotenv needs a mapping of settings, not list"),
        ("to_dotenv", {"A": "$" + CANARY}, r"A: its value cannot be read back .* django_environ \(it starts with \$\)"),
        ("to_dotenv", {"A": 1}, "A: its value must be a string, not int"),
        ("from_dotenv", {"A": CANARY}, "from_dotenv needs the text of a file, not dict"),
        ("from_dotenv", f"A='{CANARY}", "line 1: A has an opening quote that is never closed"),
    ],
)
def test_errors(name: str, argument: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message) as caught:
        FILTERS[name](argument)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("name", FILTERS)
def test_the_documentation_names_the_readers(name: str) -> None:
    document = yaml.safe_load(Path(dotenv.__file__).with_name(f"{name}.yml").read_text(encoding="utf-8"))
    readers = document["DOCUMENTATION"]["options"]["readers"]
    assert readers["choices"] == list(READERS)
    assert readers["default"] == list(DEFAULT_READERS)
