# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What no deploy could write, as a resolution tells it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import InvalidEnvironment
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import resolve

Make = Callable[..., Catalog]
Holding = Callable[..., Contents]


def core(**values: Any) -> dict[str, str]:
    return {"app/test/core": json.dumps(values)}


PEM = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n"


def test_what_no_deploy_could_write(catalog: Make, holding: Holding) -> None:
    """It concerns those alone who write a .env; the words name the option and the readers that can take the value."""
    settings = {"A": {"group": "core"}, "L_*": {"parameter": "X/L_*"}, "G": {"github": "secret"}}
    held = holding({**core(A=PEM), "/app/test/X/L_1": "it's `canary`"})
    resolution = resolve(catalog(settings), held)
    assert resolution.problems == ()
    assert resolution.require() is resolution
    first, second = resolution.undeliverable
    assert first == (
        "A: its value cannot be read back exactly by django_environ (it holds a line break or a character that "
        "counts as one). If no other program reads the file, set readers: [python_dotenv, shell, systemd, "
        "docker_compose] in the catalog; otherwise store the value base64-encoded and let the application decode it. "
        "Or give it a file of its own in the catalog: files: {a: {path: a, format: value, settings: [A]}} "
        "(secret app/test/core key A)"
    )
    assert second.startswith("L_1: its value cannot be read back exactly by shell (")
    with pytest.raises(InvalidEnvironment, match="A: its value cannot be read back"):
        resolution.require_deliverable()
    other = resolve(catalog(settings, readers=["python_dotenv", "systemd"]), held)
    assert other.require_deliverable().undeliverable == ()


def test_a_value_that_no_reader_can_take(catalog: Make, holding: Holding) -> None:
    (message,) = resolve(catalog({"A": {"group": "core"}}), holding(core(A="canary\ufdd0`'\n${a}\r"))).undeliverable
    assert "canary" not in message
    assert message.partition("). ")[2].startswith("Store the value base64-encoded and let the application decode it")


def test_a_name_that_shells_keep(catalog: Make, holding: Holding) -> None:
    resolution = resolve(catalog({"PATH": {"group": "core"}}), holding(core(PATH="canary")))
    assert resolution.undeliverable == (
        "PATH: shells reserve this name; choose another (secret app/test/core key PATH)",
    )


def test_json_over_several_lines(catalog: Make, holding: Holding) -> None:
    """Where its line breaks alone are the conflict, one line is what works; a string that no reader takes stays."""
    settings = {name: {"group": "core", "type": "json"} for name in ("A", "B", "C")}
    held = holding(core(A='{\n "canary": 1}', B='{\n "canary": "it\'s $B"}', C='{\n "canary"'))
    resolution = resolve(catalog(settings), held)
    one_line, quoted, broken = resolution.undeliverable
    assert one_line.endswith("one). Write the JSON on one line (secret app/test/core key A)")
    assert "set readers: [" in quoted
    assert "set readers: [" in broken
    assert resolution.problems == ("C: is not valid JSON (secret app/test/core key C)",)
