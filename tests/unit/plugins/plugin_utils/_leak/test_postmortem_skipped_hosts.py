# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What hosts that a leak response skipped leave open in the post-mortem."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.postmortem_data import facts_of
from tests.unit.plugins.plugin_utils._leak.postmortem_ground import DONE, IMPACT, NOW, incident, small_catalog

BEHIND = {
    "refused/admin": "2026-11-25T15:00:12Z",
    "skipped/web2": "2026-11-25T15:00:28Z",
    "renewed/cache": "2026-11-25T15:00:30Z",
}


@pytest.fixture(scope="module")
def made(catalog: Callable[..., Catalog]) -> Catalog:
    return small_catalog(catalog)


def test_a_signing_key_on_a_host_that_was_skipped_is_open(made: Catalog) -> None:
    """Nothing on a server revokes it; a rotation that came to its end says nothing of that host."""
    found = facts_of(made, incident(events=BEHIND), IMPACT, {"admin": DONE, "cache": DONE}, {}, NOW)
    (line,) = found["open"]
    words = "the new key is in force, but web2 was skipped, so services there may still accept the leaked key"
    assert line.startswith(f"cache: {words}. Stop these services")
    assert "Run the same command again once web2 answers. Or give it up" in line
    assert "-e leak_compromised_hosts=web2" in line
    assert (found["contained_seconds"], "refused" in found["clock"]) == (None, True)
    assert "holds revoked values" not in postmortem_markdown.markdown(found)


def test_it_is_refused_once_that_host_is_healthy_on_the_new_file(made: Catalog) -> None:
    events = {**BEHIND, "verified/web2": "2026-11-25T15:00:50Z"}
    found = facts_of(made, incident(events=events), IMPACT, {}, {}, NOW)
    assert (found["open"], found["contained_seconds"]) == ([], 50.0)
    assert found["credentials"][1]["state"] == "replaced, the old value is rejected"
    assert found["timeline"][-1]["what"] == "web2 is healthy on the new values"


@pytest.mark.parametrize(
    ("health", "still"),
    [
        ({"left_out": ["web2"]}, []),
        (
            {"hosts": {"web1": None}},
            ["web2 was skipped and is no longer in the inventory. Check that it is powered off"],
        ),
    ],
    ids=["compromised", "of no inventory"],
)
def test_a_host_that_is_given_up(made: Catalog, health: dict[str, Any], still: list[str]) -> None:
    found = facts_of(made, incident(events=BEHIND), IMPACT, {}, health, NOW)
    assert (found["open"], found["contained_seconds"]) == (still, 30.0)
    words = "replaced; the old value is rejected everywhere except on web2, which is given up"
    assert found["credentials"][1]["state"] == words
