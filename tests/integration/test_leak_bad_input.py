# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What impact.yml tells, and what leak_response.yml says to bad input before anything is touched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.rotation_lab import RotationLab, rotation_lab, sentences

pytestmark = pytest.mark.slow
IMPACT, RESPONSE = "playbooks/impact.yml", "playbooks/leak_response.yml"


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, str]) -> Iterator[RotationLab]:
    with rotation_lab(connection, hosts=1) as made:
        made.ready()
        yield made


def found(tmp_path: Path, text: str) -> tuple[str, ...]:
    path = tmp_path / "found.txt"
    path.write_text(text, encoding="utf-8")
    return ("-e", f"leak_value_file={path}")


def test_a_string_is_named_and_not_shown(lab: RotationLab, tmp_path: Path) -> None:
    password = lab.values().database[1]
    run = lab.run(*found(tmp_path, f"psql: {password} was refused\n"), playbook=IMPACT)
    assert run.code == 0, run.output
    sentences(run, "database: its AWSCURRENT value, unchanged", "(postgresql_role, high): declared")
    assert password not in run.output
    run = lab.run(*found(tmp_path, "another-string"), playbook=IMPACT)
    assert run.code == 0, run.output
    sentences(run, "no credential in this catalog has the leaked string as its current, pending or previous value")


def test_a_string_on_the_command_line_is_refused_here_too(lab: RotationLab) -> None:
    run = lab.run("-e", "leak_value=canary", "-e", "leak_credentials=cache", playbook=IMPACT)
    assert run.code != 0, run.output
    sentences(run, "leak_value is refused: the leaked value is now in the shell's history", "-e leak_value_file=FILE")
    assert "(valkey_user" not in run.text


def test_what_a_leak_of_ones_own_kind_reaches(lab: RotationLab, tmp_path: Path) -> None:
    """As it is reported by leak_response.yml, which knows the kind by rotation_kinds_path."""
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "kind.yml").write_text("description: Mine.\nvalue: generated\n", encoding="utf-8")
    with lab.with_catalog(mail={"kind": "own", "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}]}):
        arguments = ("-e", "leak_credentials=mail", "-e", f"rotation_kinds_path={tmp_path}")
        run = lab.run(*arguments, playbook=IMPACT)
        assert run.code == 0, run.output
        sentences(run, "mail (own, ")
        wrong = lab.run(*arguments[:2], "-e", f"rotation_kinds_path={tmp_path / 'none'}", playbook=IMPACT)
    assert wrong.code != 0, wrong.output
    sentences(wrong, f"{tmp_path / 'none'} is not a folder")


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (("leak_credentials=chache",), ("chache: is not a credential of the catalog; it has ",)),
        (("leak_credentials=host:web9",), ("host:web9: the inventory has no such host",)),
        (("leak_value=canary",), ("leak_value is refused: the leaked value is now in the shell's history",)),
        (
            (),
            (
                "the leaked string: cannot be asked for",
                "name what leaked by -e leak_credentials=…, or write the leaked string into a",
            ),
        ),
        (
            ("leak_credentials=cache", "leak_exposed_since=9999-01-01", "leak_confirm=yes"),
            ("9999-01-01 lies in the future",),
        ),
        (
            ("leak_credentials=cache", "leak_confirm=yes", "leak_report_path=/dev/null/reports"),
            ("leak_report_path: /dev/null/reports: cannot be written: Not a directory", "Nothing was changed"),
        ),
        (
            ("leak_credentials=cache",),
            ("no confirmation can be asked for", "confirm on the command line: -e leak_confirm=yes"),
        ),
        (
            ("leak_credentials=cache", "leak_confirm=yes", "leak_compromised_hosts=web9"),
            ("leak_compromised_hosts: group app_hosts has no host web9; its hosts are web1.",),
        ),
        (
            ("leak_credentials=cache", "leak_confirm=yes", "leak_compromised_hosts=web1"),
            (
                "no host of this run matches app_hosts:!web1.",
                "let --limit and leak_compromised_hosts include one of its hosts",
            ),
        ),
        (
            ("leak_credentials=cache", "leak_confirm=y", "leak_drill=ture", "leak_sessions=y", "leak_wait_seconds=2m"),
            (
                "leak_drill: 'ture' is neither yes nor no; give true or false",
                "leak_sessions: 'y' is neither yes nor no",
                "leak_wait_seconds: '2m' is not a number of seconds; give a whole number without a unit",
                "leak_confirm: 'y' is not a confirmation; give yes",
                "Nothing was read",
            ),
        ),
        (
            (
                "leak_credentials=cache",
                "leak_confirm=yes",
                "leak_ignore_blockers=ja",
                "leak_false_alarm=treu",
                "leak_evidence_seconds=ten",
                "leak_readers_seconds=1m",
                "rotation_become=ture",
                "env_deploy_restart=fals",
            ),
            (
                "leak_ignore_blockers: 'ja'",
                "leak_false_alarm: 'treu'",
                "leak_evidence_seconds: 'ten'",
                "leak_readers_seconds: '1m'",
                "rotation_become: 'ture'",
                "env_deploy_restart: 'fals'",
            ),
        ),
    ],
    ids=[
        "credential",
        "host",
        "a value",
        "nothing",
        "a date to come",
        "no folder for the report",
        "no terminal",
        "no host",
        "no host left",
        "typos",
        "other typos",
    ],
)
def test_nothing_is_touched(lab: RotationLab, arguments: tuple[str, ...], messages: tuple[str, ...]) -> None:
    before = lab.everything()
    run = lab.run(*(part for argument in arguments for part in ("-e", argument)), playbook=RESPONSE)
    assert run.code != 0, run.output
    sentences(run, *messages)
    assert lab.everything() == before


@pytest.mark.parametrize("additions", [("--check",), ("-e", "leak_confirm=yes")], ids=["drill", "real"])
def test_hosts_that_a_limit_leaves_out(lab: RotationLab, tmp_path: Path, additions: tuple[str, ...]) -> None:
    """They would keep values that are dead, and applications that fail on them."""
    inventory = tmp_path / "more.yml"
    inventory.write_text("app_hosts: {hosts: {web2: {}, web3: {}}}\n", encoding="utf-8")
    before = lab.everything()
    arguments = (
        "--limit",
        "web1",
        "-i",
        str(inventory),
        "-e",
        "leak_compromised_hosts=web2",
        "-e",
        "leak_credentials=cache",
    )
    run = lab.run(*arguments, *additions, playbook=RESPONSE)
    assert run.code != 0, run.output
    sentences(run, "web3: in group app_hosts, but not in this run (--limit)", "-e leak_compromised_hosts=web2,web3")
    assert lab.everything() == before
    assert lab.journal_state().incident is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\n", "is empty; write the leaked string into it"),
        (
            "another-string\n",
            ("no credential in this catalog has the leaked string as its current, pending or previous value"),
        ),
    ],
)
def test_a_file_that_tells_nothing(lab: RotationLab, tmp_path: Path, text: str, message: str) -> None:
    before = lab.everything()
    run = lab.run(*found(tmp_path, text), "-e", "leak_confirm=yes", playbook=RESPONSE)
    assert run.code != 0, run.output
    sentences(run, message)
    assert lab.everything() == before


def test_a_drill_by_a_variable_touches_nothing(lab: RotationLab) -> None:
    """For those who cannot say --check, such as a rulebook. A kind of one's own is known as in rotate.yml."""
    before = lab.everything()
    folder = lab.directory / "kinds" / "mine"
    folder.mkdir(parents=True)
    (folder / "kind.yml").write_text("description: Mine.\nvalue: generated\n", encoding="utf-8")
    messages = ("leak_credentials=cache,mail", "leak_drill=true", f"rotation_kinds_path={folder.parent}")
    with lab.with_catalog(mail={"kind": "mine", "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}]}):
        run = lab.run(*(part for word in messages for part in ("-e", word)), playbook=RESPONSE)
    assert run.code == 0, run.output
    assert "kind mine does not exist" not in run.text
    sentences(
        run,
        "1. together: cache, mail",
        "what users notice: the application stays up, and its hosts restart batch by batch; all users are logged out",
        "point of no return: the old values of cache, mail are revoked, once every host is healthy",
        "to abort now: answer anything but yes",
        "security contact: ",
    )
    assert "a real run would stop here" not in run.text
    assert not re.search(r"leak-\d{8}T", run.text), "a name that no incident will ever have"
    assert lab.everything() == before
    assert lab.journal_state().incident is None


def test_a_false_alarm_is_closed_and_recorded(lab: RotationLab) -> None:
    """As it stands after a run that was killed once it had declared."""
    before = lab.values()
    incident = {"id": "leak-20261125T150000-0001", "at": "2026-11-25T15:00:00Z", "who": "ops", "declared": ["cache"]}
    lab.append(rotation=incident["id"], incident=incident)
    run = lab.run("-e", "leak_false_alarm=true", "-e", "leak_confirm=yes", playbook=RESPONSE)
    assert run.code == 0, run.output
    sentences(run, f"{incident['id']} of ops, declared at 2026-11-25T15:00:00Z: cache")
    assert lab.journal_state().incident is None
    assert [
        audit_record["outcome"] for audit_record in lab.audit_records() if audit_record["rotation"] == incident["id"]
    ] == ["false_alarm"]
    assert lab.values() == before
    again = lab.run("-e", "leak_false_alarm=true", "-e", "leak_confirm=yes", playbook=RESPONSE)
    assert again.code != 0, again.output
    sentences(again, "no leak is declared; there is nothing to close")


def test_what_reveals_others_blocks_beside_an_open_rotation_too(lab: RotationLab) -> None:
    """Of something else, whose run was killed as it began."""
    item = {"kind": lab.catalog["credentials"]["cache"]["kind"], "act": "rotate", "phases": 1}
    plan = {"credentials": {"cache": item}, "secrets": {}, "parameters": {}, "phases": 1, "refused": {}}
    lab.append(rotation="r-before", who="ops", step="plan", plan=plan)
    try:
        before = lab.everything()
        partner = {"kind": "external", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}], "exposes": ["database"]}
        with lab.with_catalog(partner=partner):
            run = lab.run("-e", "leak_credentials=partner", "-e", "leak_confirm=yes", playbook=RESPONSE)
            drill = lab.run("-e", "leak_credentials=partner", "--check", playbook=RESPONSE)
        assert drill.code == 0, drill.output
        sentences(
            drill,
            "a real run would stop here: partner reveals other credentials and cannot be replaced here",
            "Nothing was changed",
        )
        assert run.code != 0, run.output
        assert "a real run would stop here: partner" not in run.text
        sentences(
            run,
            "first, rotation r-before of ops",
            "the application stays up, and its hosts restart batch by batch",
            "point of no return: the old values of cache are revoked, once every host is healthy",
            "by hand: partner: issue a new value",
            (
                "partner reveals other credentials and cannot be replaced here, so an intruder would read every "
                "new value. Nothing was"
            ),
        )
        assert lab.everything() == before
    finally:
        lab.append(rotation="r-before", step="aborted")


def test_a_chain_is_as_long_as_the_catalog_makes_it(lab: RotationLab) -> None:
    names = ["TWITCH_CLIENT_ID", "TWITCH_CLIENT_SECRET", "EMAIL_HOST_PASSWORD", "SENTRY_DSN"]
    chain = {
        name.lower(): {"kind": "external", "appears_in": [{"setting": name}], "exposes": [following]}
        for name, following in zip(names, [*(name.lower() for name in names[1:]), "database"], strict=True)
    }
    before = lab.everything()
    with lab.with_catalog(**chain):
        drill = lab.run(
            "-e", "leak_credentials=twitch_client_id", "-e", "leak_ignore_blockers=true", "--check", playbook=RESPONSE
        )
    assert drill.code == 0, drill.output
    sentences(drill, "4. sentry_dsn", "5. database")
    assert "a real run would stop here" not in drill.text, "leak_ignore_blockers was said"
    assert lab.everything() == before
