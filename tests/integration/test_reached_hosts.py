# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What playbooks say of hosts and tags before they read anything: no store and no host is there."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import REPOSITORY, clean_environment
from tests.integration import prefork
from tests.integration.harness import Lab

COLLECTIONS = REPOSITORY / "playbooks" / "collections"
GROUPS: dict[str, Any] = {
    "app_hosts": {
        "hosts": {
            "staging1": {"app_environment": "staging"},
            "prod1": {"app_environment": "production"},
            "prod2": {"app_environment": "production"},
        }
    },
    "all": {"vars": {"secrets_catalog": {"credentials": {"database": {"kind": "postgresql_role"}}}}},
    "databases": {"hosts": {"db1": {"app_environment": "production"}}},
}
WORDS = {"leak_response": ("-e", "leak_credentials=cache"), "rotation_prepare": ("-e", "rotation_credentials=database")}
"""What a playbook cannot do without."""
PRODUCTION = ("-e", "app_hosts=app_hosts:!staging1")


def played(tmp_path: Path, playbook: str | Path, *arguments: str) -> tuple[int, str]:
    """The exit code, and the output in one line. A name is one of ours."""
    inventory = tmp_path / "inventory.json"
    inventory.write_text(json.dumps(GROUPS))
    chosen = ("-e", "app_environment=production", *WORDS.get(str(playbook), ()), *arguments)
    path = playbook if isinstance(playbook, Path) else f"playbooks/{playbook}.yml"
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), str(path), *chosen]
    home = str(tmp_path.parent)  # that of all tests, which one process that imported Ansible serves then
    places = {"HOME": home, "ANSIBLE_HOME": home, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)}
    code, output = prefork.play(command, REPOSITORY, clean_environment(**places, ANSIBLE_NOCOLOR="1", LC_ALL="C.UTF-8"))
    return code, " ".join(output.split())


@pytest.mark.parametrize("playbook", ["rotate", "leak_response", "rotation_prepare"])
def test_the_host_that_talks_to_servers_is_compared_too(tmp_path: Path, playbook: str) -> None:
    code, text = played(tmp_path, playbook, *PRODUCTION, "-e", "rotation_host=staging1")
    assert code != 0
    assert "Nothing was read: app_environment is production, but staging1 declares staging." in text
    assert "or name another one by -e rotation_host=…" in text


def test_it_is_one_of_the_run(tmp_path: Path) -> None:
    """The group's first is not in it, and of another environment: named, it would have stopped the run."""
    _code, text = played(tmp_path, "rotation_prepare", "--limit", "prod2", "-v")
    assert '"hosts": ["prod2"], "matching_hosts": ["prod1", "prod2"], "other_hosts": ["staging1"]' in text


def test_hosts_of_a_pattern_are_known_outside_the_run_too(tmp_path: Path) -> None:
    """They are waited for before an old value goes, as those of a group."""
    _code, text = played(tmp_path, "rotation_prepare", *PRODUCTION, "--limit", "prod2", "-v")
    assert '"hosts": ["prod2"], "matching_hosts": ["prod1", "prod2"], "other_hosts": []' in text


@pytest.mark.parametrize(
    ("playbook", "arguments", "pattern"),
    [
        ("rotate", ("-e", "rotation_skip_hosts=prod1,prod2,staging1"), "app_hosts:!prod1:!prod2:!staging1"),
        ("leak_response", ("-e", "app_hosts=web", "-e", "leak_compromised_hosts=prod1"), "web:!prod1"),
        ("leak_response", ("-e", "app_hosts=web", "-e", "leak_false_alarm=true"), "web"),
        ("deploy", ("--limit", "db1"), "app_hosts"),
        ("rotation_prepare", ("--limit", "db1"), "app_hosts"),
    ],
)
def test_a_run_without_a_host_fails(tmp_path: Path, playbook: str, arguments: tuple[str, ...], pattern: str) -> None:
    """Else a schedule would look well for ever."""
    code, text = played(tmp_path, playbook, *arguments)
    assert code != 0
    assert (
        f"Nothing was done: no host of this run matches {pattern}. Name the application's group by -e app_hosts" in text
    )


def test_what_is_to_be_prepared_has_to_be_named(tmp_path: Path) -> None:
    code, text = played(tmp_path, "rotation_prepare", "-e", '{"rotation_credentials": []}')
    assert code != 0
    assert (
        "Nothing was done: no credential is named. Give -e rotation_credentials=NAME; the catalog has database" in text
    )


@pytest.mark.parametrize("playbook", ["rotate", "leak_response", "deploy"])
def test_a_run_that_tags_would_cut_is_refused(tmp_path: Path, playbook: str) -> None:
    """By half it would hold the journal, or call itself well."""
    code, text = played(tmp_path, playbook, *PRODUCTION, "--tags", "revoke")
    assert code != 0
    assert "Nothing was read: --tags revoke skips parts of this run" in text


def test_a_plan_that_is_left_out_is_reported(tmp_path: Path) -> None:
    code, text = played(tmp_path, "rotate", "--limit", "prod1", "--skip-tags", "always")
    assert code != 0
    assert "Nothing was done" in text
    assert "without --skip-tags" in text


def test_a_verification_compares_hosts_of_a_pattern_too(tmp_path: Path) -> None:
    """Previous values are tried from one of them."""
    code, text = played(tmp_path, "verify", "-e", "app_hosts=app_hosts:!prod1")
    assert code != 0
    assert "Nothing was read: app_environment is production, but staging1 declares staging." in text


@pytest.mark.slow
def test_a_host_that_answers_is_not_called_absent(lab: Lab) -> None:
    """It is in the run and declares the environment, so it was listed twice."""
    lab.add_hosts(1)
    lab.seed()
    lab.catalog["credentials"] = {"signing": {"kind": "django_secret_key", "appears_in": [{"setting": "SECRET_KEY"}]}}
    run = lab.run(
        *(
            "--check",
            "-e",
            "leak_credentials=signing",
            "-e",
            "app_hosts=web1",
            "-e",
            f"leak_report_path={lab.directory}",
        ),
        playbook="playbooks/leak_response.yml",
    )
    assert run.code == 0, run.output
    assert "does not answer" not in run.output
