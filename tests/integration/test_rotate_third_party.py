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

import psycopg
import pytest

from sandbox.binaries import find_mariadb, find_rabbitmq
from sandbox.mariadb import ADMINISTRATOR as ADMINISTRATOR_OF_MARIADB
from sandbox.mariadb import MariaDB
from sandbox.postgres import scram_verifier
from sandbox.process import SandboxError
from sandbox.rabbitmq import ADMINISTRATOR as ADMINISTRATOR_OF_RABBITMQ
from sandbox.rabbitmq import RabbitMQ
from sandbox.valkey import ADMINISTRATOR
from tests.fakes.provider_apis import Sentry
from tests.integration.chaos import Chaos, Controller
from tests.integration.harness import Run
from tests.integration.held import own_kind
from tests.integration.provider import Provider, running
from tests.integration.rabbitmq_user.world import accepts
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
def stored(lab: RotationLab, documents: Mapping[str, Any]) -> Iterator[None]:
    """Secrets of the lab's environment, which are in no .env."""
    stores = lab.moto.client("secretsmanager")
    names = {name.format(environment="production"): document for name, document in documents.items()}
    for name, document in names.items():
        stores.create_secret(Name=name, SecretString=json.dumps(document))
    try:
        yield
    finally:
        for name in names:
            stores.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


@contextmanager
def reports_with(lab: RotationLab) -> Iterator[dict[str, Any]]:
    """Credentials of two users of MariaDB and of its administrator; none without a MariaDB."""
    try:
        find_mariadb()
    except SandboxError:
        yield {}
        return
    place, own = "watchparty/{environment}/reports", {"username": "reports_a", "password": "canary"}
    keys = [{"secret": place, "keys": ["username", "password"]}]
    with MariaDB() as server:
        server.execute("CREATE USER reports_a@'%' IDENTIFIED BY 'canary'", "CREATE USER reports_b@'%' ACCOUNT LOCK")
        boss = {"username": ADMINISTRATOR_OF_MARIADB, "password": server.password}
        admin = {"kind": "external", "server": {"address": f"127.0.0.1:{server.port}"}}
        with stored(lab, {place: own, f"{place}-admin": boss}):
            yield {
                "reports": {
                    "kind": "mysql_user",
                    "admin": "reports_admin",
                    "options": {"user": "reports"},
                    "appears_in": keys,
                },
                "reports_admin": {**admin, "appears_in": [{**keys[0], "secret": f"{place}-admin"}]},
            }
            login = lab.content(place.format(environment="production"))
            assert login["username"] == "reports_b"
            assert server.accepts(login["username"], login["password"])
            assert not server.accepts("reports_a", "canary")


@contextmanager
def jobs_with(lab: RotationLab) -> Iterator[dict[str, Any]]:
    """Credentials of a user of RabbitMQ, inside a URL, and of its administrator; none without a RabbitMQ."""
    try:
        find_rabbitmq()
    except SandboxError:
        yield {}
        return
    place = "watchparty/{environment}/jobs"
    with RabbitMQ() as broker:
        broker.asked("PUT", "/vhosts/shop%2Feu", {})
        broker.asked("PUT", "/users/jobs_a", {"password": "canary", "tags": ""})
        broker.asked("PUT", "/permissions/shop%2Feu/jobs_a", {"configure": "", "write": ".*", "read": ".*"})
        url = "amqp://{}:{}@127.0.0.1:%d/shop%%2Feu" % broker.amqp
        boss = {"username": ADMINISTRATOR_OF_RABBITMQ, "password": broker.password}
        admin = {"kind": "external", "server": {"address": f"127.0.0.1:{broker.port}"}}
        with stored(lab, {place: {"url": url.format("jobs_a", "canary")}, f"{place}-admin": boss}):
            yield {
                "jobs": {
                    "kind": "rabbitmq_user",
                    "admin": "jobs_admin",
                    "options": {"user": "jobs", "amqp": f"127.0.0.1:{broker.amqp}"},
                    "appears_in": [{"secret": place, "key": "url"}],
                },
                "jobs_admin": {
                    **admin,
                    "appears_in": [{"secret": f"{place}-admin", "keys": ["username", "password"]}],
                },
            }
            stored_url = lab.content(place.format(environment="production"))["url"]
            password = str(urlsplit(stored_url).password)
            assert stored_url == url.format("jobs_b", password)
            assert accepts(broker, "jobs_b", password)
            assert not accepts(broker, "jobs_a", "canary")


@contextmanager
def decoys_with(lab: RotationLab) -> Iterator[dict[str, Any]]:
    """Honeytokens of both servers, which no server has yet. Neither a rotation nor verify uses one."""
    place = "watchparty/{environment}/decoys"
    urls = {"metrics": lab.postgres.url("metrics", "canary", "metrics"), "spare": lab.valkey.url(0, user="spare")}
    kinds = {
        "metrics": ("postgresql_honeytoken", "database_admin"),
        "spare": ("valkey_honeytoken", "cache_admin"),
    }
    with stored(lab, {place: urls}):
        yield {
            user: {
                "kind": kind,
                "admin": admin,
                "options": {"user": user},
                "appears_in": [{"secret": place, "keys": [user]}],
            }
            for user, (kind, admin) in kinds.items()
        }
    lab.postgres.execute("DROP DATABASE metrics")
    lab.postgres.execute("DROP ROLE metrics")


def look_for_uses(lab: RotationLab) -> Run:
    arguments = ("-e", "verify_only=honeytoken-logins", "-e", f"rotation_host={lab.hosts[0].name}")
    return lab.run(*arguments, "-e", f"rotation_python={sys.executable}", playbook="playbooks/verify.yml")


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
    fourth is a user of MariaDB, the fifth one of RabbitMQ, where they are installed."""
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
        jobs_with(lab) as jobs,
        decoys_with(lab) as decoys,
        lab.with_catalog(
            twitch=twitch, mail=mail, sentry=sentry_dsn(sentry), sentry_admin=boss, **reports, **jobs, **decoys
        ) as catalog,
    ):
        del catalog["settings"]["SENTRY_DSN"]["github"]
        given = lab.values_file(mail="issued-by-the-provider")
        names = ",".join(["twitch", "mail", "sentry", *decoys, *list(reports)[:1], *list(jobs)[:1]])
        arguments = ("-e", f"rotation_kinds_path={path}", "-e", given, "-e", f"rotation_credentials={names}")
        # The secrets of reports and jobs are new, so nothing of it is due.
        arguments += ("-e", f"rotation_python={sys.executable}", "-e", "rotation_force=true")
        run = lab.rotate(*arguments, "--check")
        sentences(run, f"mail is REFUSED: the new value is refused: {provider.url}/me answers HTTP 401")
        assert {(method, path) for method, path, _key in provider.asked} == {("GET", "/me")}
        assert notes.read_text().split() == ["check", "twitch", "False"]
        notes.unlink()
        provider.keys.add("issued-by-the-provider")
        run = lab.rotated(*arguments)
        # The provider alone can refuse the other one's.
        assert re.search(
            r'from promotion to revocation: \d+ s \((jobs, )?metrics, (reports, )?sentry, spare, twitch\)"', run.output
        )
        assert not reports or "user reports_a is locked at 127.0.0.1:" in run.text
        assert not jobs or "user jobs_a is deleted at 127.0.0.1:" in run.text
        (key,) = [key for key in sentry.keys.values() if "sentry-r-" in key["name"]]
        assert len(sentry.keys) == 2, "the old key is deleted, another stays"
        assert not [key for key in sentry.keys if key in run.output.replace(f"key {key}", "")], "the DSN is not shown"

        looked = look_for_uses(lab)
        assert looked.code == 0, looked.output
        with psycopg.connect(lab.content("watchparty/production/decoys")["metrics"]):
            pass
        lab.valkey.accepts("a-guess", "spare")
        looked = look_for_uses(lab)
        assert looked.code != 0, looked.output
        sentences(looked, "1 sessions in its database", "1 attempts to log in, last at")
        assert "leak_credentials=secret:watchparty/production/decoys" in looked.text

        left = "mail: revoke its old value at https://mail.example.com/keys; r-"
        asked = "Then run ansible-playbook watchparty.secrets.rotate -e rotation_revoked=mail"
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
        sentences(
            run,
            "twitch: cannot be asked for",
            "give it by the line NAME: 'VALUE' in -e rotation_values_file=FILE (mode 0600)",
        )
        assert lab.journal_state().rotation is not None
        code, seen = typed(lab, "playbooks/rotate.yml", {"New value of twitch": "given-again"}, *arguments)
        assert code == 0, seen
        for host in lab.hosts:
            assert host.values()["TWITCH_CLIENT_SECRET"] == "given-again"
    lab.assert_settled()
