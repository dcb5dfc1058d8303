# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What differs, by names and versions: two environments, two moments, a host."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import StoredVersion
from ansible_collections.watchparty.secrets.scripts.commands import points
from tests.unit.scripts.commands_lab import CANARY, Lab

CATALOG = {"application": "app", "settings": {"TOKEN": {"group": "core"}, "KEY": {"group": "core"}}}


@pytest.fixture
def two(lab: Lab) -> Lab:
    lab.inventory(CATALOG, web1="test", web2="other")
    lab.store(TOKEN="t", KEY="k")
    lab.store("other", TOKEN="t", KEY="different")
    return lab


class TestEnvironments:
    def test_states_and_no_value(self, two: Lab) -> None:
        ran = two.run("diff", "test", "other", "--json")
        assert ran.code == 1
        assert {row["setting"]: row["state"] for row in ran.answer["settings"]} == {
            "KEY": "different",
            "TOKEN": "equal",
        }
        assert CANARY not in ran.out + ran.err

    def test_text(self, two: Lab) -> None:
        two.store("other", TOKEN="t")
        ran = two.run("diff", "test", "other")
        assert ran.out.splitlines()[1].startswith("KEY      only in test")
        assert CANARY not in ran.out

    def test_equal_is_exit_code_0(self, two: Lab) -> None:
        assert two.run("diff", "test", "test").code == 0


class TestMoments:
    def test_an_earlier_version(self, two: Lab) -> None:
        later = (datetime.now(UTC) + timedelta(minutes=1)).isoformat()
        ran = two.run("diff", "test", "--at", later, "--json")
        assert [row["state"] for row in ran.answer["settings"]] == ["equal", "equal"]
        ran = two.run("diff", "test", "--at", "1d", "--json")
        assert [row["state"] for row in ran.answer["settings"]] == ["only_right", "only_right"]

    def test_a_version_that_was_never_current_is_passed_over(self, catalog: object) -> None:
        versions = [
            StoredVersion("old", "2026-11-01T00:00:00Z"),
            StoredVersion("now", "2026-11-02T00:00:00Z", ("AWSCURRENT",)),
            StoredVersion("staged", "2026-11-03T00:00:00Z", ("r-1",)),
        ]
        assert points._current_at(versions, "2026-11-01T12:00:00Z") == "old"
        assert points._current_at(versions, "2026-11-09T00:00:00Z") == "now"
        assert points._current_at(versions, "2026-10-01T00:00:00Z") == ""

    @pytest.mark.parametrize("wrong", ["yesterday", "2d3h", "-1d", "2026-13-01"])
    def test_wrong_moments(self, lab: Lab, wrong: str) -> None:
        ran = lab.run("diff", "test", f"--at={wrong}")
        assert ran.code == 2
        assert "is not a time" in ran.err


class TestUsage:
    @pytest.mark.parametrize(
        "argv",
        [(), ("other", "--at", "1d"), ("--at", "1d", "--at", "2d", "--at", "3d"), ("other", "--print")],
        ids=" ".join,
    )
    def test_one_comparison(self, two: Lab, argv: tuple[str, ...]) -> None:
        assert two.run("diff", "test", *argv).code == 2

    def test_a_host_is_compared_by_a_deploy_in_check_mode(self, two: Lab) -> None:
        ran = two.run("diff", "test", "--host", "web1", "--print")
        assert ran.out.endswith("/playbooks/deploy.yml -e app_environment=test --limit web1 --check --diff\n")
