# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from dataclasses import replace

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, PendingTask
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Description
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import RotationRequest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs
from tests.unit.plugins.plugin_utils._rotation.plan_ground import (
    ADMIN,
    CATALOG,
    CORE,
    KINDS,
    NOW,
    SUPPLIED,
    core,
    made_ground,
    refusal,
)


def test_a_kind_that_is_not_there() -> None:
    message = refusal(made_ground(credentials={"cache": {"kind": "none"}}), "cache")
    assert message.startswith("kind none does not exist; kinds are given, key, key_pair, optional, role, user, val")


def test_what_the_graph_finds() -> None:
    message = refusal(made_ground(texts={"app/test/more": "{}"}), "token")
    assert message == (
        "no store holds its value: TOKEN (secret app/test/more key TOKEN); store its "
        "value there, or remove the credential from the catalog"
    )


def test_options_that_the_kind_needs() -> None:
    changed = {"cache": {"kind": "optional", "options": {"region": "x"}}}
    assert refusal(made_ground(credentials=changed), "cache") == "kind optional needs options.group"
    changed = {"cache": {"kind": "optional"}}
    assert refusal(made_ground(credentials=changed), "cache") == "kind optional needs options.group, options.region"


def test_a_supplied_value_that_is_not_there() -> None:
    message = refusal(made_ground(supplied={}), "token")
    assert message.startswith(
        "its provider issues the new value; give it by the line token: 'VALUE' in -e rotation_values_file=FILE"
    )
    assert message.endswith("-e rotation_credentials=token to be asked")


def test_a_supplied_user_name_that_nothing_takes() -> None:
    """The new password would stand beside the old user name."""
    message = refusal(made_ground(supplied={"token": Login("canary-u", "canary-new")}), "token")
    assert message == (
        "the new value has a user name, and no place in the catalog holds a user name; add a setting to appears_in"
    )


@pytest.mark.parametrize("url", [None, "https://provider/keys"])
def test_a_supplied_value_that_is_the_old_one(url: str | None) -> None:
    extra = {"token": {"provider_url": url}} if url else {}
    message = refusal(made_ground(credentials=extra, supplied={"token": Login(None, "canary-t")}), "token")
    assert message == "the given new value is the value in use; get a new one from the provider" + (
        f" at {url}" if url else ""
    )


def test_a_supplied_value_that_no_deploy_could_write() -> None:
    given = {"token": Login(None, "-----BEGIN canary-----\ncanary")}
    message = refusal(made_ground(supplied=given), "token")
    assert message.startswith("the new value of TOKEN cannot be delivered: its value cannot be read back exactly by")
    assert "set readers: [python_dotenv, shell, systemd, docker_compose] in the catalog" in message
    plan = rotation_plan.plan(made_ground(supplied=given, readers=["shell", "systemd"]), RotationRequest(("token",)))
    assert plan.refused == {}


def test_a_supplied_user_name_alone_is_a_new_value() -> None:
    texts = {"app/test/more": '{"TOKEN": "https://canary@sentry/1"}'}
    for given, refused in ((Login("new"), False), (Login("canary"), True), (Login(), True)):
        plan = rotation_plan.plan(made_ground(texts=texts, supplied={"token": given}), RotationRequest(("token",)))
        assert ("token" in plan.refused) is refused


def test_no_url() -> None:
    only = {"cache": {"appears_in": [{"setting": "TOKEN"}]}}
    message = refusal(made_ground(credentials=only), "cache")
    assert message.startswith("the address of its server is unknown: no URL contains the credential")
    assert "credentials.cache.parts" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("redis://cache/0", "holds a URL without a user name and a password"),
        ("redis//:canary@cache/0", "cannot be parsed as a URL: it has no ://"),
        ("redis://:can/ary@cache/0", "cannot be parsed as a URL: a /, ? or # stands before its @"),
    ],
)
def test_a_url_that_is_none(text: str, message: str) -> None:
    assert refusal(made_ground(texts={"/app/test/CACHE_URL": text}), "cache") == (
        f"CACHE_URL (parameter /app/test/CACHE_URL) {message}; write scheme://user:password@host/… there, with special "
        "characters of the user name and the password as %XX"
    )


def test_no_administrator() -> None:
    message = refusal(made_ground(credentials={"database": {"admin": None}}), "database")
    assert message == "it has no administrator in the catalog; name one in credentials.database.admin"


def test_an_administrator_that_cannot_be_read() -> None:
    message = refusal(made_ground(texts={ADMIN: "{}"}), "database")
    assert message == f"its administrator admin cannot be read: secret {ADMIN} key password holds no value"
    appears = {"admin": {"appears_in": [{"secret": "app/{environment}/admin", "key": "user"}]}}
    message = refusal(made_ground(credentials=appears, texts={ADMIN: '{"user": "root"}'}), "database")
    assert message == "its administrator admin cannot be read: it has no password"


def test_one_login_that_owns_everything() -> None:
    texts = core(DATABASE_URL="postgres://app:canary@db/app")
    assert refusal(made_ground(texts=texts), "database") == (
        "role app owns the database objects, and its second login app_a does not exist; run "
        "ansible-playbook watchparty.secrets.rotation_prepare -e rotation_credentials=database once"
    )
    prepared = made_ground(texts=texts, journal=Journal(prepared=frozenset({"database"})))
    assert rotation_plan.plan(prepared, RotationRequest(("database",))).refused == {}


def test_no_user_name_that_could_alternate() -> None:
    message = refusal(made_ground(texts=core(DATABASE_URL="postgres://:canary@db/app")), "database")
    assert message == (
        "no place in the catalog holds its user name, which changes at each rotation; add a setting to appears_in"
    )


def test_a_key_that_is_used_for_more() -> None:
    message = refusal(made_ground(credentials={"django": {"used_for": ["sessions", "jwt", "fields"]}}), "django")
    assert message == (
        "its key is also used for fields, jwt, which would be lost with the old key; use another key for this purpose, "
        "and remove it from credentials.django.used_for"
    )
    message = refusal(made_ground(credentials={"django": {"used_for": []}}), "django")
    assert message.startswith(
        "the catalog does not say what it signs; list the purposes in credentials.django.used_for"
    )


@pytest.mark.parametrize("fallbacks", [None, "CONSTANT", "SECRET_KEY"])
def test_a_key_without_a_list_of_former_ones(fallbacks: str | None) -> None:
    settings = {"CONSTANT": {"value": "x"}}
    message = refusal(made_ground(credentials={"django": {"fallbacks": fallbacks}}, settings=settings), "django")
    assert message.startswith(
        "its rotation would log all users out, because no setting lists previous keys; name one in "
        "credentials.django.fallbacks (docs/how-to/declare-a-credential.md#django-secret_key)"
    )


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"parameter": "F"}, "parameter /app/test/F lists the previous keys. Without a previous key"),
        ({"secret": "f-{environment}"}, "secret f-test lists the previous keys. Without a previous key"),
        ({"group": "absent"}, "secret app/test/absent key FALLBACKS, which lists the previous keys, cannot be read"),
        ({"group": "text"}, "secret app/test/text: is not JSON"),
    ],
)
def test_a_list_of_former_keys_that_cannot_hold_them(source: dict[str, str], message: str) -> None:
    plan_inputs = made_ground(settings={"FALLBACKS": {"type": "list", **source}}, texts={"app/test/text": "canary"})
    assert message in refusal(plan_inputs, "django")


def test_a_key_in_parameters_alone() -> None:
    settings = {"SECRET_KEY": {"parameter": "SECRET_KEY", "sensitivity": "high"}}
    message = refusal(made_ground(settings=settings, texts={"/app/test/SECRET_KEY": "canary-k"}), "django")
    assert message == (
        "only parameters hold it, and previous values of parameters are not kept; store it in a secret too, as a copy"
    )


def test_a_key_with_a_comma() -> None:
    message = refusal(made_ground(texts=core(SECRET_KEY="canary,k")), "django")
    assert message.startswith("its value contains a comma, which a list of previous keys cannot hold")


def test_a_late_revocation_of_what_is_in_parameters_alone() -> None:
    message = refusal(made_ground(credentials={"cache": {"revoke_after": 3601}}), "cache")
    assert message.startswith(
        "a later run must revoke its old value (revoke_after), but only parameters hold it, and previous values of "
        "parameters are not kept; store it in a secret"
    )
    assert message.endswith("set revoke_after to 3600 at most")
    for name, seconds in (("cache", 3600), ("database", 3601)):
        plan_inputs = made_ground(credentials={name: {"revoke_after": seconds}})
        assert rotation_plan.plan(plan_inputs, RotationRequest((name,))).refused == {}


def test_no_user_name_where_the_kind_needs_one() -> None:
    plan_inputs = made_ground(credentials={"token": {"kind": "key_pair"}})
    assert refusal(plan_inputs, "token").startswith(
        "no place in the catalog holds its user name or id; add a setting to appears_in"
    )


def test_what_the_caller_found_against_it() -> None:
    plan_inputs = replace(made_ground(), against={"token": "its account has two keys already"})
    assert refusal(plan_inputs, "token") == "its account has two keys already"
    assert rotation_plan.plan(plan_inputs, RotationRequest(("database",))).refused == {}


def test_valkey_on_elasticache() -> None:
    texts = {"/app/test/CACHE_URL": "rediss://:canary@x.cache.amazonaws.com:6379"}
    message = refusal(made_ground(credentials={"cache": {"kind": "valkey_user"}}, texts=texts), "cache")
    assert message == "its address is ElastiCache, which has no ACL SETUSER; use kind elasticache_auth_token"


def test_what_github_holds_too() -> None:
    settings = {"TOKEN": {"group": "more", "github": "secret"}}
    assert "token" not in rotation_plan.plan(made_ground(settings=settings), RotationRequest(("token",))).refused
    message = refusal(made_ground(settings=settings, github={"repository": "o/r"}), "token")
    assert message == (
        "GitHub holds it too (TOKEN), and there is no token to send the new value; run "
        "export GITHUB_TOKEN=$(gh auth token), then run the same command again"
    )
    mirrored = replace(made_ground(settings=settings, github={"repository": "o/r"}), mirrors=True)
    assert rotation_plan.plan(mirrored, RotationRequest(("token",))).refused == {}
    appears = {"token": {"appears_in": [{"setting": "TOKEN"}, {"github": "DEPLOY"}]}}
    message = "GitHub holds it too (DEPLOY), and the catalog names no repository; add github: {repository: OWNER/NAME}"
    assert refusal(replace(made_ground(credentials=appears), mirrors=True), "token") == message


def test_a_secret_that_aws_rotates() -> None:
    described = {CORE: Description(CORE, {"AWSCURRENT": "1"}, rotation_enabled=True)}
    for name in ("database", "django"):
        message = refusal(made_ground(descriptions=described), name)
        assert message.startswith(f"AWS itself rotates secret {CORE}; run aws secretsmanager cancel-rotate-secret")


def test_the_secret_of_former_keys_is_looked_at_too() -> None:
    described = {"app/test/keys": Description("app/test/keys", {"AWSCURRENT": "1"}, rotation_enabled=True)}
    settings = {"FALLBACKS": {"group": "keys", "type": "list"}}
    plan_inputs = made_ground(settings=settings, texts={"app/test/keys": "{}"}, descriptions=described)
    assert refusal(plan_inputs, "django").startswith("AWS itself rotates secret app/test/keys")


def test_somebodys_pending_version() -> None:
    described = {CORE: Description(CORE, {"AWSCURRENT": "1", "AWSPENDING": "9"})}
    message = refusal(made_ground(descriptions=described), "database")
    assert message.startswith(
        f"secret {CORE} has a pending version 9 of another writer; let the other writer finish, or"
    )
    left = {CORE: Description(CORE, {"AWSCURRENT": "1", "AWSPENDING": "1"})}
    assert rotation_plan.plan(made_ground(descriptions=left), RotationRequest(("database",))).refused == {}


OWN = "give each credential its own place"


def test_a_place_belongs_to_one_credential() -> None:
    plan_inputs = made_ground(credentials={"other": {"kind": "given", "appears_in": [{"setting": "TOKEN"}]}})
    supplied = {**SUPPLIED, "other": Login(None, "x")}
    plan_inputs = PlanInputs(plan_inputs.catalog, plan_inputs.journal, plan_inputs.contents, KINDS, NOW, {}, supplied)
    plan = rotation_plan.plan(plan_inputs, RotationRequest(("token", "other")))
    assert [item.credential for item in plan.items] == ["token"]
    assert plan.refused == {"other": f"secret app/test/more key TOKEN also belongs to credential token; {OWN}"}


def test_two_keys_cannot_list_former_ones_in_one_place_at_once() -> None:
    second = {**CATALOG["credentials"]["django"], "appears_in": [{"setting": "TOKEN"}]}
    plan = rotation_plan.plan(made_ground(credentials={"second": second}), RotationRequest(("django", "second")))
    assert plan.refused == {"second": f"secret {CORE} key FALLBACKS also belongs to credential django; {OWN}"}


def test_several_reasons_are_reported_at_once() -> None:
    changed = {"django": {"used_for": ["jwt"]}}
    described = {CORE: Description(CORE, {}, rotation_enabled=True)}
    messages = refusal(made_ground(credentials=changed, descriptions=described), "django").split("; ")
    assert len(messages) == 4


def test_a_login_that_is_still_to_be_revoked() -> None:
    later = PendingTask("r1/database", "database", "revoke", "2026-12-01T00:00:00Z", "r1")
    ground = made_ground(journal=Journal(pending_tasks={later.id: later}))
    message = refusal(ground, "database")
    assert message.startswith("its other login is still valid until 2026-12-01T00:00:00Z (revoke_after)")
    assert (
        "database"
        not in rotation_plan.plan(replace(ground, leak=True), RotationRequest(("database",), leak="leak-1")).refused
    )
    dropped = replace(later, act="drop_fallback")
    ground = made_ground(journal=Journal(pending_tasks={later.id: dropped}))
    assert rotation_plan.plan(ground, RotationRequest(("database",))).refused == {}
