# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replication slots, jobs and processes that outlive a leaked login of PostgreSQL are named without a baseline."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import MOST_NAMED
from sandbox.postgres import Postgres
from tests.hostile.test_leaked_postgresql import ITSELF, KEY, Leak, leak, revoked, server

__all__ = ["leak", "server"]
CRON = """CREATE SCHEMA cron;
CREATE TABLE cron.job (jobid bigint, username text, schedule text, database text, command text);
ALTER TABLE cron.job ALTER schedule SET DEFAULT '', ALTER database SET DEFAULT '', ALTER command SET DEFAULT '';
GRANT USAGE ON SCHEMA cron TO PUBLIC;
GRANT SELECT ON cron.job TO PUBLIC;
ALTER TABLE cron.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON cron.job USING (username = current_user);
SET allow_system_table_mods = on;
INSERT INTO pg_extension VALUES (99999, 'pg_cron', 10, 'cron'::regnamespace, true, '1');
INSERT INTO pg_depend VALUES ('pg_class'::regclass, 'cron.job'::regclass, 0, 'pg_extension'::regclass, 99999, 0, 'e');
INSERT INTO cron.job VALUES (7, '{a}'), (8, '{o}'), (9, 'crm')"""
"""As the extension makes it."""


@pytest.fixture
def slots(server: Postgres) -> Iterator[None]:
    """Drops those of the test: the server keeps ten."""
    yield
    server.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")


def administered(leak: Leak, url: str) -> None:
    args = leak.shop.args
    leak.shop.args = lambda login, **extra: {**args(login, **extra), "admin_url": url}


@pytest.mark.parametrize("replicates", [True, False])
@pytest.mark.usefixtures("slots")
def test_slots_are_named(replicates: bool, leak: Leak, server: Postgres) -> None:
    """One of the whole server only if the leaked login could make it; none of another database."""
    server.execute("SELECT pg_create_logical_replication_slot('elsewhere', 'pgoutput')")
    if replicates:
        server.execute(f"ALTER ROLE {leak.shop.first} REPLICATION; ALTER ROLE master REPLICATION")
    leak.shop.sql("SELECT pg_create_physical_replication_slot('evil')")
    leak.shop.sql("SELECT pg_create_logical_replication_slot('copy', 'pgoutput')")
    physical = "replication slot 'evil' keeps the server's changes: SELECT pg_drop_replication_slot('evil')"
    logical = "replication slot 'copy' keeps the database's changes: SELECT pg_drop_replication_slot('copy')"
    administered(leak, server.admin_url())
    assert revoked(leak)["footholds"] == [*([physical] if replicates else []), logical]


@pytest.mark.usefixtures("slots")
def test_slots_are_named_once_with_a_baseline(leak: Leak, server: Postgres) -> None:
    server.execute(f"ALTER ROLE {leak.shop.first} REPLICATION")
    leak.shop.sql("SELECT pg_create_physical_replication_slot('evil')")
    leak.shop.sql("SELECT pg_create_logical_replication_slot('copy', 'pgoutput')")
    leak.inventory = {"key": KEY, "own": {}}
    administered(leak, server.admin_url())
    result = revoked(leak)
    listed = {entry["name"] for entry in result["inventory"]["entries"] if entry["kind"] == "replication"}
    assert (result["footholds"], listed) == ([], {"slot evil", "slot copy"})


@pytest.mark.parametrize("baseline", [True, False])
def test_jobs_of_the_leaked_login_and_of_its_owner_are_named(baseline: bool, leak: Leak, server: Postgres) -> None:
    """Once: with a baseline, the comparison names them."""
    leak.shop.sql(CRON)
    leak.inventory = {"key": KEY, "own": {}} if baseline else None
    administered(leak, server.admin_url(leak.shop.owner))
    result = revoked(leak)
    named = [(7, leak.shop.first), (8, leak.shop.owner)]
    lines = [f'pg_cron runs job {job} as role "{role}": SELECT cron.unschedule({job})' for job, role in named]
    jobs = [line for line in result["footholds"] if "cron" in line and "cron.job:" not in line]
    assert jobs == ([] if baseline else lines)
    assert baseline is ("scheduled job" in str(result.get("inventory")))


def test_many_jobs_are_named_in_part(leak: Leak, server: Postgres) -> None:
    leak.shop.sql(CRON)
    leak.shop.sql("INSERT INTO cron.job SELECT n, '{o}' FROM generate_series(10, 999) n")
    administered(leak, server.admin_url(leak.shop.owner))
    jobs = [line for line in revoked(leak)["footholds"] if "pg_cron" in line]
    assert (len(jobs), jobs[-1]) == (MOST_NAMED + 1, "more jobs of pg_cron: SELECT * FROM cron.job")


@pytest.mark.parametrize("database", ["", "postgres"])
@pytest.mark.parametrize("baseline", [True, False])
def test_jobs_that_the_administrator_does_not_see_are_not_checked(baseline: bool, database: str, leak: Leak) -> None:
    """pg_cron hides other roles' jobs from it, or is in another database than it logs in to."""
    leak.shop.sql(CRON + "; GRANT CONNECT ON DATABASE {o} TO master")
    leak.inventory = {"key": KEY, "own": {}} if baseline else None
    administered(leak, leak.shop.server.admin_url_of("master", database or leak.shop.owner))
    result = revoked(leak)
    line = f"not checked: jobs of pg_cron in database {leak.shop.owner}. As a superuser there: SELECT * FROM cron.job"
    is_told = not (baseline and database)
    assert [text for text in result["footholds"] if "pg_cron" in text] == [line] * is_told
    assert "scheduled job" not in result.get("inventory", {}).get("kinds", ())


def test_a_table_that_only_looks_like_pg_crons_is_not_read(leak: Leak, server: Postgres) -> None:
    leak.as_leaked(
        "CREATE SCHEMA cron",
        "CREATE VIEW cron.job AS SELECT 1 AS jobid, '{o}' AS username, 1 / 0 AS schedule",
    )
    administered(leak, server.admin_url(leak.shop.owner))
    assert revoked(leak)["footholds"] == []


def test_a_process_of_the_owner_role_is_named(leak: Leak, server: Postgres) -> None:
    """A worker keeps the role that began it, whatever becomes of the login."""
    owner = leak.shop.owner
    server.execute(f"ALTER ROLE {owner} LOGIN REPLICATION PASSWORD 'evil'")
    with psycopg.connect(
        leak.shop.url(owner, "evil"), replication="database", autocommit=True, cursor_factory=psycopg.ClientCursor
    ) as session:
        server.execute(f"ALTER ROLE {owner} NOLOGIN")
        pid = session.info.backend_pid
        line = f'process {pid} on the server runs as role "{owner}": SELECT pg_terminate_backend({pid})'
        administered(leak, server.admin_url())
        assert revoked(leak)["footholds"] == [line]


@pytest.mark.parametrize("right", ["GRANT pg_write_server_files TO {o}", "ALTER ROLE {a} SUPERUSER"])
@pytest.mark.parametrize("baseline", [True, False])
def test_what_the_leaked_login_could_leave_on_the_database_host_is_not_checked(
    baseline: bool, right: str, leak: Leak, server: Postgres
) -> None:
    server.execute(leak._named(right))
    if "SUPERUSER" in right:
        leak.as_leaked(ITSELF, "CREATE TEMP TABLE t (x text)", "COPY t FROM PROGRAM 'echo foothold'")
    leak.inventory = {"key": KEY, "own": {}} if baseline else None
    administered(leak, server.admin_url())
    (line,) = (line for line in revoked(leak)["footholds"] if "on the database host" in line)
    assert line.startswith(f'not checked: files and processes on the database host. Role "{leak.shop.first}" could')
