# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""leak_response.yml end to end: what leaked is refused, and the post-mortem says so without a value."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.harness import Run
from tests.integration.rotation_lab import CORE, MASTER, RotationLab, rotation_lab, sentences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        for variables in made.host_vars.values():
            variables.update(django_session_engine="db")
        yield made


def respond(lab: RotationLab, *arguments: str) -> Run:
    more = ("-e", "confirm=yes", "-e", f"leak_report_path={lab.directory / 'post-mortems'}")
    return lab.run(*more, *arguments, playbook="playbooks/leak_response.yml")


def test_a_string_from_a_paste_is_contained(lab: RotationLab) -> None:
    old = lab.ready()
    found = lab.directory / "found.txt"
    url = lab.content()["REDIS_URL"]
    found.write_text(f"10:00:01 cannot reach {base64.b64encode(url.encode()).decode()}\n", encoding="utf-8")
    drill = respond(lab, "--check", "-e", f"leaked_value_file={found}")
    assert drill.code == 0, drill.output
    assert lab.values() == old
    assert lab.journal_state().incident is None

    run = respond(lab, "-e", f"leaked_value_file={found}")
    assert run.code == 0, run.output
    sentences(run, "cache: its AWSCURRENT value, base64", "contained in ")
    lab.assert_settled(old)
    assert lab.values().database == old.database
    assert lab.journal_state().incident is None
    policy = lab.moto.client("secretsmanager").get_resource_policy(SecretId=CORE)["ResourcePolicy"]
    assert "WatchpartyLeakedVersions" in policy
    pages = sorted((lab.directory / "post-mortems").iterdir())
    assert [page.suffix for page in pages] == [".html", ".md"]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert "cache" in text
        assert old.cache[1] not in text
        assert lab.values().cache[1] not in text


def test_a_signing_key_keeps_no_former_one(lab: RotationLab) -> None:
    old = lab.ready()
    run = respond(lab, "-e", "leaked=django_key")
    assert run.code == 0, run.output
    now = lab.values()
    assert now.django_key != old.django_key
    assert now.fallbacks == ""
    assert lab.journal_state().obligations == {}
    lab.assert_settled(old)


def test_what_a_server_refuses_stays_open(lab: RotationLab) -> None:
    """The rest of its wave is replaced, and the same command goes on once the server does what it is asked for."""
    old = lab.ready()
    lab.postgres.execute(f"ALTER ROLE {MASTER} NOCREATEROLE;")
    try:
        run = respond(lab, "-e", "leaked=database,cache")
    finally:
        lab.postgres.execute(f"ALTER ROLE {MASTER} CREATEROLE;")
    assert run.code != 0, run.output
    sentences(run, f"still open: database: OPEN: administrator {MASTER} lacks CREATEROLE. As a superuser: ALTER ROLE")
    now = lab.values()
    assert (now.database, lab.accepts(old)["cache"]) == (old.database, False)
    assert lab.journal_state().rotation is None
    assert lab.journal_state().incident is not None

    run = respond(lab, "-e", "leaked=database,cache")
    assert run.code == 0, run.output
    assert lab.values().cache == now.cache
    assert lab.journal_state().incident is None
    lab.assert_settled(old)
