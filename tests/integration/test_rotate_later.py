# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rotation leaves for later, and what comes before the first one."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.application import SOURCE, python
from sandbox.load import Manage
from sandbox.postgres import scram_verifier
from sandbox.process import wait_until
from tests.integration.harness import Run
from tests.integration.held import Held
from tests.integration.leak_lab import PASSWORD, USER
from tests.integration.rotation_lab import ALL, MASTER, OWNER, RotationLab, rotation_lab, sentences
from tests.integration.valkey_lab import dead, session

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


def due(lab: RotationLab) -> tuple[Run, dict[str, Any]]:
    path = lab.directory / "due.json"
    run = lab.run("-e", f"rotation_report_file={path}", playbook="playbooks/rotation_due.yml")
    return run, json.loads(path.read_text(encoding="utf-8"))


def time_passes(lab: RotationLab) -> None:
    """As if the pending tasks were due: their dates are the only thing in the journal that changes."""
    *before, last = lab.journal_state().lines
    entry = json.loads(last)
    assert entry["pending_tasks"]
    for pending_task in entry["pending_tasks"].values():
        pending_task["due"] = "2026-01-01T00:00:00Z"
    lab.write_journal(*before, json.dumps(entry))


class _Taken(BaseHTTPRequestHandler):
    """Whoever shows a cookie is logged in."""

    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Cookie"] else 403)
        self.end_headers()

    def log_message(self, *_arguments: Any) -> None:
        pass


@contextmanager
def old_sessions_are_taken() -> Iterator[str]:
    """The address of an application that still verifies by a previous key."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taken) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/account/"
        finally:
            server.shutdown()
            thread.join()


def test_what_is_due_later_is_done_by_the_next_run(lab: RotationLab) -> None:
    """A revocation two hours away and a previous key: the rotation ends, others may start, both are done later."""
    old = lab.ready()
    web1 = lab.hosts[0]
    Manage(python(), (web1.env_file,)).run("make_users", USER, text=PASSWORD)
    lab.host_vars["web1"].update(django_chdir=str(SOURCE), django_probe_url=f"http://127.0.0.1:{web1.port}/account/")
    later = {"revoke_after": 7200}
    with lab.with_catalog(database=later, cache=later, django_key={"fallback_seconds": 5}) as catalog:
        for name in ("database_admin", "cache_admin", "deploy_ssh"):
            catalog["credentials"][name].pop("max_age_days", None)
            catalog["credentials"][name]["max_age_days"] = 10**6
        idle = session(lab.valkey, old.cache[1])
        run = lab.rotated("-e", f"rotation_credentials={ALL}")
        new = lab.values()
        assert not dead(idle)
        later_on = session(lab.valkey, new.cache[1])
        lab.assert_closed()
        assert "from promotion to revocation" not in run.output
        lab.assert_consistent()
        lab.assert_hosts_run_on_it()
        assert lab.accepts(old) == lab.accepts(new) == {"database": True, "cache": True}
        assert new.fallbacks == old.django_key
        left = lab.journal_state().pending_tasks.values()
        acts = {pending_task.credential: pending_task.act for pending_task in left}
        (promoted,) = {pending_task.promoted for pending_task in left if pending_task.act == "revoke"}
        assert acts == {"database": "revoke", "cache": "revoke", "django_key": "drop_fallback"}

        # The previous key is due after its five seconds, the others are not.
        assert wait_until(lambda: any(pending_task["due"] for pending_task in due(lab)[1]["pending_tasks"]), seconds=60)
        run, result = due(lab)
        assert run.code != 0
        assert {pending_task["credential"] for pending_task in result["pending_tasks"] if pending_task["due"]} == {
            "django_key"
        }
        sentences(run, "to be finished: ", "/django_key")
        assert (
            "/database"
            not in run.text.partition("to be finished: ")[2].partition(
                "Run ansible-playbook watchparty.secrets.rotate"
            )[0]
        )
        with old_sessions_are_taken() as address:
            lab.host_vars["web2"].update(django_chdir=str(SOURCE), django_probe_url=address)
            run = lab.rotate("-e", "rotation_credentials=django_key")
            assert run.code != 0, run.output
            sentences(run, "django_key (django_secret_key) drops its previous key")
            sentences(
                run,
                f"a session that previous SECRET_KEY 1 signed is STILL ACCEPTED at {address}",
                "stopped at step revoke",
            )
        assert "django_key" in {pending_task.credential for pending_task in lab.journal_state().pending_tasks.values()}
        del lab.host_vars["web2"]["django_chdir"]
        run = lab.rotated("-e", "rotation_credentials=django_key")
        url = lab.host_vars["web1"]["django_probe_url"]
        sentences(
            run, f"web1: a session that previous SECRET_KEY 1 signed: refused at {url} (401)", "web2: NOT tried: "
        )
        assert old.django_key not in run.output
        assert lab.values().fallbacks == ""
        assert lab.values().django_key == new.django_key
        assert lab.accepts(old) == {"database": True, "cache": True}
        lab.assert_hosts_run_on_it()

        time_passes(lab)
        run = lab.rotated("-e", "rotation_credentials=database,cache")
        sentences(run, "database (postgresql_role) revokes its previous value", "cache (valkey_user) revokes")
        assert re.search(
            rf"from promotion to revocation: \d+ s \((cache, database|database, cache); promoted at {promoted} by",
            run.text,
        )
        assert lab.journal_state().pending_tasks == {}
        assert lab.values().database == new.database
        assert (dead(idle), dead(later_on)) == (True, False)
        lab.assert_settled(old)


def test_what_the_catalog_has_lost_is_forgotten(lab: RotationLab) -> None:
    """It is due for ever, since no run can carry it out, until somebody says that it is to be forgotten."""
    lab.ready()
    pending = {
        "credential": "old_mail",
        "act": "revoke",
        "due": "2026-01-01T00:00:00Z",
        "rotation": "note",
        "secrets": {},
    }
    lab.append(rotation="note", pending_tasks={"note/old_mail": pending})
    run, _found = due(lab)
    assert run.code != 0
    message = (
        "old_mail: the catalog no longer has this credential, and its previous value is still "
        "valid; restore the entry, or remove"
    )
    sentences(run, message, "watchparty.secrets.rotation_forget -e rotation_forget=old_mail")

    forget = ("-e", "rotation_forget=old_mail")
    assert lab.run(*forget, "--check", playbook="playbooks/rotation_forget.yml").code == 0
    assert "note/old_mail" in lab.journal_state().pending_tasks
    run = lab.run(*forget, playbook="playbooks/rotation_forget.yml")
    assert run.code == 0, run.output
    sentences(run, "note/old_mail (revoke, due 2026-01-01T00:00:00Z) is forgotten")
    journal, record = lab.journal_state(), lab.audit_records()[-1]
    assert "note/old_mail" not in journal.pending_tasks
    assert (record["outcome"], record["pending_tasks"]) == ("forgotten", ["note/old_mail"])
    assert journal.audit["number"] == record["number"]
    run = lab.run(*forget, playbook="playbooks/rotation_forget.yml")
    assert run.code != 0
    sentences(run, "old_mail: no such pending task")


def test_a_credential_that_was_rotated_elsewhere(lab: RotationLab) -> None:
    lab.ready()
    given = ("-e", "rotation_elsewhere=database_admin", "-e", "rotation_elsewhere_reason='by the provider'")
    run = lab.run(*given, "-e", "rotation_elsewhere_at=2024-11-01", playbook="playbooks/rotation_elsewhere.yml")
    assert run.code == 0, run.output
    sentences(run, "database_admin: rotated elsewhere at 2024-11-01T00:00:00Z")
    record = lab.audit_records()[-1]
    assert (record["outcome"], record["reason"]) == ("rotated_elsewhere", "by the provider")
    assert lab.journal_state().rotated["database_admin"].at == "2024-11-01T00:00:00Z"
    run = lab.run(*given, "-e", "rotation_elsewhere_at=2126-11-01", playbook="playbooks/rotation_elsewhere.yml")
    assert run.code != 0
    sentences(run, "database_admin: 2126-11-01T00:00:00Z is in the future")


def test_hosts_are_healthy_after_the_wait(lab: RotationLab) -> None:
    """What becomes of a host while the old value waits to be removed is seen: nothing is removed."""
    old = lab.ready()
    web2 = lab.hosts[1]

    def somebody_writes() -> None:
        text = web2.env_file.read_text(encoding="utf-8")
        web2.env_file.write_text(f"{text}NOTE='by hand'\n", encoding="utf-8")

    with lab.with_catalog(cache={"revoke_after": 1}):
        arguments = ("-e", "rotation_credentials=cache", "-e", "rotation_force=true")
        held = Held(lab, {"rest": somebody_writes}, *arguments)
        run = held.run()
        assert held.messages == ["rest"]
        assert run.code != 0, run.output
        sentences(run, "nothing was revoked: hosts that may still use the value to revoke: web2")
        assert "from promotion to revocation" not in run.output
        assert lab.accepts(old)["cache"]
        lab.deploy("-e", "env_deploy_serial=100%")
        lab.rotated(*arguments)
        lab.assert_settled(old)


def one_login(lab: RotationLab) -> None:
    """The database as most have it: one login that owns everything, and that the application uses."""
    lab.renew()
    password = "only-for-this-test-0123456789"
    roles = f"{OWNER}_a, {OWNER}_b"
    lab.postgres.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename LIKE '{OWNER}%';\n"
        f"DROP OWNED BY {roles}; DROP ROLE {roles};\n"
        f"ALTER ROLE {OWNER} LOGIN PASSWORD '{scram_verifier(password)}';\n"
    )
    lab.postgres.let_administer(MASTER, OWNER)
    url = lab.postgres.url(OWNER, password, OWNER)
    lab.put(DATABASE_URL=url)
    lab.put("all-in-one-credentials", username=OWNER, password=password)
    path = "/WatchParty/production/DB/URL"
    lab.moto.client("ssm").put_parameter(Name=path, Type="SecureString", Value=url, Overwrite=True)
    lab.deploy("-e", "env_deploy_serial=100%")


def prepare(lab: RotationLab, *arguments: str) -> Run:
    run = lab.run("-e", "rotation_credentials=database", *arguments, playbook="playbooks/rotation_prepare.yml")
    assert run.code == 0, run.output
    return run


def test_an_owners_login_becomes_two(lab: RotationLab) -> None:
    """Refused until it is prepared; preparing is planned, repeatable and reversible, and nothing is down meanwhile."""
    one_login(lab)
    old = lab.values()
    run = lab.rotate("-e", "rotation_credentials=database")
    assert run.code != 0
    sentences(
        run,
        (
            f"its second login {OWNER}_a does not exist; run ansible-playbook watchparty.secrets.rotation_prepare "
            "-e rotation_credentials=database once"
        ),
    )
    before = lab.server_state()
    prepare(lab, "--check")
    assert lab.server_state() == before
    assert lab.entries() == []

    run = prepare(lab)
    assert run.result("web1")["changed"] > 0
    assert all(f'CREATE ROLE "{OWNER}_{letter}"' in run.text.replace("\\", "") for letter in "ab"), run.text
    assert lab.journal_state().prepared == {"database"}
    assert lab.logins() == [OWNER]
    prepared = lab.server_state()
    assert prepare(lab).result("web1")["changed"] == 0
    assert lab.server_state() == prepared
    assert all(host.healthy() for host in lab.hosts)

    prepare(lab, "-e", "rotation_unprepare=true")
    assert lab.journal_state().prepared == set()
    assert lab.server_state()["roles"] == before["roles"]
    run = lab.rotate("-e", "rotation_credentials=database")
    assert run.code != 0

    prepare(lab)
    lab.rotated("-e", "rotation_credentials=database")
    new = lab.values()
    assert new.database[0] == f"{OWNER}_a"
    lab.assert_settled(old)
    lab.rotated("-e", "rotation_credentials=database", "-e", "rotation_force=true")
    assert lab.values().database[0] == f"{OWNER}_b"
    lab.assert_settled(old, new)
