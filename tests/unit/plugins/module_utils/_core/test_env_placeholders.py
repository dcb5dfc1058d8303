# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Committed ``.env`` files: what is a placeholder, and what is not."""

from __future__ import annotations

import time

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import env_placeholders
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog

LIVE = frozenset({"the-live-value-of-today", "live-password"})
NONE = None


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("SECRET_KEY=change_me_dev_only", NONE),
        ("SECRET_KEY=django-insecure-0123456789", NONE),
        ("SECRET_KEY=", NONE),
        ("SECRET_KEY=''", NONE),
        ("SECRET_KEY=short", NONE),
        ("SECRET_KEY=${SECRET_KEY}", NONE),
        ("SECRET_KEY=<your key here>", NONE),
        ("DEBUG=True", NONE),
        ("PAGE_SIZE=100000000", NONE),
        ("DATABASE_URL=postgresql://postgres:postgres@localhost/shop", NONE),
        ("DATABASE_URL=postgresql://shop:change_me@db.internal/shop", NONE),
        ("REDIS_URL=redis://redis.example.net:6379/0", NONE),
        ("# SECRET_KEY: openssl rand -hex 32", NONE),
        ("SECRET_KEY=9f8a7b6c5d4e3f2a1b0c", "is not a placeholder"),
        ("export SECRET_KEY='9f8a7b6c5d4e3f2a1b0c'", "is not a placeholder"),
        ("SOME_TOKEN=9f8a7b6c5d4e3f2a1b0c", "is not a placeholder"),
        ("DATABASE_URL=postgresql://shop:9f8a7b6c5d@db.internal/shop", "holds a password that is not a placeholder"),
        ("SECRET_KEY=the-live-value-of-today", "holds the live value"),
        ("ANYTHING=the-live-value-of-today # a comment", "holds the live value"),
        ("DATABASE_URL=postgresql://shop:live-password@localhost/shop", "holds the live value"),
    ],
)
def test_a_line(line: str, message: str | None) -> None:
    results = env_placeholders.judged(f"# head\n{line}\n", catalog(), LIVE)
    assert [(at, message) for _name, at, message in results] == ([(2, message)] if message else [])


def test_a_line_of_a_megabyte_takes_no_minutes() -> None:
    began = time.process_time()
    assert env_placeholders.judged("SECRET_KEY=" + "://" * 300_000, catalog(), LIVE) == []
    assert time.process_time() - began < 5


def test_a_setting_of_low_sensitivity_and_one_with_its_example() -> None:
    settings = {
        "MODE_TOKEN": {"value": "x", "sensitivity": "low"},
        "API_KEY": {"group": "core", "example": "0123456789abcdef"},
    }
    text = "MODE_TOKEN=abcdefghijklmnop\nAPI_KEY=0123456789abcdef\n"
    assert env_placeholders.judged(text, catalog(settings=settings, credentials={}), frozenset()) == []


def test_live_values_are_those_that_are_masked() -> None:
    values = {"A": "postgresql://u:a-long-password@h/d", "B": "short", "C": "a value of low sensitivity"}
    live_values = env_placeholders.live_values(values, {"A": "high", "B": "high", "C": "low"})
    assert live_values == {"postgresql://u:a-long-password@h/d", "a-long-password"}
