# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rotate.yml says to bad input: the credential, the place and the remedy, and nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.integration.bad_rotations import MAIL, ROWS, Bad
from tests.integration.held import (
    a_user_without_a_password,
    master_may_not_create_roles,
    own_kind,
    owner_has_another_name,
    weak_administrator,
    wrong_password,
)
from tests.integration.rotation_lab import ALL, CORE, MASTER, OWNER, RotationLab, rotation_lab, sentences

READS = re.compile(r"(Get|BatchGet|List|Describe)[A-Z]")
Prepared = Callable[[RotationLab], AbstractContextManager[Any]]


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=1) as made:
        made.ready()
        yield made


@contextmanager
def spoiled(lab: RotationLab, bad: Bad) -> Iterator[list[str]]:
    """Inside, the stores and the catalog are as bad as that; the run's arguments."""
    kept = {name: lab.content(name) for name in (*bad.keys, *bad.text)}
    manager = lab.moto.client("secretsmanager")
    arguments = ["-e", f"rotation_credentials={bad.credential}", *bad.arguments]
    with lab.with_catalog(**bad.catalog) as catalog:
        for options in catalog["credentials"].values():
            for name in [name for name, value in options.items() if value is None]:
                del options[name]
        try:
            for name, keys in bad.keys.items():
                lab.put(name, **keys)
            for name, text in bad.text.items():
                manager.put_secret_value(SecretId=name, SecretString=text)
            if bad.given is not None:
                arguments += ["-e", lab.values_file(**bad.given)]
            yield arguments
        finally:
            for name, content in kept.items():
                manager.put_secret_value(SecretId=name, SecretString=json.dumps(content))


def refused(
    lab: RotationLab, arguments: list[str], *messages: str, never: tuple[str, ...] = (), environment: Any = None
) -> None:
    """The run fails by name, shows no value, and has written nothing anywhere."""
    before = lab.everything()
    run = lab.rotate(*arguments, environment=environment)
    assert run.code != 0, run.output
    sentences(run, *messages)
    assert not [name for name in ("canary", *never) if name in run.text]
    assert [operation for operation in run.operations if not READS.match(operation)] == []
    assert lab.entries() == []
    assert lab.everything() == before


@pytest.mark.parametrize("bad", ROWS.values(), ids=ROWS)
def test_bad_input(lab: RotationLab, bad: Bad) -> None:
    with spoiled(lab, bad) as arguments:
        refused(lab, arguments, *bad.messages, never=bad.never)


def test_a_file_of_values_that_others_can_read(lab: RotationLab) -> None:
    with lab.with_catalog(**MAIL):
        argument = lab.values_file(mail="canary-that-others-can-read")
        path = lab.directory / "new-values.yml"
        path.chmod(0o640)
        messages = ["-e", "rotation_credentials=mail", "-e", argument]
        refused(lab, messages, f"{path}: must be a regular file of yours with mode 0600")
        path.unlink()
        refused(lab, messages, f"{path}: cannot be read: No such file or directory")
        path.symlink_to("/dev/null")
        refused(lab, messages, f"{path}: must be a regular file of yours with mode 0600")
        path.unlink()
        path.touch(mode=0o600)
        path.write_text("canary: [no YAML", encoding="utf-8")
        refused(lab, messages, f"{path}: is not valid YAML; write one line for each credential, NAME: 'value'")


def test_a_kind_of_ones_own_that_is_wrong(lab: RotationLab) -> None:
    folder = lab.directory / "kinds" / "wrong"
    folder.mkdir(parents=True)
    (folder / "kind.yml").write_text("description: Wrong.\nvalue: dreamt\n", encoding="utf-8")
    messages = ["-e", "rotation_credentials=cache", "-e", f"rotation_kinds_path={folder.parent}"]
    refused(lab, messages, f"{folder}/kind.yml: value")
    (folder / "kind.yml").write_text("description: Right.\nvalue: generated\noptions: [page]\n", encoding="utf-8")
    with lab.with_catalog(mail={"kind": "wrong", "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}]}):
        messages = ["-e", "rotation_credentials=mail", "-e", f"rotation_kinds_path={folder.parent}"]
        refused(lab, messages, "mail: kind wrong needs options.page")


def test_aws_or_somebody_else_is_at_the_secret(lab: RotationLab) -> None:
    """A pending version that is not ours is named and left as it is."""
    manager = lab.moto.client("secretsmanager")
    text = json.dumps(lab.content())
    foreign = manager.put_secret_value(SecretId=CORE, SecretString=text, VersionStages=["AWSPENDING"])["VersionId"]
    refused(
        lab,
        ["-e", "rotation_credentials=cache"],
        f"cache: secret {CORE} has a pending version {foreign} of another writer; ",
    )
    assert lab.stages()["AWSPENDING"] == foreign
    manager.update_secret_version_stage(SecretId=CORE, VersionStage="AWSPENDING", RemoveFromVersionId=foreign)


def test_an_audit_log_that_could_not_be_written(lab: RotationLab) -> None:
    """Its place is the environment's own; it is looked at whatever the catalog says for all."""
    messages = ["-e", "rotation_credentials=cache", "-e", "rotation_force=true"]
    path, changelog = lab.directory / "audit.jsonl", lab.directory / "CHANGELOG.md"
    own = {"production": {**lab.catalog["environments"]["production"], "audit_log": {"log_group": "/not/there"}}}
    none = {"production": {**lab.catalog["environments"]["production"], "production": False}}
    kept = lab.catalog
    try:
        for environments, extra, message in (
            (own, (), "log group /not/there does not exist; create it by"),
            (
                none,
                (f"rotation_audit_path={path}",),
                f"{path}: this is GitHub Actions, and the file would be lost when the",
            ),
            (none, (f"rotation_changelog={changelog}",), f"{changelog}: its entries come from the audit log"),
        ):
            lab.catalog = {**kept, "environments": {**kept["environments"], **environments}}
            del lab.catalog["audit_log"]
            arguments = [*messages, *(part for name in extra for part in ("-e", name))]
            runner = {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(lab.directory)}
            refused(lab, arguments, message, environment=runner)
    finally:
        lab.catalog = kept
    assert not path.exists()
    assert not changelog.exists()


def test_a_host_of_another_environment(lab: RotationLab) -> None:
    kept = lab.host_vars["web1"]
    lab.host_vars["web1"] = {**kept, "app_environment": "staging"}
    try:
        refused(lab, ["-e", "rotation_credentials=cache"], "web1")
    finally:
        lab.host_vars["web1"] = kept


@dataclass(frozen=True)
class Refusing:
    """Two servers that will not do what is planned."""

    database: Prepared
    cache: Prepared
    messages: tuple[str, ...]
    arguments: tuple[str, ...] = ()


SERVERS = {
    "a role is not there, a right is missing": Refusing(
        owner_has_another_name,
        weak_administrator,
        (
            (
                f"database: role {OWNER} (owner) does not exist on the server; correct the catalog, or "
                "create the role. cache: "
            ),
            "the user of the administrator's URL lacks a right on the server; grant it (no permissions: User weak has ",
        ),
    ),
    "a right is missing, a user needs no password; in check mode": Refusing(
        master_may_not_create_roles,
        a_user_without_a_password,
        (
            f'administrator {MASTER} lacks CREATEROLE. Run as a superuser: ALTER ROLE "{MASTER}" CREATEROLE. ',
            "the user default needs no password (nopass)",
        ),
        ("--check", "--diff"),
    ),
}
BOTH = ("-e", "rotation_credentials=database,cache", "-e", "rotation_force=true")


@pytest.mark.parametrize("servers", SERVERS.values(), ids=SERVERS)
def test_the_server_says_no(lab: RotationLab, servers: Refusing) -> None:
    """Both are named with the remedy, before anything is written."""
    with servers.database(lab), servers.cache(lab):
        refused(lab, [*BOTH, *servers.arguments], "Refused, old values unchanged: ", *servers.messages)


def test_a_login_that_is_refused_and_checks_of_ones_own(lab: RotationLab) -> None:
    """What the executable prints may hold the value that it was given."""
    own_kind(lab, "mailbox", "cat >&2; echo 'no such mailbox' >&2; exit 1\n", "check")
    there = "value: generated\nruns_on: rotation_host"
    path = own_kind(lab, "hidden", """printf '{"message": "no %s"}' "$(tr -d '"')"; exit 3\n""", "check", kind=there)
    place = {"secret": "watchparty/{environment}/core"}
    mail = {"kind": "mailbox", "appears_in": [{**place, "key": "MAIL"}]}
    hidden = {"kind": "hidden", "appears_in": [{**place, "key": "HIDDEN"}]}
    messages = (
        f"database: the administrator's URL ({MASTER} to database postgres at 127.0.0.1, port ",
        "the server rejects the password",
        "mail: no such mailbox",
        "hidden: no {verb: check, credential: hidden,",
    )
    arguments = [
        "-e",
        "rotation_credentials=database,mail,hidden",
        "-e",
        "rotation_force=true",
        "-e",
        f"rotation_kinds_path={path}",
    ]
    kept = lab.content()
    try:
        lab.put(MAIL="canary-of-a-mailbox", HIDDEN="canary-of-something-else")
        with wrong_password(lab), lab.with_catalog(mail=mail, hidden=hidden):
            refused(lab, arguments, *messages)
    finally:
        lab.moto.client("secretsmanager").put_secret_value(SecretId=CORE, SecretString=json.dumps(kept))


def test_the_host_that_talks_to_the_servers_is_lost(lab: RotationLab) -> None:
    message = "web1 cannot be reached; choose another by -e rotation_host=…"
    with lab.unreachable("web1"):
        refused(lab, [*BOTH], f"database: {message}. cache: {message}")
        before = lab.everything()
        run = lab.rotate("--check", *BOTH)
        assert run.code == 0, run.output
        sentences(run, f"[WARNING]: no server was asked: {message}", "database (postgresql_role) rotates")
        assert (lab.entries(), lab.everything()) == ([], before)


def test_the_others_go_on(lab: RotationLab) -> None:
    """The plan refuses two credentials, a server another; the last rotates, and the exit code tells.

    The audit log takes what was said of them, though a remedy among it looks like a password in a URL.
    """
    old = lab.ready()
    lab.put(SENTRY_DSN="https://sentry.example.com/2")
    bad = ROWS["a key with another use"]
    sentry = {"kind": "valkey_user", "appears_in": [{"setting": "SENTRY_DSN"}]}
    with spoiled(lab, replace(bad, catalog={**bad.catalog, "sentry": sentry})), master_may_not_create_roles(lab):
        run = lab.rotate("-e", f"rotation_credentials={ALL},sentry", "-e", "rotation_force=true")
        assert run.code != 0
        sentences(
            run,
            *bad.messages,
            f"database: administrator {MASTER} lacks CREATEROLE",
            "is complete",
            "credentials: cache",
        )
        assert "Refused, old values unchanged: " in run.text
        sentences(run, "holds a URL without a user name and a password; write scheme://user:password@host/…")
    assert (lab.values().database, lab.values().django_key) == (old.database, old.django_key)
    assert lab.values().cache != old.cache
    assert not lab.accepts(old)["cache"]
    skipped = lab.audit_records()[0]["skipped"]
    assert set(skipped) == {"database", "django_key", "sentry"}
    assert "write scheme://…@host/…" in skipped["sentry"]
    lab.assert_settled()


def test_nothing_is_left_of_all_this(lab: RotationLab) -> None:
    assert set(ALL.split(",")) <= set(lab.catalog["credentials"])
    lab.assert_closed()
