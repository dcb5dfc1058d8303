# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""leak_response.yml -e leak_containment=immediate: old values go first, and the outage is measured."""

from __future__ import annotations

import copy
import re
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from sandbox.process import clean_environment, wait_until
from tests.integration.chaos import Chaos
from tests.integration.leak_lab import leak_lab, newest_post_mortem, post_mortem, respond, responder
from tests.integration.rotation_lab import RotationLab, sentences

pytestmark = pytest.mark.slow
IMMEDIATE = ("-e", "leak_containment=immediate")


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection) as made:
        yield made


ACT = re.compile(r"^TASK \[(?:.* : )?(?P<task>.*)\]|^\d\d:\d\d:\d\d  (?P<step>\w+) ", re.MULTILINE)


def acts(output: str) -> list[str]:
    """The tasks that hosts were given and the steps of the rotations, in order."""
    return [match["task"] or match["step"] for match in ACT.finditer(output)]


def test_old_values_go_before_new_ones_are_deployed(lab: RotationLab) -> None:
    old = lab.ready()
    run = respond(lab, "-e", "leak_credentials=database,cache,django_key", "-e", "leak_containment=immediate")
    assert run.code == 0, run.output
    sentences(run, "containment: immediate", "contained in ", "the application was taken down at ", "down for at most ")
    order = acts(run.output)
    assert [name for name in order if name in ("block", "create")][:3] == ["block", "block", "create"], order
    first = [order.index(name) for name in ("Stop the services by command", "Deliver the .env and verify")]
    removed = [at for at, name in enumerate(order) if name == "revoke"]
    assert first[0] < removed[0] < removed[1] < first[1], order
    assert order.count("Deliver the .env and verify") == 1, "hosts are deployed to together"
    lab.assert_settled(old)
    assert lab.values().fallbacks == ""
    text = post_mortem(lab)
    assert "the leaked login of cache was blocked, before a new value was made" in text
    assert re.search(r"- the application was taken down at \d+ s and was down for at most \d+ s \(r-", text), text
    for host in lab.hosts:
        assert f"{host.name}: a session that previous SECRET_KEY 1 signed: refused at" in text
        assert f"{host.name}: a session that was ended: refused at" in text
    for values in (old, lab.values()):
        for value in (values.database[1], values.cache[1], values.django_key):
            assert value not in run.output + text


def test_a_graceful_one_becomes_immediate(lab: RotationLab) -> None:
    """Killed while it is deployed to, and declared again for less: all old values go before the rest of the hosts."""
    old = lab.ready()
    controller = responder(lab, "database,cache")
    assert Chaos(lab, controller).kill("on the host: Deliver the .env and verify#2") is not None
    assert lab.accepts(old) == {"database": True, "cache": True}
    run = respond(lab, "-e", "leak_credentials=cache", *IMMEDIATE)
    assert run.code == 0, run.output
    sentences(
        run,
        "containment: immediate from now on; leak-",
        "from now on it revokes the old values before it deploys the new values",
    )
    order = acts(run.output)
    assert order.index("revoke") < order.index("Deliver the .env and verify")
    lab.assert_settled(old)
    text = post_mortem(lab)
    assert ", immediate." in text
    assert "the application was taken down at" in text


def test_a_value_that_still_works_fails_the_run(lab: RotationLab) -> None:
    """One host's restart command restarts nothing: its process takes what the old key signed, and it stays open."""
    old = lab.ready()
    kept = copy.deepcopy(lab.host_vars)
    lab.host_vars["web2"]["env_deploy_restart_command"] = "true"
    run = respond(lab, "-e", "leak_credentials=django_key")
    lab.host_vars = kept
    assert run.code != 0, run.output
    sentences(run, "NOT contained: web2: a session that previous SECRET_KEY 1 signed is STILL ACCEPTED at ")
    assert "web1: a session that previous SECRET_KEY 1 signed: refused at" in newest_post_mortem(lab)
    assert "STILL ACCEPTED" in post_mortem(lab).partition("## Still open")[2]
    assert lab.journal_state().incident is not None
    for host in lab.hosts:
        subprocess.run([host.restart_command], check=True, env=clean_environment())
    assert wait_until(lambda: all(host.healthy() for host in lab.hosts), seconds=60)
    now = lab.values()
    run = respond(lab, "-e", "leak_credentials=django_key")
    assert run.code == 0, run.output
    assert lab.values() == now, "what was replaced since is not replaced again"
    assert "a session that previous SECRET_KEY 1 signed: refused at" in post_mortem(lab)
    lab.assert_settled(old)
