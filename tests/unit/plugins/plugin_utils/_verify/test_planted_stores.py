# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is wrong with the stores: missing, misplaced and unknown values, and those that a deploy refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, resolver
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    DELETED,
    DENIED,
    MISSING,
    Contents,
    Failure,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment import Environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_stores
from tests import planted
from tests.unit.plugins.plugin_utils._verify import pasted_commands, verify_facts

STORED = "Secrets and parameters in the stores"
CORE, PATH = "watchparty/production/core", "/watchparty/production"
TYPES = ("integer", "boolean", "url", "host_list", "origin_list", "email", "json", "base64", "pem", "list")
DOCUMENT: dict[str, Any] = {
    **verify_facts.DOCUMENT,
    "credentials": {},
    "settings": {
        "KEY": {"group": "core", "required": True, "copies": [{"parameter": "KEY"}]},
        "PLAIN": {"parameter": "PLAIN", "sensitivity": "high"},
        "LONG": {"group": "core", "min_length": 20},
        "SCHEME": {"group": "core", "type": "url", "schemes": ["https"]},
        "FLAG": {"parameter": "FLAG", "sensitivity": "low"},
        "WANTED": {"parameter": "WANTED", "required": {"when": "FLAG"}},
        **{f"A_{name.upper()}": {"group": "core", "type": name} for name in TYPES},
    },
}
GOOD = {"KEY": "q8Zt3vXw1LmNp5RsYb7K"}
VALUES: list[tuple[str, str]] = [
    ("LONG", "short"),
    ("SCHEME", "ftp://example.com/"),
    ("A_INTEGER", "ten"),
    ("A_BOOLEAN", "maybe"),
    ("A_URL", "example.com"),
    ("A_URL", "https://exa mple.com/"),
    ("A_URL", "https://user:p@ss@example.com/"),
    ("A_URL", "https://example.com:0/"),
    ("A_HOST_LIST", "https://example.com"),
    ("A_ORIGIN_LIST", "https://example.com/path"),
    ("A_ORIGIN_LIST", "example.com"),
    ("A_EMAIL", "nobody"),
    ("A_JSON", "{a: 1}"),
    ("A_BASE64", "%%%"),
    ("A_PEM", "-----BEGIN X-----"),
    ("A_LIST", "a,,b"),
    ("KEY", ""),
    ("KEY", "two\nlines"),
    ("KEY", "a\rb"),
    ("KEY", "a\0b"),
    ("KEY", "half \ud800 pair"),
    ("KEY", "both ' and \\ and ${x}"),
]
"""Of the secret: what its type, its length or the dialect of the file does not admit."""
Planted = dict[str, Any]


def stores(secret: Any = GOOD, failures: dict[str, str] | None = None, **parameters: str) -> Contents:
    text = secret if isinstance(secret, str) else json.dumps(secret)
    readings = {CORE: Reading(SECRETS_MANAGER, CORE, "v1", text)}
    for name, value in parameters.items():
        path = f"{PATH}/{name}"
        readings[path] = Reading(SSM, path, "1", value, plain=name in ("PLAIN", "FLAG", "WANTED", "STRAY"))
    failed = {name: Failure(SECRETS_MANAGER, name, reason) for name, reason in (failures or {}).items()}
    return Contents({name: item for name, item in readings.items() if name not in failed}, failed)


MISTAKES: list[tuple[str, Contents, set[str]]] = [
    *((f"{name}: {value[:12]!r}", stores({**GOOD, name: value}), {"WPS304"}) for name, value in VALUES),
    ("a required value is missing", stores({}), {"WPS304"}),
    ("a value that another makes necessary is missing", stores(FLAG="on"), {"WPS304"}),
    ("it is missing in its primary place", stores({}, KEY=GOOD["KEY"]), {"WPS309"}),
    ("two places differ", stores(KEY="another-value-of-the-key"), {"WPS304"}),
    ("a parameter is not encrypted", stores(PLAIN="q8Zt3vXw1LmNp5RsYb7K"), {"WPS304"}),
    ("a key that no setting knows", stores({**GOOD, "STRAY": "1"}), {"WPS309"}),
    ("a parameter that no setting knows", stores(STRAY="1"), {"WPS309"}),
    ("a name in another case", stores({**GOOD, "key": "1"}), {"WPS309"}),
    ("the secret is no JSON", stores("no JSON"), {"WPS304"}),
    ("the secret is a list", stores("[1]"), {"WPS304"}),
    ("a value is an object", stores({**GOOD, "A_INTEGER": {"a": 1}}), {"WPS304"}),
    ("a value is null", stores({"KEY": None}), {"WPS304"}),
    ("the secret is missing", stores(failures={CORE: MISSING}), {"WPS304"}),
    ("the secret is denied", stores(failures={CORE: DENIED}), {"WPS304"}),
    ("the secret is about to be deleted", stores(failures={CORE: DELETED}), {"WPS304"}),
    ("the secret is binary", stores(failures={CORE: BINARY}), {"WPS304"}),
]
LEGITIMATE: list[tuple[str, Contents]] = [
    ("all that is required", stores()),
    ("a copy that is the same", stores(KEY=GOOD["KEY"])),
    ("several lines in JSON on one", stores({**GOOD, "A_JSON": '{"a": [1, 2]}'})),
    ("signs", stores({"KEY": "q8Zt3vXw1L #1 %s & 100%"})),
    ("numbers and booleans of JSON", stores({**GOOD, "A_INTEGER": 5, "A_BOOLEAN": True})),
    ("an empty value that nobody requires", stores({**GOOD, "LONG": ""})),
]


def failed(contents: Contents) -> set[str]:
    catalog = catalog_parser.parse(DOCUMENT, "production")
    read = Environment(catalog, Journal(), resolver.resolve(catalog, contents), contents, ())
    facts = verify_facts.facts(document=catalog, stores=collect_stores.judged(read))
    results = verify_check.run_checks(verify_check.registry(), facts)
    assert pasted_commands.flaws(results) == []
    return {*planted.found(results)}


@planted.mistakes(STORED, planted.PROGRAM)
@pytest.mark.parametrize(("contents", "checks"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_planted_mistake_is_found(contents: Contents, checks: set[str]) -> None:
    assert failed(contents) - {"WPS903"} == checks


@planted.variations(STORED, planted.PROGRAM)
@pytest.mark.parametrize("contents", [row[1] for row in LEGITIMATE], ids=[row[0] for row in LEGITIMATE])
def test_what_is_legitimate_passes(contents: Contents) -> None:
    assert failed(contents) == set()


def outside(**parts: Any) -> set[str]:
    results = verify_check.run_checks(verify_check.registry(), verify_facts.facts(**parts))
    assert pasted_commands.flaws(results) == []
    return {*planted.found(results)}


def test_a_unit_that_is_installed_nowhere() -> None:
    gone = verify_facts.unit(load="not-found", active="inactive", sub="dead", is_up=False, starts=False, enabled="")
    hosts = {name: verify_facts.host(units=[gone]) for name in ("web1", "web2")}
    assert "WPS306" in outside(hosts=hosts)


def test_a_rotation_of_the_future() -> None:
    age = {**verify_facts.age("database", "postgresql_role", 0, 90), "last": "2031-01-01T00:00:00Z"}
    assert outside(journal={**verify_facts.parts()["journal"], "ages": [age]}) == {"WPS801"}


def test_fallbacks_that_are_the_key_of_staging() -> None:
    pairs = {"staging": [{"own": "SECRET_KEY_FALLBACKS", "other": "SECRET_KEY"}]}
    isolation = {"compared": 9, "signing": ["SECRET_KEY", "SECRET_KEY_FALLBACKS"], "others": pairs, "unread": {}}
    assert outside(isolation=isolation) >= {"WPS902"}
