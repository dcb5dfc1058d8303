# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that somebody else issues, in a rotation: given, asked for, tried, and confirmed as revoked."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.binaries import find_mariadb
from sandbox.mariadb import ADMINISTRATOR as ADMINISTRATOR_OF_MARIADB
from sandbox.mariadb import MariaDB
from sandbox.postgres import scram_verifier
from sandbox.process import SandboxError
from sandbox.valkey import ADMINISTRATOR
from tests.fakes.provider_apis import Sentry
from tests.integration.chaos import Chaos, Controller
from tests.integration.held import own_kind
from tests.integration.provider import Provider, running
from tests.integration.rotation_lab import MASTER, RotationLab, rotation_lab, sentences
from tests.integration.terminal import typed

NOTES = """\
#!/usr/bin/env python3
import json, sys

request = json.load(sys.stdin)
with open(request["options"]["log"], "a") as notes:
    print(request["verb"], request["credential"], request["new"] not in (None, request["old"]), file=notes)
json.dump({"message": "noted", "notes": {"at": request["verb"]}}, sys.stdout)
"""


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


@contextmanager
def sentry_with(lab: RotationLab) -> Iterator[Sentry]:
    """Its first key is the application's, and another credential's value is the administrator's token."""
    sentry = Sentry(lab.content("watchparty/production/integrations")["GOOGLE_OAUTH2_CLIENT_SECRET"])
    old = urlsplit(lab.content("watchparty/production/core")["SENTRY_DSN"]).username
    key = next(iter(sentry.keys.values()))
    sentry.keys = {str(old): {**key, "id": old}, **{name: other for name, other in sentry.keys.items() if other != key}}
    with sentry.serving():
        yield sentry


def sentry_dsn(sentry: Sentry) -> dict[str, Any]:
    options = {"organization": "acme", "project": "shop", "url": sentry.url}
    appears_in = [{"setting": "SENTRY_DSN"}]
    own = {"kind": "sentry_dsn", "admin": "sentry_admin", "max_age_days": 90}
    return {**own, "options": options, "appears_in": appears_in}


@contextmanager
def reports_with(lab: RotationLab) -> Iterator[dict[str, Any]]:
    """Credentials of two users of MariaDB and of its administrator, which are in no .env; none without a MariaDB."""
    try:
        find_mariadb()
    except SandboxError:
        yield {}
        return
    stores = lab.moto.client("secretsmanager")
    place = "watchparty/{environment}/reports"
    keys = [{"secret": place, "keys": ["username", "password"]}]
    with MariaDB() as server:
        admin = {"kind": "external", "server": {"address": f"127.0.0.1:{server.port}"}}
        held = {place: ("reports_a", "canary"), f"{place}-admin": (ADMINISTRATOR_OF_MARIADB, server.password)}
        server.execute("CREATE USER reports_a@'%' IDENTIFIED BY 'canary'", "CREATE USER reports_b@'%' ACCOUNT LOCK")
        names = {
            name.format(environment="production"): dict(zip(("username", "password"), login, strict=True))
            for name, login in held.items()
        }
        for name, document in names.items():
            stores.create_secret(Name=name, SecretString=json.dumps(document))
        try:
            yield {
                "reports": {
                    "kind": "mysql_user",
                    "admin": "reports_admin",
                    "options": {"user": "reports"},
                    "appears_in": keys,
                },
                "reports_admin": {**admin, "appears_in": [{**keys[0], "secret": f"{place}-admin"}]},
            }
            login = lab.content(next(iter(names)))
            assert login["username"] == "reports_b"
            assert server.accepts(login["username"], login["password"])
            assert not server.accepts("reports_a", "canary")
        finally:
            for name in names:
                stores.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def pending_since(lab: RotationLab, *, since: Collection[str]) -> dict[str, str]:
    """What the journal keeps for later, beside what it kept before."""
    pending_tasks = lab.journal_state().pending_tasks
    assert set(since) <= set(pending_tasks)
    return {
        pending_task.credential: pending_task.act for name, pending_task in pending_tasks.items() if name not in since
    }


@pytest.mark.slow
def test_a_third_partys_value_and_a_kind_of_ones_own(lab: RotationLab, provider: Provider) -> None:
    """The first comes from a private file; the second's folder lies outside the collection. An API makes a third. The
    fourth is a user of MariaDB, where one is installed."""
    old = lab.ready()
    kept = lab.journal_state().pending_tasks
    verbs = ("check", "create", "set", "test", "revoke", "verify_revoked")
    kind = "value: generated\nlength: 24\noptions: [log]\nruns_on: rotation_host"
    path = own_kind(lab, "noted", "", *verbs, kind=kind)
    (path / "noted" / "kind").write_text(NOTES, encoding="utf-8")
    notes = lab.directory / "notes"
    twitch = {"kind": "noted", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}], "options": {"log": str(notes)}}
    mail = {
        "kind": "external",
        "appears_in": [{"setting": "YOUTUBE_API_KEY"}],
        "provider_url": "https://mail.example.com/keys",
        "test": {"url": f"{provider.url}/me", "headers": {"X-Key": "{value}"}},
    }
    provider.keys = {lab.content("watchparty/production/integrations")["YOUTUBE_API_KEY"]}
    before = lab.content("watchparty/production/integrations")["TWITCH_CLIENT_SECRET"]
    boss = {"kind": "external", "appears_in": [{"setting": "GOOGLE_OAUTH2_CLIENT_SECRET"}]}
    with (
        sentry_with(lab) as sentry,
        reports_with(lab) as reports,
        lab.with_catalog(twitch=twitch, mail=mail, sentry=sentry_dsn(sentry), sentry_admin=boss, **reports) as catalog,
    ):
        del catalog["settings"]["SENTRY_DSN"]["github"]
        given = lab.values_file(mail="issued-by-the-provider")
        names = ",".join(["twitch", "mail", "sentry", *(["reports"] if reports else [])])
        arguments = ("-e", f"rotation_kinds_path={path}", "-e", given, "-e", f"rotation_credentials={names}")
        # The secret of reports is new, so nothing of it is due.
        arguments += ("-e", f"rotation_python={sys.executable}", "-e", "rotation_force=true")
        run = lab.rotate(*arguments, "--check")
        sentences(run, f"mail is REFUSED: the new value is refused: {provider.url}/me answers with status 401")
        assert {(method, path) for method, path, _key in provider.asked} == {("GET", "/me")}
        assert notes.read_text().split() == ["check", "twitch", "False"]
        notes.unlink()
        provider.keys.add("issued-by-the-provider")
        run = lab.rotated(*arguments)
        # The provider alone can refuse the other one's.
        assert re.search(r'from promotion to revocation: \d+ s \((reports, )?sentry, twitch\)"', run.output)
        assert not reports or "user reports_a is locked at 127.0.0.1:" in run.text
        (key,) = [key for key in sentry.keys.values() if "sentry-r-" in key["name"]]
        assert len(sentry.keys) == 2, "the old key is deleted, another stays"
        assert not [key for key in sentry.keys if key in run.output.replace(f"key {key}", "")], "the DSN is not shown"

        left = "mail: revoke its old value at https://mail.example.com/keys; r-"
        asked = "Then run watchparty.secrets.rotate -e rotation_revoked=mail"
        sentences(run, left, asked)
        due = lab.run(playbook="playbooks/rotation_due.yml")
        assert due.code != 0, due.output
        sentences(due, left, asked)
        run = lab.rotate("-e", "rotation_revoked=mail,tiwtch")
        sentences(run, "tiwtch: is not a credential of the catalog; a confirmation is pending for mail")
        run = lab.rotate("-e", "rotation_revoked=mail")
        assert run.code != 0, run.output
        sentences(
            run,
            "STILL WORKS: a previous value still logs in at",
            "Revoke it at its provider, then run the same command again",
        )
        assert pending_since(lab, since=kept) == {"mail": "confirm"}
        provider.keys = {"issued-by-the-provider"}
        run = lab.rotated("-e", "rotation_revoked=mail")
        sentences(run, "mail: the operator confirms that the value replaced by r-", "was revoked (rejected now at")
        assert left not in run.text
        assert "issued-by-the-provider" not in run.text
        assert pending_since(lab, since=kept) == {}
        assert lab.audit_records()[-1]["outcome"] == "revoked"
        assert lab.audit_records()[-1]["credentials"] == ["mail"]
    lab.assert_settled()
    assert lab.values() == old
    assert notes.read_text().splitlines() == [f"{verb} twitch {verb != 'check'}" for verb in verbs]
    after = lab.content("watchparty/production/integrations")["TWITCH_CLIENT_SECRET"]
    assert (len(after), after != before) == (24, True)
    for host in lab.hosts:
        assert host.values()["YOUTUBE_API_KEY"] == "issued-by-the-provider"
        assert host.values()["TWITCH_CLIENT_SECRET"] == after
        assert host.values()["SENTRY_DSN"] == key["dsn"]["public"]


@pytest.mark.slow
def test_an_administrators_new_password_is_tried_before_the_old_one_is_forgotten(lab: RotationLab) -> None:
    """Each at its servers, from an application's host; what they would reject is refused by name."""
    lab.ready()
    kept = lab.journal_state().pending_tasks
    names = ("database_admin", "cache_admin")
    secrets = [f"watchparty/production/{name.replace('_', '-')}" for name in names]
    before = [lab.content(secret) for secret in secrets]
    new = "issued-for-the-administrator"
    arguments = ("-e", f"rotation_credentials={','.join(names)}", "-e", lab.values_file(**dict.fromkeys(names, new)))
    run = lab.rotate(*arguments)
    assert run.code != 0, run.output
    refused = "{}_admin: the new value is refused as the administrator of {}: "
    sentences(run, refused.format("database", "database"), refused.format("cache", "cache"))
    assert new not in run.output
    assert [lab.content(secret) for secret in secrets] == before
    assert lab.journal_state().rotation is None

    old = before[0]["password"]
    try:
        lab.postgres.execute(f"ALTER ROLE {MASTER} PASSWORD '{scram_verifier(new)}';")
        lab.valkey.execute("ACL", "SETUSER", ADMINISTRATOR, f">{new}")
        lab.rotated(*arguments)
        assert [lab.content(secret)["password"] for secret in secrets] == [new, new]
        run = lab.rotate("-e", f"rotation_revoked={','.join(names)}")
        assert run.code != 0, run.output
        sentences(
            run,
            "database_admin: the operator confirms that the value replaced by r-",
            "(rejected now at",
            "cache_admin: its old value",
            "STILL WORKS",
        )
        assert pending_since(lab, since=kept) == {"cache_admin": "confirm"}
    finally:
        lab.postgres.execute(f"ALTER ROLE {MASTER} PASSWORD '{scram_verifier(old)}';")
        lab.valkey.execute("ACL", "SETUSER", ADMINISTRATOR, f"<{new}")
        lab.renew()


@pytest.mark.slow
def test_a_third_partys_value_is_asked_for_again(lab: RotationLab) -> None:
    """A run that was killed before it kept the answer cannot know it; without a terminal nothing is given up."""
    lab.ready()
    path = own_kind(lab, "dying", "", kind="value: supplied")
    twitch = {"kind": "dying", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}]}
    # The test before may have rotated it just now.
    arguments = ("-e", "rotation_credentials=twitch", "-e", "rotation_force=true", "-e", f"rotation_kinds_path={path}")
    with lab.with_catalog(twitch=twitch):
        controller = replace(Controller(lab), command=(*arguments, "-e", lab.values_file(twitch="given-and-lost")))
        assert Chaos(lab, controller).kill("create#1") is not None
        run = lab.rotate(*arguments)
        assert run.code != 0, run.output
        sentences(run, "twitch: cannot be asked for", "give that by -e rotation_values_file=FILE")
        assert lab.journal_state().rotation is not None
        code, seen = typed(lab, "playbooks/rotate.yml", {"New value of twitch": "given-again"}, *arguments)
        assert code == 0, seen
        for host in lab.hosts:
            assert host.values()["TWITCH_CLIENT_SECRET"] == "given-again"
    lab.assert_settled()
