# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts answered in the play before."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.hosts import Hosts

PROVEN = {"secret_rotate__proof": {"restart_needed": False, "changed": False, "addresses": ["192.0.2.1"]}}


def test_a_rollout_that_went_well() -> None:
    hosts = Hosts(["web1"], {"web1": {"env_deploy__file": {"proven_at": 5.0}, "env_deploy__recorded": {}}})
    assert (hosts.outcome, hosts.words, hosts.proven_at) == ("done", "", [5.0])


def test_a_host_that_is_not_well_takes_it_back() -> None:
    lost = {"env_deploy__failure": "gone", "env_deploy__lost": True}
    sick = {"env_deploy__failure": "Restart: no answer", "env_deploy__recovery": "the last proven file is back"}
    hosts = Hosts(["web1", "web2"], {"web1": lost, "web2": sick}, failed=True)
    assert hosts.outcome == "failed"
    assert hosts.words == "web1: gone. web2: Restart: no answer. web2: the last proven file is back."


def test_lost_hosts_are_no_fault_of_the_new_value() -> None:
    lost = {"env_deploy__failure": "gone", "env_deploy__lost": True}
    assert Hosts(["web1"], {"web1": lost}, failed=True).outcome == "lost"


def test_what_a_host_said_before_it_was_proven_is_forgotten() -> None:
    hosts = Hosts(["web1"], {"web1": {"env_deploy__failure": "gone", "env_deploy__file": {"proven": True}}})
    assert hosts.words == ""


def test_only_a_host_that_runs_on_what_is_prescribed_is_proven() -> None:
    every = {
        "web1": PROVEN,
        "web2": {"secret_rotate__proof": {"restart_needed": True, "changed": False}},
        "web3": {"secret_rotate__proof": {"restart_needed": False, "changed": True}},
        "web4": {"secret_rotate__proof": {"failed": True}},
        "web5": {},
    }
    hosts = Hosts([*every, "web6"], every)
    assert hosts.proven == ["web1"]
    assert hosts.addresses == ["192.0.2.1"]
    assert not hosts.awaited
    assert Hosts(["web1"], {"web1": {"secret_rotate__came_back": {}}}).awaited
