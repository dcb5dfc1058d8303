# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Hosts that are lost in a leak response, and a rotation that was open when the leak was declared."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from sandbox.process import clean_environment, free_port, stop_saved, wait_until
from tests import background, state
from tests.integration.chaos import Chaos, Controller
from tests.integration.doors import forward, through
from tests.integration.harness import Run
from tests.integration.leak_lab import leak_lab, newest_post_mortem, post_mortem, respond
from tests.integration.rotation_lab import RotationLab, sentences

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection) as made:
        yield made


def waited(run: Run) -> bool:
    return re.search(r"TASK \[[^]]*Wait for the host\] \*+\n(ok|skipping)", run.output) is not None


def test_one_that_stays_away_is_skipped_and_named(lab: RotationLab) -> None:
    """It is waited for so long and no longer; what it holds is dead, and deploy.yml brings it back."""
    old = lab.ready()
    with lab.unreachable("web2"):
        run = respond(lab, "-e", "leak_credentials=cache", "-e", "leak_wait_seconds=4")
    assert run.code == 0, run.output
    message = (
        "web2 was skipped and holds revoked values. When it answers, run ansible-playbook watchparty.secrets.deploy"
    )
    assert f"- {message}" in post_mortem(lab)
    sentences(run, "old values are revoked now, although hosts were skipped: ")
    assert lab.accepts(old)["cache"] is False
    assert lab.hosts[1].values()["REDIS_URL"] != lab.content()["REDIS_URL"]
    lab.deploy()
    lab.assert_settled(old)


@pytest.mark.long
def test_one_with_a_forged_mark_is_skipped_and_named(lab: RotationLab) -> None:
    """A compromised host cannot keep the others from new values."""
    old = lab.ready()
    mark = state.mark(lab.hosts[1].env_file)
    kept = mark.read_text()
    mark.write_text(json.dumps({"accepted": {"journal": 999999999, "snapshot": "s", "digest": "d"}, "healthy": None}))
    run = respond(lab, "-e", "leak_credentials=cache", "-e", "leak_wait_seconds=4")
    assert run.code != 0, run.output
    sentences(run, "contained, but not healthy: web2: ", "already has the .env of a newer journal (number 999999999")
    assert "web2" in newest_post_mortem(lab)
    assert lab.accepts(old)["cache"] is False
    assert lab.hosts[0].values()["REDIS_URL"] == lab.content()["REDIS_URL"]
    assert lab.hosts[0].healthy()
    mark.write_text(kept)
    lab.deploy()
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code == 0, run.output
    post_mortem(lab)
    lab.assert_settled(old)


@pytest.mark.parametrize("leaked", ["cache", "django_key"])
def test_the_first_one_is_away(lab: RotationLab, leaked: str) -> None:
    """Another one is the rotation host, ends sessions and purges, and nobody has to name it."""
    old = lab.ready()
    with lab.unreachable("web1"):
        run = respond(lab, "-e", f"leak_credentials={leaked}", "-e", "leak_wait_seconds=2")
    sentences(run, "web1 does not answer, so web2 is the rotation host", "caches purged: ")
    text = newest_post_mortem(lab)
    assert "NOT purged" not in text
    assert "every host that was reached was healthy" in text
    if leaked == "cache":
        assert re.search(r"^- cache: \{", text, re.MULTILINE), "who is connected there was asked, too"
        assert lab.accepts(old)["cache"] is False
        assert run.code == 0, run.output
        sentences(run, "contained in ")
        assert "web1 was skipped and holds revoked values" in text
        lab.deploy()
    else:
        assert run.code != 0, run.output
        sentences(run, "NOT contained: django_key: the new key is in force, but web1 was skipped")
        run = respond(lab, "-e", "leak_credentials=django_key")
        assert run.code == 0, run.output
    post_mortem(lab)
    lab.assert_settled(old)


def test_a_signing_key_stays_open_where_a_host_was_skipped(lab: RotationLab) -> None:
    """Its services go on and verify with the leaked key; the same command gives it the new one and ends."""
    old = lab.ready()
    web2 = lab.hosts[1]
    with lab.unreachable("web2"):
        run = respond(lab, "-e", "leak_credentials=django_key", "-e", "leak_wait_seconds=2")
    assert run.code != 0, run.output
    sentences(
        run,
        "although hosts were skipped (except django_key: these hosts accept the old key until their next deploy): ",
        "NOT contained: django_key: the new key is in force, but web2 was skipped",
    )
    assert web2.healthy()
    assert web2.values()["SECRET_KEY"] == old.django_key
    text = newest_post_mortem(lab)
    assert "holds revoked values" not in text
    assert "the old value of django_key was rejected" not in text
    now = lab.values()
    run = respond(lab, "-e", "leak_credentials=django_key")
    assert run.code == 0, run.output
    sentences(run, "contained in ")
    assert lab.values() == now, "what was replaced since is not replaced again"
    assert lab.journal_state().incident is None
    assert "web2 is healthy on the new values" in post_mortem(lab)
    lab.assert_settled(old)


def test_the_host_that_the_purge_goes_by_is_lost(lab: RotationLab) -> None:
    """What failed is reported once, by its own reason, and what comes after it is done once."""
    lab.ready()
    lab.catalog["purge"]["cdn"] = {"distribution": "EDOESNOTEXIST"}
    try:
        with lab.unreachable("web1"):
            run = respond(
                lab, "-e", "leak_credentials=django_key", "-e", "leak_wait_seconds=2", "-e", "rotation_host=web1"
            )
    finally:
        del lab.catalog["purge"]["cdn"]
    assert run.code != 0, run.output
    text = newest_post_mortem(lab)
    message = "caches in Valkey were NOT purged: web1 cannot be reached; choose another by -e rotation_host=…"
    assert text.count(f"- {message}\n") == text.count("NOT purged") == 1
    assert text.count("CloudFront was NOT invalidated:") == 1
    assert text.count("sessions were not ended: cannot be reached") == 1
    run = respond(lab, "-e", "leak_credentials=django_key")
    assert run.code == 0, run.output
    post_mortem(lab)


def test_one_that_comes_back_in_time_is_deployed_to(lab: RotationLab) -> None:
    """Its port opens while it is waited for."""
    old = lab.ready()
    kept, port = lab.host_vars["web2"], free_port()
    lab.host_vars["web2"] = through(kept, port)

    def comes_back(over: threading.Event) -> None:
        """Once the promotion is done, which is after every rollout."""
        while not over.wait(0.5) and old.cache[1] in lab.content()["REDIS_URL"]:
            pass
        over.wait(6)
        with socket.create_server(("127.0.0.1", port)) as listener:
            forward(listener, int(kept["ansible_port"]), over)

    try:
        with background.running(comes_back):
            run = respond(lab, "-e", "leak_credentials=cache")
    finally:
        lab.host_vars["web2"] = kept
    assert run.code == 0, run.output
    assert waited(run), run.output
    assert "web2 was skipped" not in post_mortem(lab)
    lab.assert_settled(old)


def test_one_that_is_not_healthy_in_the_end(lab: RotationLab) -> None:
    """It falls over what was taken away; once it answers, the same command looks again and ends."""
    old = lab.ready()
    web2 = lab.hosts[1]

    def falls_over(over: threading.Event) -> None:
        while not over.wait(0.5):
            if not lab.accepts(old)["cache"]:
                stop_saved(web2.directory)
                return

    with background.running(falls_over):
        run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code != 0, run.output
    sentences(run, "healthy again: not yet", "contained, but not healthy: web2: http://")
    assert 0 < run.text.index("open: not healthy at the end: web2: ") < run.text.index("contained in ")
    assert lab.journal_state().incident is not None
    now = lab.values()
    subprocess.run([web2.restart_command], check=True, env=clean_environment())
    assert wait_until(web2.healthy, seconds=60)
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code == 0, run.output
    sentences(run, "contained in ")
    assert lab.values() == now, "what was replaced since is not replaced again"
    assert lab.journal_state().incident is None
    post_mortem(lab)
    lab.assert_settled(old)


def test_one_that_claims_to_be_unhealthy_has_no_veto(lab: RotationLab) -> None:
    """Whoever holds a host could keep the leaked password valid everywhere. The rollout begins with this one."""
    old = lab.ready()
    healthy = lab.host_vars["web1"].pop("env_deploy_health_url", None)
    with answering_500() as url:
        lab.host_vars["web1"].update(env_deploy_health_url=url, env_deploy_health_retries=1)
        run = respond(lab, "-e", "leak_credentials=cache")
    del lab.host_vars["web1"]["env_deploy_health_url"], lab.host_vars["web1"]["env_deploy_health_retries"]
    if healthy:
        lab.host_vars["web1"]["env_deploy_health_url"] = healthy
    assert run.code != 0, run.output
    sentences(run, "contained, but not healthy: web1: ")
    assert lab.accepts(old)["cache"] is False
    assert lab.hosts[1].values()["REDIS_URL"] == lab.content()["REDIS_URL"]
    assert lab.hosts[1].healthy()
    assert "web1 was skipped" in newest_post_mortem(lab)
    assert lab.journal_state().incident is not None
    run = respond(lab, "-e", "leak_credentials=cache")
    assert run.code == 0, run.output
    post_mortem(lab)
    lab.assert_settled(old)


@contextmanager
def answering_500() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(500)

        def log_message(self, *_words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/health/"
        server.shutdown()


def test_an_open_rotation_whose_new_values_may_have_leaked_is_rolled_back(lab: RotationLab) -> None:
    """What the leak reveals was being rotated; its new value is made anew."""
    old = lab.ready()
    assert Chaos(lab).kill("on the host: Deliver the .env and verify#1") is not None
    staged = lab.hosts[0].values()["REDIS_URL"]
    run = respond(lab, "-e", "leak_credentials=host:web2")
    assert run.code == 0, run.output
    sentences(run, "contained in ")
    assert lab.content()["REDIS_URL"] != staged
    assert staged not in str([host.values() for host in lab.hosts])
    lab.assert_settled(old)
    post_mortem(lab)


def test_an_open_rotation_that_is_past_its_promotion_is_ended_and_replaced(lab: RotationLab) -> None:
    """What it put in force is what leaked, and its previous value is not kept for an hour any more."""
    old = lab.ready()
    scheduled = Controller(lab, command=("-e", "rotation_credentials=cache", "-e", "rotation_force=true"))
    with lab.with_catalog(cache={"revoke_after": 3600}):
        assert Chaos(lab, scheduled).kill("rest#1") is not None
        promoted = lab.values()
        assert promoted.cache != old.cache
        response = respond(lab, "-e", "leak_credentials=cache")
    assert response.code == 0, response.output
    sentences(
        response,
        "the rotation replaces a leaked credential, so it is now part of the leak response: it revokes the old",
        "contained in ",
    )
    assert lab.values().cache != promoted.cache
    lab.assert_settled(old, promoted)
    post_mortem(lab)


def test_a_revocation_of_others_is_not_waited_for_long(lab: RotationLab) -> None:
    old = lab.ready()
    scheduled = Controller(lab, command=("-e", "rotation_credentials=cache", "-e", "rotation_force=true"))
    with lab.with_catalog(cache={"revoke_after": 3600}):
        assert Chaos(lab, scheduled).kill("rest#1") is not None
        promoted = lab.values()
        response = respond(lab, "-e", "leak_credentials=database", "-e", "leak_wait_seconds=3")
    assert response.code == 0, response.output
    assert lab.values().cache == promoted.cache
    lab.assert_settled(old)
    post_mortem(lab)


def test_what_an_earlier_rotation_left_valid_for_hours_goes_too(lab: RotationLab) -> None:
    """The previous value may be the one that was found; it is refused before the leak is said to be contained."""
    first = lab.ready()
    with lab.with_catalog(cache={"revoke_after": 7200}):
        lab.rotated("-e", "rotation_credentials=cache", "-e", "rotation_force=true")
        second = lab.values()
        assert lab.accepts(first)["cache"]
        response = respond(lab, "-e", "leak_credentials=cache")
    assert response.code == 0, response.output
    sentences(response, "also revokes the value that r-", "contained in ")
    assert lab.journal_state().pending_tasks == {}
    lab.assert_settled(first, second)
    previous = "the previous values of cache, still valid after earlier rotations, were rejected"
    assert previous in post_mortem(lab)
