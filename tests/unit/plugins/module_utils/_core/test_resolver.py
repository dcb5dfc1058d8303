# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import InvalidEnvironment
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    BINARY,
    DELETED,
    DENIED,
    MISSING,
    Contents,
    Failure,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.resolver import Resolution, resolve, snapshot_id
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM

Make = Callable[..., Catalog]
Holding = Callable[..., Contents]
CORE = "app/test/core"
SET = "ansible-playbook watchparty.secrets.set -e set_names=A"
RESTORE = "aws secretsmanager restore-secret --secret-id"
ALLOW = "allow the role in use to read it: ansible-playbook watchparty.secrets.provision --tags access"
NAMES = st.lists(st.from_regex(r"[A-Z][A-Z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=6, unique=True)


def core(**values: Any) -> dict[str, str]:
    return {CORE: json.dumps(values)}


def failed(reason: str, name: str = CORE, detail: str = "") -> Contents:
    return Contents({}, {name: Failure(SSM if name.startswith("/") else SECRETS_MANAGER, name, reason, detail)})


def test_values_and_origins_of_every_source(catalog: Make, holding: Holding) -> None:
    made = catalog(
        {
            "A": {"group": "core"},
            "B": {"parameter": "X/B"},
            "C": {"value": "lit"},
            "D": {"compose": {"scheme": "x", "host": {"setting": "C"}, "password": {"secret": "{environment}-t"}}},
            "E": {"github": "secret"},
        }
    )
    resolution = resolve(made, holding({**core(A="canary-a"), "/app/test/X/B": "b", "test-t": "p@ss"}))
    assert resolution.problems == ()
    assert resolution.values == {"A": "canary-a", "B": "b", "C": "lit", "D": "x://:p%40ss@lit"}
    assert [(origin.setting, origin.source, origin.name, origin.key) for origin in resolution.origins] == [
        ("A", "secretsmanager", CORE, "A"),
        ("B", "ssm", "/app/test/X/B", None),
        ("C", "catalog", "", None),
        ("D", "composed", "", None),
    ]
    assert resolution.sensitivity == {"A": "high", "B": "medium", "C": "low", "D": "high"}
    assert resolution.require() is resolution


def test_no_value_is_in_any_repr_or_error(catalog: Make, holding: Holding) -> None:
    made = catalog(
        {
            "A": {"group": "core", "type": "integer"},
            "U": {"group": "core", "schemes": ["https"]},
            "M": {"group": "no", "required": True},
        }
    )
    contents = holding(core(A="canary-a", U="ftp://canary-u:canary-p@h", UNKNOWN="canary-x"))
    resolution = resolve(made, contents)
    with pytest.raises(InvalidEnvironment) as raised:
        resolution.require()
    assert len(resolution.problems) == 3
    for text in (
        repr(resolution),
        repr(contents),
        str(raised.value),
        repr(raised.value),
        *resolution.unknown,
        *map(repr, resolution.origins),
    ):
        assert "canary" not in text


def test_a_copy_stands_in_and_is_said_to(catalog: Make, holding: Holding) -> None:
    made = catalog({"A": {"group": "core", "copies": [{"parameter": "A"}], "required": True}})
    resolution = resolve(made, holding({**core(), "/app/test/A": "v"}))
    assert resolution.values == {"A": "v"}
    assert resolution.origins[0].via_copy is True
    assert resolution.warnings == (
        f"A: read from its copy, parameter /app/test/A, because secret {CORE} key A lacks it",
    )
    assert resolution.problems == ()


@pytest.mark.parametrize("open_rotation", [None, "rotation r1 of ann"])
def test_two_places_that_differ(catalog: Make, holding: Holding, open_rotation: str | None) -> None:
    made = catalog({"A": {"group": "core", "copies": [{"parameter": "A"}]}})
    resolution = resolve(made, holding({**core(A="canary-1"), "/app/test/A": "canary-2"}), half_promoted=open_rotation)
    message = f"A: secret {CORE} key A and parameter /app/test/A hold different values"
    if open_rotation:
        assert resolution.problems == ()
        assert resolution.warnings == (
            f"{message}; this run uses the value of secret {CORE} key A, because rotation r1 of ann is open",
        )
    else:
        assert resolution.problems == (f"{message}; store the right one in both: {SET}",)
    assert resolution.values == {"A": "canary-1"}


@pytest.mark.parametrize(
    ("setting", "values", "expected"),
    [
        ({"required": True}, {}, f"A: is missing; store it in secret {CORE} key A: {SET}"),
        ({"required": True}, {"A": None}, f"A: is missing; store it in secret {CORE} key A: {SET}"),
        ({"required": True}, {"A": ""}, f"A: is empty (secret {CORE} key A); store a value: {SET}"),
        (
            {"required": {"when": "B"}},
            {"B": "x"},
            f"A: is missing (because B is set); store it in secret {CORE} key A: {SET}",
        ),
        ({"required": {"when": "B"}}, {"B": "x", "A": ""}, f"A: is empty (because B is set); store a value: {SET}"),
        ({"required": {"when": "B"}}, {"B": "", "A": ""}, None),
        ({"required": {"when": "B"}}, {"A": ""}, None),
        ({"required": {"when": "B"}}, {}, None),
        ({}, {}, None),
        ({"type": "integer"}, {"A": "x"}, f"A: is not a whole number, such as 10 (secret {CORE} key A)"),
        ({"type": "integer"}, {"A": ""}, None),
        ({"min_length": 5}, {"A": "four"}, f"A: is 4 characters long; at least 5 are needed (secret {CORE} key A)"),
    ],
)
def test_what_a_setting_needs(
    catalog: Make, holding: Holding, setting: dict[str, Any], values: dict[str, Any], expected: str | None
) -> None:
    made = catalog({"A": {"group": "core", **setting}, "B": {"group": "core"}})
    assert resolve(made, holding(core(**values))).problems == ((expected,) if expected else ())


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ({"parameter": "X/A"}, f"A: is missing; store it in parameter /app/test/X/A: {SET}"),
        ({"secret": "{environment}-s"}, f"A: is missing; store it in secret test-s: {SET}"),
        (
            {"compose": {"scheme": "x", "host": {"setting": "B"}}},
            "A: is missing; store the values that settings.A.compose names",
        ),
    ],
)
def test_the_remedy_fits_the_place(catalog: Make, holding: Holding, setting: dict[str, Any], expected: str) -> None:
    made = catalog({"A": {**setting, "required": True}, "B": {"parameter": "B"}})
    assert resolve(made, holding({})).problems == (expected,)


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (
            MISSING,
            (f"A: is missing; secret {CORE} is missing; create it: ansible-playbook watchparty.secrets.provision",),
        ),
        (
            DELETED,
            (f"A: is missing; secret {CORE} is {DELETED}; restore it: {RESTORE} {CORE}",),
        ),
        (
            DENIED,
            (
                f"secret {CORE}: denied (no policy); {ALLOW}",
                f"A: is missing; secret {CORE} cannot be read (denied)",
            ),
        ),
        (
            BINARY,
            (
                f"secret {CORE}: is binary, but the catalog needs text; store a SecretString",
                f"A: is missing; secret {CORE} cannot be read (binary)",
            ),
        ),
    ],
)
def test_a_secret_that_could_not_be_read(catalog: Make, reason: str, expected: tuple[str, ...]) -> None:
    made = catalog({"A": {"group": "core", "required": True}})
    assert resolve(made, failed(reason, detail="no policy" if reason == DENIED else "")).problems == expected


def test_a_denied_path_is_a_problem_even_if_nothing_below_is_required(catalog: Make) -> None:
    resolution = resolve(catalog({"A": {"parameter": "A"}}), failed(DENIED, "/app/test"))
    assert resolution.problems == (f"parameters below /app/test: denied; {ALLOW}",)


def test_high_sensitivity_in_a_plain_parameter(catalog: Make, holding: Holding) -> None:
    made = catalog(
        {
            "A": {"parameter": "A", "sensitivity": "high"},
            "B": {"parameter": "B"},
            "C": {"group": "core", "copies": [{"parameter": "C"}]},
        }
    )
    texts = {**core(C="v"), "/app/test/A": "v", "/app/test/B": "v", "/app/test/C": "v"}
    message = "has high sensitivity, but parameter /app/test/{0} is an unencrypted String; store it as SecureString"
    plain = resolve(made, holding(texts, plain=("/app/test/A", "/app/test/B", "/app/test/C")))
    assert plain.problems == tuple(f"{name}: {message.format(name)}" for name in "AC")
    assert resolve(made, holding(texts)).problems == ()


def test_parts_that_are_missing_or_malformed(catalog: Make, holding: Holding) -> None:
    compose = {"scheme": "x", "host": {"secret": "{environment}-t", "key": "h"}}
    required, optional = (catalog({"A": {"compose": compose, "required": need}}) for need in (True, False))
    nothing = holding({"test-t": "{}"})
    assert resolve(required, nothing).problems[0] == "A: cannot be composed: secret test-t key h is missing; create it"
    assert resolve(optional, nothing).problems == ()
    assert resolve(optional, nothing).values == {}
    bad = resolve(optional, holding({"test-t": '{"h": "canary/x"}'}))
    assert bad.problems == ("A: cannot be composed: its host is not a host name or address",)


def test_alternatives(catalog: Make, holding: Holding) -> None:
    made = catalog({name: {"group": "core"} for name in "ABC"}, alternatives={"db": [["A"], ["B", "C"]]})
    assert resolve(made, holding(core(A="x"))).problems == ()
    assert resolve(made, holding(core(B="x", C="x"))).problems == ()
    assert resolve(made, holding(core(B="x", A=""))).problems == (
        "alternatives.db: no alternative is complete; store all of [A] or [C]",
    )


def test_a_pattern_takes_what_it_matches_and_leaves_what_is_declared(catalog: Make, holding: Holding) -> None:
    made = catalog(
        {
            "R_*": {"parameter": "S/R_*", "sensitivity": "low", "type": "integer"},
            "R_KEY": {"parameter": "S/R_KEY", "sensitivity": "high"},
        }
    )
    texts = {f"/app/test/{name}": text for name, text in {"S/R_A": "1", "S/R_KEY": "k", "S/X": "2", "R_B": "3"}.items()}
    resolution = resolve(made, holding(texts))
    assert resolution.problems == ()
    assert resolution.values == {"R_A": "1", "R_KEY": "k"}
    assert resolution.sensitivity["R_KEY"] == "high"
    assert resolution.unknown == ("parameter /app/test/S/X", "parameter /app/test/R_B")


@pytest.mark.parametrize("name", ["R_A/b", "R_A-b", "R_A.b"])
def test_a_pattern_refuses_what_is_no_setting(catalog: Make, holding: Holding, name: str) -> None:
    resolution = resolve(catalog({"R_*": {"parameter": "R_*"}}), holding({f"/app/test/{name}": "canary"}))
    assert resolution.values == {}
    message = f"parameter /app/test/{name} matches this pattern, but {name} is not a setting's name"
    assert resolution.problems == (f"R_*: {message}; rename the parameter",)


def test_two_patterns_never_overwrite_each_other(catalog: Make, holding: Holding) -> None:
    made = catalog({"R_*": {"parameter": "S/R_*"}, "R_A_*": {"parameter": "T/R_A_*"}})
    resolution = resolve(made, holding({"/app/test/S/R_A_B": "1", "/app/test/T/R_A_B": "2"}))
    assert resolution.values == {"R_A_B": "1"}
    assert len(resolution.problems) == 1
    message = "parameter /app/test/T/R_A_B matches this pattern, but R_A_B already belongs to another pattern"
    assert message in resolution.problems[0]


def test_unknown_is_what_neither_settings_nor_credentials_name(catalog: Make, holding: Holding) -> None:
    made = catalog(
        {"A": {"group": "core"}, "W": {"secret": "{environment}-w"}},
        credentials={
            "c": {"kind": "k", "appears_in": [{"secret": "{environment}-c", "keys": ["user"]}, {"parameter": "C"}]}
        },
    )
    texts = {**core(A="1", B="2"), "test-w": '{"x": 1}', "/app/test/C": "3", "/app/test/D": "4"}
    assert resolve(made, holding(texts)).unknown == (f"secret {CORE} key B", "parameter /app/test/D")


def test_rules_hold_in_production_unless_excused(catalog: Make, holding: Holding) -> None:
    extra = {"contacts": {"security": "a@b.test"}, "audit_log": {"s3": "b"}}
    setting = {"CACHE": {"group": "core", "schemes": ["redis", "rediss"]}}
    texts = {f"app/{env}/core": '{"CACHE": "redis://cache.test:1"}' for env in ("production", "test")}
    strict = resolve(catalog(setting, "production", **extra), holding(texts))
    assert strict.problems == (
        (
            "CACHE: sends data over the network without TLS; use rediss:// (secret "
            "app/production/core key CACHE) [redis_tls]"
        ),
    )
    assert resolve(catalog(setting, "test"), holding(texts)).problems == ()
    exceptions = [{"rule": "redis_tls", "setting": "CACHE", "reason": "private link"}]
    excused = catalog(setting, "production", **extra, environments={"production": {"exceptions": exceptions}})
    assert resolve(excused, holding(texts)).problems == ()


@settings(deadline=None)
@given(data=st.data(), names=NAMES)
def test_no_setting_is_lost_and_every_conflict_is_found(
    catalog: Make, holding: Holding, data: st.DataObject, names: list[str]
) -> None:
    held: dict[str, dict[str, str | None]] = {}
    for name in names:
        options = st.none() | st.sampled_from(["", "one", "two"])
        held[name] = {"group": data.draw(options), "copy": data.draw(options)}
    made = catalog({name: {"group": "core", "copies": [{"parameter": name}]} for name in names})
    texts = core(**{name: places["group"] for name, places in held.items()})
    texts |= {f"/app/test/{name}": text for name, places in held.items() if (text := places["copy"]) is not None}
    resolution = resolve(made, holding(texts))
    for name, places in held.items():
        there = [text for text in places.values() if text is not None]
        assert resolution.values.get(name) == (there[0] if there else None)
        assert any(line.startswith(f"{name}: ") for line in resolution.problems) == (len(set(there)) == 2)
    assert list(resolution.values) == sorted(resolution.values)
    assert {origin.setting for origin in resolution.origins} == set(resolution.values)


READINGS = st.dictionaries(
    st.from_regex(r"/?[a-z]{1,4}", fullmatch=True), st.tuples(st.text(max_size=3), st.text(max_size=3)), min_size=1
)


@given(READINGS, st.randoms())
def test_the_snapshot_id_is_of_versions_alone(held: dict[str, tuple[str, str]], random: Any) -> None:
    def readings(names: list[str]) -> dict[str, Reading]:
        return {name: Reading(SECRETS_MANAGER, name, held[name][0], held[name][1]) for name in names}

    names = list(held)
    made = snapshot_id(readings(names))
    random.shuffle(names)
    assert snapshot_id(readings(names)) == made
    other_values = {name: replace(reading, value="other") for name, reading in readings(names).items()}
    assert snapshot_id(other_values) == made
    first = names[0]
    other_version = {**readings(names), first: Reading(SECRETS_MANAGER, first, held[first][0] + "x", "v")}
    assert snapshot_id(other_version) != made
    assert len(made) == 18
    assert made.startswith("s-")


FASTAPI = "tests/unit/fixtures/fastapi_catalog.yml"
LIVE = {
    "production.ledger-api.tokens": '{"signing_key": "canary-0123456789-0123456789-0123", "audiences": ["web", "app"]}',
    "production.ledger-api.mongo": '{"login": "ledger", "pass": "c/n@ry: 100%"}',
    "/services/ledger-api/production/mongo/host": "mongo.internal",
    "/services/ledger-api/production/mongo/tls": "true",
    "/services/ledger-api/production/mongo/database": "ledger",
    "/services/ledger-api/production/flags/FEATURE_EXPORT": "on",
}


@pytest.fixture
def ledger(load_catalog: Callable[[str], Any]) -> Callable[[str], Catalog]:
    return lambda environment: catalog_parser.parse(load_catalog(FASTAPI), environment)


def test_another_application_in_production(ledger: Callable[[str], Catalog], holding: Holding) -> None:
    made = ledger("production")
    assert made.secret_names == ("production.ledger-api.mongo", "production.ledger-api.tokens")
    assert made.expected_account_id == "123456789012"
    resolution = resolve(made, holding(LIVE)).require()
    assert resolution.values == {
        "FEATURE_EXPORT": "on",
        "JWT_AUDIENCES": "web,app",
        "JWT_SIGNING_KEY": "canary-0123456789-0123456789-0123",
        "LOG_LEVEL": "info",
        "MONGO_DATABASE": "ledger",
        "MONGO_DSN": "mongodb://ledger:c%2Fn%40ry%3A%20100%25@mongo.internal:27017/ledger?authSource=admin&tls=true",
    }
    assert resolution.unknown == ()
    assert resolution.warnings == ()


def test_another_application_elsewhere(ledger: Callable[[str], Catalog], holding: Holding) -> None:
    made = ledger("dev")
    texts = {"dev.ledger-api.tokens": '{"signing_key": "short"}', "/dev/ledger/mongo/dsn": "postgresql://h/d"}
    resolution = resolve(made, holding(texts))
    assert resolution.values == {"JWT_SIGNING_KEY": "short", "LOG_LEVEL": "debug", "MONGO_DSN": "postgresql://h/d"}
    assert [line.partition(" (")[0] for line in resolution.problems] == [
        "JWT_SIGNING_KEY: is 5 characters long; at least 32 are needed",
        "MONGO_DSN: has another scheme than mongodb",
    ]


def test_a_resolution_without_problems_is_handed_on() -> None:
    fine = Resolution("test", {"A": "canary"}, {}, (), (), ("w",), (), "s-1")
    assert fine.require() is fine
    with pytest.raises(InvalidEnvironment, match="Environment test is not deployable:"):
        replace(fine, problems=("A: is missing",)).require()
