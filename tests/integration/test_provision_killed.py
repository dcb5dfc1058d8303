# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A provision that is killed right before any of its writes, or at any of its tasks, is completed by the next one."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.integration import harness
from tests.integration.canaries import Canaries, Watch, in_files, observers
from tests.integration.chaos import EVERY, Chaos, Controller, points, sweep
from tests.integration.counts import Record, tried
from tests.integration.harness import Lab
from tests.integration.values_lab import ANSWERS, PROVISION, Account

SPREAD = (
    "CreateSecret all-in-one#1",
    "CreateSecret shop/production/core#1",
    "PutParameter /shop/production/App/SECRET_KEY#1",
    "PutParameter /shop/production/DB/URL#1",
)
"""Nothing written; half of the credentials decided; a key without its copy; all but one copy."""
pytestmark = pytest.mark.slow


def killer(account: Account) -> Chaos:
    command = ("-e", f"provision_values_file={account.file()}")
    lab: Any = account.lab
    return Chaos(lab, Controller(lab, playbook=PROVISION, command=command))


def kept(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether everything that was written is there still, at the same version."""
    return all(after.get(name) == item for name, item in before.items())


def test_killed_again_and_again(lab: Lab, record_property: Record) -> None:
    """Each run is killed, and the next one goes on: every secret and parameter is made once, and none is changed."""
    account = Account(lab)
    lab.add_hosts()
    chaos = killer(account)
    before: dict[str, Any] = {}
    reached = []
    for at in SPREAD:
        if chaos.kill(at, alive=False) is not None:
            reached.append(at)
        result = account.state()
        assert kept(before, result), f"killed at {at}"
        before = result
    assert reached == list(SPREAD)
    account.provisioned()
    account.assert_complete()
    after = account.state()
    assert kept(before, after)
    assert_once(after)
    assert account.provisioned().result("web1")["changed"] == 0
    tried(record_property, "provision", reached)


@pytest.mark.long
@pytest.mark.skipif(not EVERY, reason="every point of a provision to kill it at: that takes minutes (make chaos)")
def test_the_same_command_ends_it(lab: Lab, record_property: Record) -> None:
    """From an empty account each time: killed before one act, whether it writes or not, then run again."""
    account = Account(lab)
    lab.add_hosts()
    chaos = killer(account)

    def attempt(at: str) -> object:
        emptied(account)
        act = chaos.kill(at, alive=False)
        before = account.state()
        account.provisioned()
        account.assert_complete()
        after = account.state()
        assert kept(before, after)
        assert_once(after)
        return act.label if act else "not reached"

    sweep(points(chaos.acts()), attempt, what="provision, then started again", record=record_property)


def emptied(account: Account) -> None:
    harness.reset(account.lab.moto)
    for environment in (harness.ENVIRONMENT, "staging"):
        account.make_key(environment)


def assert_once(state: dict[str, Any]) -> None:
    assert all(len(item[1]) == 1 for name, item in state.items() if not name.startswith("/")), "made more than once"
    assert all(item[1] == 1 for name, item in state.items() if name.startswith("/")), "written more than once"


def test_no_value_is_anywhere_but_in_the_stores(lab: Lab) -> None:
    """Given values while it runs, generated ones afterwards: in output, logs, dumps, caches and processes."""
    account = Account(lab)
    lab.add_hosts()
    canaries = Canaries()
    token = {name: canaries.value(name).split()[2] for name in ("API_TOKEN", "ADMIN")}
    values = {**ANSWERS, "API_TOKEN": token["API_TOKEN"], "admin": {"username": "root", "password": token["ADMIN"]}}
    private = Path(tempfile.mkdtemp(prefix="given-"))
    try:
        path = private / "values.yml"
        shutil.move(account.file(values), path)
        with Watch(canaries, [lab.directory / name for name in ("local-temp", "remote-temp", "tmp")]) as watch:
            run = lab.run(
                *("-vvvv", "--diff", "-e", f"provision_values_file={path}"),
                environment=observers(lab.directory),
                playbook=PROVISION,
            )
    finally:
        shutil.rmtree(private)
    assert run.code == 0, run.output[-3000:]
    (lab.directory / "output").write_text(run.output, encoding="utf-8")
    core = account.secret("shop/production/core")
    canaries.add("SECRET_KEY", core["SECRET_KEY"])
    canaries.add("CACHE", account.secret("shop/production/cache-token"))
    canaries.add("DATABASE", account.secret("all-in-one")["password"])
    assert core["API_TOKEN"] == token["API_TOKEN"]
    assert in_files([lab.directory, lab.moto.directory], canaries) == []
    assert watch.hits == set()
    assert watch.rounds > 5
    assert (lab.directory / "dump").stat().st_size > 5000
