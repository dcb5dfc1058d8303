# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.modules import rotation_start
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import run_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.run_outcome import RunOutcome
from ansible_collections.watchparty.secrets.scripts.commands import schemas

MODULES = Path(rotation_start.__file__).parent
RESULTS = schemas.DEFINITIONS["results"]["properties"]
COUNTS = {"ok": 3, "changed": 1, "failures": 0, "unreachable": 0}


def returned(module: str) -> set[str]:
    text = (MODULES / f"{module}.py").read_text(encoding="utf-8")
    return set(yaml.safe_load(text.partition('RETURN = r"""')[2].partition('"""')[0]))


def test_the_last_result_of_a_module_wins_and_other_keys_are_left_out() -> None:
    outcome = RunOutcome()
    outcome.keep("watchparty.secrets.rotation_start", "web1", {"id": "r1", "step": "staged", "waited": 2.0})
    outcome.keep("watchparty.secrets.rotation_continue", "web1", {"step": "closed", "closed": True})
    outcome.keep("ansible.builtin.command", "web1", {"stdout": "text"})
    assert outcome.results == {"rotation": {"id": "r1", "step": "closed", "closed": True}}


def test_a_deploy_has_a_result_for_each_host() -> None:
    outcome = RunOutcome()
    for host in ("web1", "web2"):
        outcome.keep("watchparty.secrets.env_file", host, {"healthy": host == "web1", "path": "/srv/.env"})
    assert outcome.results == {"deploy": {"web1": {"healthy": True}, "web2": {"healthy": False}}}


def test_states_of_hosts() -> None:
    outcome = RunOutcome(unreachable={"web4"})
    counts = {"web1": COUNTS, "web2": {**COUNTS, "changed": 0}, "web3": {**COUNTS, "failures": 1}, "web4": COUNTS}
    states = outcome.answer(counts)["hosts"]
    assert states == {"web1": "changed", "web2": "ok", "web3": "failed", "web4": "unreachable"}


def test_the_failed_items_of_a_loop() -> None:
    items = [{"failed": True, "msg": "one"}, {"msg": "fine"}, {"failed": True, "msg": "two\x1b[2J"}]
    outcome = RunOutcome()
    for item in run_outcome.failed_items({"failed": True, "msg": "one or more items failed", "results": items}):
        outcome.fail("web1", item)
    assert outcome.errors == [{"host": "web1", "message": "one"}, {"host": "web1", "message": "two[2J"}]


@pytest.mark.parametrize(("name", "keys"), list(run_outcome.REPORTED.values()))
def test_the_keys_are_documented(name: str, keys: tuple[str, ...]) -> None:
    modules = [module for module, part in run_outcome.REPORTED.items() if part == (name, keys)]
    assert set(keys) <= set().union(*map(returned, modules))
    assert any(module in RESULTS[name]["description"] for module in modules)


def test_of_a_deploy_too() -> None:
    assert set(run_outcome.DEPLOY) <= returned("env_file")
    assert RESULTS.keys() == {"deploy", *(name for name, _keys in run_outcome.REPORTED.values())}
