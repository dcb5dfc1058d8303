# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a third party issues comes last in a leak response: asked for at a terminal, or open and listed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from sandbox.hosts._inventory import THIRD_PARTIES
from tests.integration.chaos import Chaos, Controller
from tests.integration.leak_lab import RESPONSE, leak_lab, post_mortem, respond
from tests.integration.rotation_lab import EXAMPLE, RotationLab, sentences
from tests.integration.terminal import typed

pytestmark = pytest.mark.slow
NEW = "canary-of-a-provider-0123456789"
PAGE = "https://provider.example/keys"
TWITCH = {
    "kind": "external",
    "provider_url": PAGE,
    "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}],
}


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as made:
        for host_var in made.host_vars.values():
            host_var.update(leak_sessions=False)
        yield made


def at_a_terminal(
    lab: RotationLab, answers: Mapping[str, str | bytes], *messages: str, check: bool = False
) -> tuple[int, str]:
    """A leak response at a terminal, where somebody answers each question once; its exit code and what is seen."""
    messages = ("leak_confirm=yes", f"leak_report_path={lab.directory / 'post-mortems'}", *messages)
    additions = (*["--check"] * check, *(part for word in messages for part in ("-e", word)))
    return typed(lab, RESPONSE, answers, *additions)


def test_a_drill_of_the_worked_example_names_every_third_party_of_a_host(lab: RotationLab) -> None:
    """Whoever has a host's .env has their values, too; they are left out of the other tests' catalog."""
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["secrets_catalog"]["credentials"]
    with lab.with_catalog(**{name: example[name] for name in THIRD_PARTIES}):
        lab.ready()
        run = respond(lab, "-e", "leak_credentials=host:web1", "--check")
    assert run.code == 0, run.output
    for name in THIRD_PARTIES:
        page = example[name].get("provider_url")
        sentences(run, f"by hand: {name}: issue a new value" + (f" at {page}" if page else ""))


def test_without_a_terminal_it_stays_open_and_is_listed(lab: RotationLab) -> None:
    """All that is automatic is done; once the operator says that it is revoked, the incident ends.

    Sessions are to live on here (leak_sessions=false), those that the catalog knows in Valkey, too.
    """
    lab.catalog["purge"]["sessions"] = {"setting": "REDIS_URL", "keys": [":1:session:*"]}
    for key in (":1:session:of-somebody", ":1:page"):
        lab.valkey.execute("SET", key, "x")
    with lab.with_catalog(twitch=TWITCH):
        old = lab.ready()
        run = respond(lab, "-e", "leak_credentials=cache,twitch")
        assert [lab.valkey.execute("EXISTS", key) for key in (":1:session:of-somebody", ":1:page")] == [1, 0]
        del lab.catalog["purge"]["sessions"]
        assert run.code != 0, run.output
        sentences(run, f"NOT contained: twitch: not replaced; revoke it at {PAGE}")
        assert not lab.accepts(old)["cache"]
        assert "replaced, the old value is rejected" in post_mortem(lab)
        run = respond(lab, "-e", "leak_credentials=cache,twitch", "-e", "leak_revoked=twitch")
        assert run.code == 0, run.output
        sentences(
            run,
            "caches are purged; this run revokes no value",
            "it can no longer be closed as a false alarm",
        )
        assert "leak_false_alarm=true" not in run.text
        assert "confirm it by -e leak_revoked=twitch" not in run.text
        text = post_mortem(lab)
        assert "revoked, as the operator confirmed; the new value is NOT in force" in text
        assert lab.journal_state().incident is None


def test_a_word_alone_is_reported_as_one(lab: RotationLab) -> None:
    """Nothing was replaced and nothing tried: the leak is contained, and the application waits for a new value."""
    with lab.with_catalog(twitch=TWITCH):
        lab.ready()
        run = respond(lab, "-e", "leak_credentials=twitch", "-e", "leak_revoked=twitch")
        assert run.code == 0, run.output
        sentences(
            run,
            "open: twitch: the old value is revoked, but this response has put no new value in force. Unless you",
        )
        assert re.search(r"last old value confirmed as revoked: \d+ s", run.text), run.output
        assert "last old value rejected" not in run.text, "nothing was tested"
        message = r"contained in \d+ s, revocation of twitch confirmed by the operator, not tested"
        assert re.search(message, run.text), run.output
        assert lab.journal_state().incident is None
        assert ", revocation of twitch confirmed by the operator, not tested**, graceful." in post_mortem(lab)
        remedy = ("-e", "rotation_credentials=twitch", "-e", "rotation_force=true")
        lab.rotated(*remedy, "-e", lab.values_file(twitch=f"{NEW}-given"))
        assert lab.hosts[0].values()["TWITCH_CLIENT_SECRET"] == f"{NEW}-given"
        sentences(
            lab.rotated("-e", "rotation_revoked=twitch"),
            "twitch: the operator confirms that the value replaced by r-",
        )


def test_at_a_terminal_it_is_asked_for_last(lab: RotationLab) -> None:
    with lab.with_catalog(twitch=TWITCH):
        old = lab.ready()
        code, seen = at_a_terminal(lab, {"New value of twitch": NEW}, "leak_credentials=cache,twitch")
        assert code != 0, seen
        asked = seen.index(f"New value of twitch (from {PAGE})")
        for before in ("revoke cache", "purge caches in Valkey"):
            assert seen.index(before) < asked, before
        assert asked < seen.index(" Search for copies and check each host's health]")
        assert NEW not in seen
        assert f"revoke the old value at {PAGE}, then run again with -e leak_revoked=twitch" in seen
        assert lab.hosts[0].values()["TWITCH_CLIENT_SECRET"] == NEW
        lab.assert_settled(old)
        assert NEW not in post_mortem(lab)
        assert [pending_task.act for pending_task in lab.journal_state().pending_tasks.values()] == ["confirm"]
        sentences(
            lab.rotated("-e", "rotation_revoked=twitch"),
            "twitch: the operator confirms that the value replaced by r-",
        )
        run = respond(lab, "-e", "leak_credentials=cache,twitch")
        assert run.code == 0, run.output
        assert "revoked, as the operator confirmed; the new value is in force" in post_mortem(lab)
        assert lab.journal_state().pending_tasks == {}


def test_all_lines_of_a_paste_are_looked_through(lab: RotationLab) -> None:
    """What was found stands in the last one."""
    lab.ready()
    url = lab.content()["REDIS_URL"]
    paste = f"12:00:01 the cache does not answer\r12:00:02 it was {url}\r".encode()
    code, seen = at_a_terminal(lab, {"Paste the leaked string": paste}, check=True)
    assert code == 0, seen
    assert "found: cache: its AWSCURRENT value, " in seen
    assert url not in seen


def test_several_lines_are_no_value_and_it_stays_open(lab: RotationLab) -> None:
    new = "canary-of-several-lines"
    with lab.with_catalog(twitch=TWITCH):
        lab.ready()
        answers = {"New value of twitch": f"{new}-1\r{new}-2\r".encode(), "Answer again": ""}
        code, seen = at_a_terminal(lab, answers, "leak_credentials=twitch")
        assert code != 0, seen
        assert "twitch: the answer had several lines, and all of them were discarded; " in seen
        assert "Answer again; Enter leaves it out" in seen
        assert f"NOT contained: twitch: not replaced; revoke it at {PAGE}" in seen
        assert new not in seen
        assert new not in lab.hosts[0].values()["TWITCH_CLIENT_SECRET"]
        assert new not in post_mortem(lab)
        run = respond(lab, "-e", "leak_credentials=twitch", "-e", "leak_revoked=twitch")
        assert run.code == 0, run.output
        post_mortem(lab)


@pytest.mark.long
def test_it_is_asked_for_beside_an_open_rotation_too(lab: RotationLab) -> None:
    """That one is ended first, and what goes by itself after it."""
    new = f"{NEW}-beside"
    with lab.with_catalog(twitch=TWITCH):
        old = lab.ready()
        scheduled = Controller(lab, command=("-e", "rotation_credentials=database", "-e", "rotation_force=true"))
        assert Chaos(lab, scheduled).kill("on the host: Deliver the .env and verify#1") is not None
        code, seen = at_a_terminal(lab, {"New value of twitch": new}, "leak_credentials=cache,twitch")
        assert code != 0, seen
        assert seen.index("revoke cache") < seen.index(f"New value of twitch (from {PAGE})")
        assert lab.hosts[0].values()["TWITCH_CLIENT_SECRET"] == new
        lab.assert_settled(old)
        sentences(
            lab.rotated("-e", "rotation_revoked=twitch"),
            "twitch: the operator confirms that the value replaced by r-",
        )
        run = respond(lab, "-e", "leak_credentials=cache,twitch")
        assert run.code == 0, run.output
        assert lab.journal_state().incident is None
        assert "revoked, as the operator confirmed; the new value is in force" in post_mortem(lab)


@pytest.mark.long
def test_a_host_that_came_back_ill_gets_what_was_answered(lab: RotationLab) -> None:
    """It was skipped, answers again, and gets the externally issued new value."""
    new = f"{NEW}-ill"
    with lab.with_catalog(twitch=TWITCH):
        while len(lab.hosts) < 2:
            lab.add_hosts(1, leak_sessions=False)
        old = lab.ready()
        message = "leak_credentials=django_key,twitch"
        with lab.unreachable("web2"):
            run = respond(lab, "-e", message, "-e", "leak_wait_seconds=2")
        assert run.code != 0, run.output
        web2, kept = lab.hosts[1], lab.host_vars["web2"]
        picky = web2.directory / "restart-if-answered"
        picky.write_text(f"#!/bin/sh\ngrep -q {new} {web2.env_file} || exit 1\nexec {web2.restart_command}\n")
        picky.chmod(0o755)
        lab.host_vars["web2"] = {**kept, "env_deploy_restart_command": str(picky)}
        code, seen = at_a_terminal(lab, {"New value of twitch": new}, message)
        lab.host_vars["web2"] = kept
        assert code != 0, seen  # its old value is for the provider to revoke
        assert "Restore the last healthy file" in seen.partition("purge caches in Valkey")[0]
        assert [host.values()["TWITCH_CLIENT_SECRET"] for host in lab.hosts] == [new, new]
        sentences(lab.rotated("-e", "rotation_revoked=twitch"), "the operator confirms that the value replaced by")
        run = respond(lab, "-e", message)
        assert run.code == 0, run.output
        assert lab.journal_state().incident is None
        assert "revoked, as the operator confirmed; the new value is in force" in post_mortem(lab)
        lab.assert_settled(old)


def test_sessions_that_cannot_be_ended_are_open_and_the_rest_is_done(lab: RotationLab) -> None:
    old = lab.ready()
    kept = lab.host_vars["web1"]
    lab.host_vars["web1"] = {**kept, "leak_sessions": True, "django_chdir": "/nowhere"}
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code != 0, run.output
    message = "sessions were not ended: /nowhere is not a directory; set django_chdir (option chdir) to the folder"
    sentences(run, f"NOT contained: web1: {message}")
    text = post_mortem(lab)
    assert f"- web1: {message}" in text
    assert "AWSPREVIOUS" in text.partition("## Scrubbed")[2]
    lab.host_vars["web1"] = {**kept, "leak_sessions": True}
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code == 0, run.output
    assert "a session that was ended: refused at" in post_mortem(lab)
    lab.assert_settled(old)
    lab.host_vars["web1"] = kept


def test_what_was_found_is_asked_for_at_a_terminal(lab: RotationLab) -> None:
    """By a drill, which touches nothing; the answer is not echoed."""
    lab.ready()
    redis_url = lab.content()["REDIS_URL"]
    code, seen = at_a_terminal(lab, {"Paste the leaked string ": redis_url}, check=True)
    assert code == 0, seen
    assert "found: cache: its AWSCURRENT value" in seen
    assert redis_url not in seen
