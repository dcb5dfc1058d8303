# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What was seen of a leak is in the journal once, with what shows it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import incident_notes
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak

HEALTH: dict[str, Any] = {
    "web1": {"health": [{"url": "http://a/", "status": 200}]},
    "web2": {"health": [{"url": "http://b/", "status": 200}, {"url": "http://c/", "status": 204}]},
    "web3": {"unreachable": True, "msg": "no route"},
}


def note(leak: Leak, *names: str, message: str = "") -> int:
    """The number of the last entry."""
    setting = leak.setting
    return incident_notes.note(setting, setting.rotator.look(), dict.fromkeys(names, message)).head


def note_health(leak: Leak, health: dict[str, Any]) -> int:
    setting = leak.setting
    return incident_notes.note_health(setting, setting.rotator.look(), health).head


def test_with_its_evidence(leak: Leak) -> None:
    note(leak, "purged", message="  12 keys\nin 3 ms " + "x" * 300)
    message = leak.incident.evidence["purged"]
    assert message.startswith("journal entry 2: 12 keys in 3 ms xxx")
    assert len(message) < 240


def test_what_was_seen_first_counts(leak: Leak) -> None:
    assert note(leak, "purged", message="first") == 2
    at = leak.incident.events["purged"]
    assert note(leak, "purged", message="again") == 2
    assert (leak.incident.events, leak.incident.evidence["purged"]) == ({"purged": at}, "journal entry 2: first")


def test_several_in_one_entry(leak: Leak) -> None:
    assert note(leak, "skipped/web1", "skipped/web2") == 2
    assert leak.incident.behind == ["web1", "web2"]


def test_a_host_is_skipped_and_comes_back(leak: Leak) -> None:
    assert note(leak, "verified/web3") == 1, "it was not away"
    for number, (event, behind) in enumerate(
        (("skipped/web3", ["web3"]), ("verified/web3", []), ("skipped/web3", ["web3"])), 2
    ):
        assert note(leak, event) == number
        assert note(leak, event) == number
        assert leak.incident.behind == behind


def test_healthy_only_if_every_host_is(leak: Leak) -> None:
    assert note_health(leak, HEALTH) == 1
    note(leak, "skipped/web3")
    assert note_health(leak, {**HEALTH, "web2": {"health": []}}) == 3
    message = "journal entry 3: web1: http://a/ answers 200; web2: no health address"
    assert leak.incident.evidence["healthy"] == message


def test_healthy_once_a_run(leak: Leak) -> None:
    """Each may have taken something away."""
    sound = {"web1": HEALTH["web1"]}
    assert (note_health(leak, sound), note_health(leak, sound)) == (2, 3)
    assert {"healthy", "healthy/2"} <= set(leak.incident.events)


def test_a_host_that_was_left_is_waited_for_again_once_it_is_back(leak: Leak) -> None:
    note(leak, "skipped/web3")
    assert note_health(leak, {"web3": HEALTH["web3"]}) == 2, "of no host anything is known"
    note(leak, "verified/web3")
    assert note_health(leak, {"web1": HEALTH["web1"], "web3": HEALTH["web3"]}) == 3


def test_without_an_incident() -> None:
    message = r"^no leak is declared; start the whole playbook: ansible-playbook watchparty.secrets.leak_response$"
    with pytest.raises(RotationError, match=message):
        note(Leak(), "purged")


def test_a_command_is_whole_or_not_there(leak: Leak) -> None:
    """Half a command may remove something else."""
    text = f"web1: /home/deploy/{'x' * 80} changed 2026-11-25T10:00:00Z and is run by cron: rm -- /"
    whole, cut = f"{text}{'x' * 3800}", f"{text}{'x' * 4096}"
    note(leak, "foothold/ssh/web1/1", message=whole)
    note(leak, "foothold/ssh/web1/2", message=cut)
    assert incident_notes.foothold(leak.incident, "foothold/ssh/web1/1") == f"ssh: {whole}"
    left_out = "is run by cron; the module host_evidence shows the command"
    assert incident_notes.foothold(leak.incident, "foothold/ssh/web1/2").endswith(left_out)


def test_an_attacker_who_chooses_names_cannot_fill_the_journal(leak: Leak) -> None:
    many = {f"foothold/ssh/web{number}/1": f"{'y' * 3900}: rm" for number in range(40)}
    journal = incident_notes.note(leak.setting, leak.setting.rotator.look(), many)
    assert sum(map(len, journal.lines)) < 100_000
    texts = [incident_notes.foothold(incident_notes.incident_of(journal), event) for event in many]
    assert texts[0].endswith(": rm")
    assert texts[-1].endswith("y...; the module host_evidence shows the command")
