# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a secret holds: every place of a credential changes, and nothing else."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Number, parse_secret
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, login_of

TEXTS = st.text(min_size=1, max_size=8)
NAMES = st.text(min_size=1, max_size=8).map(lambda text: quote(text, safe="") + "_a")
KEYS = st.sampled_from(["URL", "LIST", "WORD", "NAME_USER"])
OTHER_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([Number("1.10"), Number("-0E5")]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=5,
)
TYPES = {"URL": "url", "LIST": "list", "WORD": "string", "NAME_USER": "string"}


def spelled(login: Login, key: str) -> str:
    url = f"redis://{quote(str(login.username), safe='')}:{quote(str(login.password), safe='')}@h"
    texts = {"URL": f"{url}/0?x=1", "LIST": f"{url}1,{url}2", "WORD": login.password, "NAME_USER": login.username}
    return str(texts[key])


def document(found: dict[str, Any]) -> str:
    """JSON in which a number keeps its spelling."""
    return "{" + ",".join(f"{json.dumps(key)}:{dumped(value)}" for key, value in found.items()) + "}"


def dumped(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return document(value)
    if isinstance(value, list):
        return "[" + ",".join(dumped(item) for item in value) + "]"
    return json.dumps(value)


@given(
    where=st.dictionaries(KEYS, st.sampled_from(["one", "two", "ssm"]), min_size=1),
    others=st.fixed_dictionaries(
        {name: st.dictionaries(st.text(max_size=4), OTHER_VALUES, max_size=4) for name in ("one", "two")}
    ),
    old=st.builds(Login, NAMES, TEXTS),
    new=st.builds(Login, NAMES, TEXTS),
)
def test_every_appearance_changes_and_nothing_else(
    where: dict[str, str], others: dict[str, dict[str, Any]], old: Login, new: Login
) -> None:
    settings: dict[str, Any] = {
        key: {"parameter": key, "type": TYPES[key]} if store == "ssm" else {"group": store, "type": TYPES[key]}
        for key, store in where.items()
    }
    raw = {"application": "app", "settings": settings}
    appears = {"kind": "k", "appears_in": [{"setting": key} for key in where]}
    catalog = catalog_parser.parse({**raw, "credentials": {"c": appears}}, "test")
    held_by = {name: {key: value for key, value in others[name].items() if key not in KEYS_OF} for name in others}
    readings = {}
    for key, store in where.items():
        if store == "ssm":
            readings[f"/app/test/{key}"] = Reading(SSM, f"/app/test/{key}", "1", spelled(old, key))
        else:
            held_by[store][key] = spelled(old, key)
    for name, found in held_by.items():
        readings[f"app/test/{name}"] = Reading(SECRETS_MANAGER, f"app/test/{name}", "1", document(found))
    before = Contents(readings)

    graph = credential_graph.find(catalog, catalog.credentials["c"], before)
    assert graph.problems == ()
    secrets, parameters = credential_graph.contents_with(before, graph.edits(new))

    after = Contents(
        {
            name: Reading(one.store, name, "2", secrets.get(name, parameters.get(name, one.value)))
            for name, one in readings.items()
        }
    )
    for key, store in where.items():
        place = Place(SSM, f"/app/test/{key}") if store == "ssm" else Place(SECRETS_MANAGER, f"app/test/{store}", key)
        assert credential_graph.text_at(after, place) == spelled(new, key)
    again = credential_graph.find(catalog, catalog.credentials["c"], after)
    assert again.problems == ()
    for name, value in ((one.spot, one.login) for one in again.appearances):
        assert value.password in (None, new.password), name
        assert value.username in (None, new.username), name
    for name, found in held_by.items():
        now = parse_secret(after.readings[f"app/test/{name}"].value)
        then = parse_secret(document(found))
        assert list(now) == list(then)
        assert {key: now[key] for key in now if key not in where} == {
            key: then[key] for key in then if key not in where
        }


KEYS_OF = frozenset(TYPES)


@given(TEXTS, TEXTS)
def test_a_list_of_urls_with_one_login(old: str, new: str) -> None:
    url = f"redis://:{quote(old, safe='')}@h"
    spot = credential_graph.CredentialPlace(Place(SSM, "/x"), catalog_parser.parse(LISTED, "test").settings["L"])
    text = f"{url}1,{url}2"
    appearance = credential_graph.Appearance(spot, text, Login(None, old), in_url=True)
    urls = appearance.rewritten(Login(None, new)).split(",")
    assert [login_of(one) for one in urls] == [Login(None, new)] * 2


LISTED = {"application": "app", "settings": {"L": {"parameter": "x", "type": "list"}}}
