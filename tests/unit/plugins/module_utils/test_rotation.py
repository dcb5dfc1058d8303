# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils import _ages, _catalog, _rotation
from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal, Rotated
from ansible_collections.watchparty.secrets.plugins.module_utils._kinds import Kind
from ansible_collections.watchparty.secrets.plugins.module_utils._model import SECRETS_MANAGER, Place
from ansible_collections.watchparty.secrets.plugins.module_utils._rotation import Ground, Item, Plan, Wish
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents, Description
from ansible_collections.watchparty.secrets.plugins.module_utils._url import Login

NOW = datetime(2026, 11, 25, 15, tzinfo=UTC)
CORE, ADMIN = "app/test/core", "app/test/admin"
KINDS = {
    "role": Kind("role", alternates="always", needs_admin=True, needs_url=True),
    "user": Kind("user", alternates="if_suffixed", needs_url=True),
    "key": Kind("key", routine="signing_key", length=64),
    "given": Kind("given", value="supplied"),
    "optional": Kind("optional", options=("group", "region")),
    "valkey_user": Kind("valkey_user", needs_url=True),
}
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "DATABASE_URL": {"group": "core", "type": "url"},
        "CACHE_URL": {"parameter": "CACHE_URL", "type": "url", "sensitivity": "high"},
        "SECRET_KEY": {"group": "core"},
        "FALLBACKS": {"group": "core", "type": "list"},
        "TOKEN": {"group": "more"},
        "LOW": {"group": "core", "sensitivity": "low"},
    },
    "credentials": {
        "admin": {"kind": "given", "appears_in": [{"secret": "app/{environment}/admin", "key": "password"}]},
        "database": {"kind": "role", "admin": "admin", "appears_in": [{"setting": "DATABASE_URL"}]},
        "cache": {"kind": "user", "appears_in": [{"setting": "CACHE_URL"}]},
        "django": {
            "kind": "key",
            "appears_in": [{"setting": "SECRET_KEY"}],
            "fallbacks": "FALLBACKS",
            "used_for": ["sessions", "signing"],
        },
        "token": {"kind": "given", "appears_in": [{"setting": "TOKEN"}]},
        "low": {"kind": "given", "appears_in": [{"setting": "LOW"}]},
    },
}
CORE_KEYS = {
    "DATABASE_URL": "postgres://app_a:canary-d@db/app",
    "SECRET_KEY": "canary-k",
    "FALLBACKS": "",
    "LOW": "canary-l",
}
TEXTS = {
    CORE: json.dumps(CORE_KEYS),
    "app/test/more": '{"TOKEN": "canary-t"}',
    ADMIN: '{"password": "canary-a"}',
    "/app/test/CACHE_URL": "redis://:canary-c@cache/0",
}
SUPPLIED = {"admin": Login(None, "new-a"), "token": Login(None, "new-t")}


@pytest.fixture
def ground(holding: Callable[..., Contents]) -> Callable[..., Ground]:
    """What a plan stands on, with changes to the catalog's credentials and settings, and to the stores' texts."""

    def make(
        *,
        credentials: dict[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
        texts: dict[str, str] | None = None,
        journal: Journal | None = None,
        supplied: dict[str, Login] | None = None,
        descriptions: dict[str, Description] | None = None,
        **more: Any,
    ) -> Ground:
        document = {**CATALOG, **more, "settings": {**CATALOG["settings"], **(settings or {})}}
        merged = {name: {**CATALOG["credentials"].get(name, {}), **one} for name, one in (credentials or {}).items()}
        given = {name: {key: it for key, it in one.items() if it is not None} for name, one in merged.items()}
        document["credentials"] = {**CATALOG["credentials"], **given}
        return Ground(
            catalog=_catalog.parse(document, "test"),
            journal=journal or Journal(),
            contents=holding({**TEXTS, **(texts or {})}),
            kinds=KINDS,
            now=NOW,
            descriptions=descriptions or {},
            supplied=SUPPLIED if supplied is None else supplied,
        )

    return make


Make = Callable[..., Ground]


def core(**changed: str) -> dict[str, str]:
    return {CORE: json.dumps({**CORE_KEYS, **changed})}


def refusal(ground: Ground, name: str, wish: Wish | None = None) -> str:
    """Why the credential is refused; that it holds no value, and that nothing of it is planned."""
    plan = _rotation.plan(ground, wish or Wish((name,)))
    assert name not in {item.credential for item in plan.items}
    words = plan.refused[name]
    assert "canary" not in words
    return words


def rotated(**days: int) -> Journal:
    found = {name: Rotated(_ages.stamp(NOW - timedelta(days=ago)), "ann@x", "r0") for name, ago in days.items()}
    return Journal(rotated=found)


class TestPlan:
    def test_all_that_is_due(self, ground: Make) -> None:
        plan = _rotation.plan(ground(), Wish())
        assert plan.refused == {}
        assert plan.passed_over == {"low": "has no limit"}
        assert [(item.credential, item.phases) for item in plan.items] == [
            *(("database", 1), ("cache", 1), ("django", 2), ("token", 1)),
            ("admin", 1),  # what changes others comes last
        ]
        assert plan.phases == 2
        assert plan.secrets == {ADMIN: "1", CORE: "1", "app/test/more": "1"}
        assert plan.parameters == {"/app/test/CACHE_URL": 1}
        assert "canary" not in repr(plan)

    def test_what_is_not_due_is_passed_over(self, ground: Make) -> None:
        plan = _rotation.plan(ground(journal=rotated(database=89, cache=90, token=1)), Wish(("database", "cache")))
        assert [(item.credential, item.reason) for item in plan.items] == [("cache", "due: 90 days old (limit 90)")]
        assert plan.passed_over == {"database": "89 days old, due in 1 days"}

    def test_force_regards_no_age(self, ground: Make) -> None:
        plan = _rotation.plan(
            ground(journal=rotated(database=1), supplied={"low": Login(None, "x")}),
            Wish(("database", "low", "cache"), force=True),
        )
        assert {item.credential: item.reason for item in plan.items} == {
            "database": "forced (1 days old, due in 89 days)",
            "cache": "due: no record of its last rotation (limit 90 days)",
            "low": "forced (has no limit)",
        }

    def test_places_and_fallbacks(self, ground: Make) -> None:
        plan = _rotation.plan(ground(), Wish(("django",)))
        assert plan.items[0].places == (
            Place(SECRETS_MANAGER, CORE, "SECRET_KEY"),
            Place(SECRETS_MANAGER, CORE, "FALLBACKS"),
        )

    def test_an_unknown_name(self, ground: Make) -> None:
        with pytest.raises(RotationError, match=r"^datbase, x: is no credential of the catalog; it has admin, cache, "):
            _rotation.plan(ground(), Wish(("x", "database", "datbase")))
        catalog = _catalog.parse({"application": "app", "settings": CATALOG["settings"]}, "test")
        bare = Ground(catalog, Journal(), Contents(), KINDS, NOW)
        with pytest.raises(RotationError, match="it has none"):
            _rotation.plan(bare, Wish(("x",)))

    def test_one_refusal_stops_no_other(self, ground: Make) -> None:
        plan = _rotation.plan(ground(supplied={}), Wish())
        assert set(plan.refused) == {"admin", "token"}
        assert {item.credential for item in plan.items} == {"database", "cache", "django"}

    def test_nothing(self, ground: Make) -> None:
        plan = _rotation.plan(ground(journal=rotated(cache=1)), Wish(("cache",)))
        assert (plan.items, plan.phases, plan.secrets, plan.parameters) == ((), 0, {}, {})

    def test_an_entry_leads_back_to_the_items(self, ground: Make) -> None:
        plan = Plan((Item("a", "k"), Item("b", "k", _rotation.RETIRE, phases=0, obligation="r0/b")), {"c": "x" * 161})
        entry = json.loads(json.dumps(plan.entry()))
        assert _rotation.items_of(entry) == plan.items
        assert entry["refused"] == {"c": "x" * 157 + "..."}
        assert Plan(refused={"c": "x" * 160}).entry()["refused"] == {"c": "x" * 160}
        assert _rotation.items_of({}) == ()


class TestRefusals:
    def test_a_kind_that_is_not_there(self, ground: Make) -> None:
        words = refusal(ground(credentials={"cache": {"kind": "none"}}), "cache")
        assert words.startswith("no kind none is there; kinds are given, key, optional, role, user, valkey_user, and")

    def test_what_the_graph_finds(self, ground: Make) -> None:
        words = refusal(ground(texts={"app/test/more": "{}"}), "token")
        assert words == "no place that the catalog names holds it: TOKEN (secret app/test/more key TOKEN)"

    def test_options_that_the_kind_needs(self, ground: Make) -> None:
        changed = {"cache": {"kind": "optional", "options": {"region": "x"}}}
        assert refusal(ground(credentials=changed), "cache") == "kind optional needs options.group"
        changed = {"cache": {"kind": "optional"}}
        assert refusal(ground(credentials=changed), "cache") == "kind optional needs options.group, options.region"

    def test_a_supplied_value_that_is_not_there(self, ground: Make) -> None:
        words = refusal(ground(supplied={}), "token")
        assert words.startswith("a third party issues it; give the new value by -e rotation_values_file=FILE")
        assert words.endswith("-e credential=token to be asked")

    @pytest.mark.parametrize("url", [None, "https://provider/keys"])
    def test_a_supplied_value_that_is_the_old_one(self, ground: Make, url: str | None) -> None:
        more = {"token": {"provider_url": url}} if url else {}
        words = refusal(ground(credentials=more, supplied={"token": Login(None, "canary-t")}), "token")
        assert words == "the new value that was given is the one in use; get a new one from the provider" + (
            f" at {url}" if url else ""
        )

    def test_a_supplied_user_name_alone_is_a_new_value(self, ground: Make) -> None:
        texts = {"app/test/more": '{"TOKEN": "https://canary@sentry/1"}'}
        for given, refused in ((Login("new"), False), (Login("canary"), True), (Login(), True)):
            plan = _rotation.plan(ground(texts=texts, supplied={"token": given}), Wish(("token",)))
            assert ("token" in plan.refused) is refused

    def test_no_url(self, ground: Make) -> None:
        words = refusal(ground(texts={"/app/test/CACHE_URL": "redis://cache/0"}), "cache")
        assert words.startswith("it appears in no URL, so its server's address is unknown")

    def test_no_administrator(self, ground: Make) -> None:
        words = refusal(ground(credentials={"database": {"admin": None}}), "database")
        assert words == "nothing says who may change it; name its administrator in credentials.database.admin"

    def test_an_administrator_that_cannot_be_read(self, ground: Make) -> None:
        words = refusal(ground(texts={ADMIN: "{}"}), "database")
        assert words == f"its administrator admin cannot be read: secret {ADMIN} key password holds no value"
        appears = {"admin": {"appears_in": [{"secret": "app/{environment}/admin", "key": "user"}]}}
        words = refusal(ground(credentials=appears, texts={ADMIN: '{"user": "root"}'}), "database")
        assert words == "its administrator admin cannot be read: it has no password"

    def test_one_login_that_owns_everything(self, ground: Make) -> None:
        texts = core(DATABASE_URL="postgres://app:canary@db/app")
        assert refusal(ground(texts=texts), "database") == (
            "its login owns everything and has no second one (app_a) beside it; run rotation_prepare.yml "
            "-e credential=database once"
        )
        prepared = ground(texts=texts, journal=Journal(prepared=frozenset({"database"})))
        assert _rotation.plan(prepared, Wish(("database",))).refused == {}

    def test_no_user_name_that_could_alternate(self, ground: Make) -> None:
        words = refusal(ground(texts=core(DATABASE_URL="postgres://:canary@db/app")), "database")
        assert words == "no place holds its user name, which alternates; add one to appears_in"

    def test_a_key_that_is_used_for_more(self, ground: Make) -> None:
        words = refusal(ground(credentials={"django": {"used_for": ["sessions", "jwt", "fields"]}}), "django")
        assert words == (
            "fields, jwt would be lost with the old key; give that a key of its own (credentials.django.used_for)"
        )
        words = refusal(ground(credentials={"django": {"used_for": []}}), "django")
        assert words.startswith("nothing says what it is used for; list it in credentials.django.used_for")

    @pytest.mark.parametrize("fallbacks", [None, "CONSTANT", "SECRET_KEY"])
    def test_a_key_without_a_list_of_former_ones(self, ground: Make, fallbacks: str | None) -> None:
        settings = {"CONSTANT": {"value": "x"}}
        words = refusal(ground(credentials={"django": {"fallbacks": fallbacks}}, settings=settings), "django")
        assert words.startswith("without a setting of former keys everybody would be logged out; name one in cred")

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ({"parameter": "F"}, "parameter /app/test/F cannot be empty, and without former keys it is"),
            ({"secret": "f-{environment}"}, "secret f-test cannot be empty, and without former keys it is"),
            ({"group": "absent"}, "secret app/test/absent key FALLBACKS, which lists former keys, cannot be read"),
            ({"group": "text"}, "secret app/test/text: is not JSON"),
        ],
    )
    def test_a_list_of_former_keys_that_cannot_hold_them(
        self, ground: Make, source: dict[str, str], words: str
    ) -> None:
        found = ground(settings={"FALLBACKS": {"type": "list", **source}}, texts={"app/test/text": "canary"})
        assert words in refusal(found, "django")

    def test_a_key_in_parameters_alone(self, ground: Make) -> None:
        settings = {"SECRET_KEY": {"parameter": "SECRET_KEY", "sensitivity": "high"}}
        words = refusal(ground(settings=settings, texts={"/app/test/SECRET_KEY": "canary-k"}), "django")
        assert (
            words == "it is in parameters alone, whose former values are not kept; keep it in a secret too, as a copy"
        )

    def test_a_key_with_a_comma(self, ground: Make) -> None:
        words = refusal(ground(texts=core(SECRET_KEY="canary,k")), "django")
        assert words.startswith("it has a comma in it, so a list of former keys cannot hold it")

    def test_valkey_on_elasticache(self, ground: Make) -> None:
        texts = {"/app/test/CACHE_URL": "rediss://:canary@x.cache.amazonaws.com:6379"}
        words = refusal(ground(credentials={"cache": {"kind": "valkey_user"}}, texts=texts), "cache")
        assert words == "its address is ElastiCache, which has no ACL SETUSER; use kind elasticache_auth_token"

    def test_what_github_holds_too(self, ground: Make) -> None:
        settings = {"TOKEN": {"group": "more", "github": "secret"}}
        assert "token" not in _rotation.plan(ground(settings=settings), Wish(("token",))).refused
        words = refusal(ground(settings=settings, github={"repository": "o/r"}), "token")
        assert words == "GitHub holds it too (TOKEN), and nothing here can send it there yet"
        appears = {"token": {"appears_in": [{"setting": "TOKEN"}, {"github": "DEPLOY"}]}}
        assert refusal(ground(credentials=appears), "token").startswith("GitHub holds it too (DEPLOY)")

    def test_a_secret_that_aws_rotates(self, ground: Make) -> None:
        described = {CORE: Description(CORE, {"AWSCURRENT": "1"}, rotation_enabled=True)}
        for name in ("database", "django"):
            words = refusal(ground(descriptions=described), name)
            assert words.startswith(f"AWS rotates secret {CORE} itself; cancel that")

    def test_the_secret_of_former_keys_is_looked_at_too(self, ground: Make) -> None:
        described = {"app/test/keys": Description("app/test/keys", {"AWSCURRENT": "1"}, rotation_enabled=True)}
        settings = {"FALLBACKS": {"group": "keys", "type": "list"}}
        found = ground(settings=settings, texts={"app/test/keys": "{}"}, descriptions=described)
        assert refusal(found, "django").startswith("AWS rotates secret app/test/keys itself")

    def test_somebodys_pending_version(self, ground: Make) -> None:
        described = {CORE: Description(CORE, {"AWSCURRENT": "1", "AWSPENDING": "9"})}
        words = refusal(ground(descriptions=described), "database")
        assert words.startswith(f"secret {CORE} has a pending version 9 that is not of this rotation; finish it, or")
        left = {CORE: Description(CORE, {"AWSCURRENT": "1", "AWSPENDING": "1"})}
        assert _rotation.plan(ground(descriptions=left), Wish(("database",))).refused == {}

    def test_a_place_belongs_to_one_credential(self, ground: Make) -> None:
        found = ground(credentials={"other": {"kind": "given", "appears_in": [{"setting": "TOKEN"}]}})
        supplied = {**SUPPLIED, "other": Login(None, "x")}
        found = Ground(found.catalog, found.journal, found.contents, KINDS, NOW, {}, supplied)
        plan = _rotation.plan(found, Wish(("token", "other")))
        assert [item.credential for item in plan.items] == ["token"]
        assert plan.refused == {"other": "secret app/test/more key TOKEN is already token's"}

    def test_two_keys_cannot_list_former_ones_in_one_place_at_once(self, ground: Make) -> None:
        second = {**CATALOG["credentials"]["django"], "appears_in": [{"setting": "TOKEN"}]}
        plan = _rotation.plan(ground(credentials={"second": second}), Wish(("django", "second")))
        assert plan.refused == {"second": f"secret {CORE} key FALLBACKS is already django's"}

    def test_several_reasons_are_told_at_once(self, ground: Make) -> None:
        changed = {"django": {"used_for": ["jwt"]}}
        described = {CORE: Description(CORE, {}, rotation_enabled=True)}
        words = refusal(ground(credentials=changed, descriptions=described), "django").split("; ")
        assert len(words) == 4
