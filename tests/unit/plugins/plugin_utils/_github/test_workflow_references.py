# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._github import workflow_references

WORKFLOW = """\
env:
  A: ${{ secrets.DATABASE_URL }}
  B: ${{secrets['SSH_PRIVATE_KEY']}}
  C: ${{ SECRETS . server_host }} and ${{ vars.PLACE }}
# once it read secrets.OLD
"""


def test_names_are_found_however_they_are_written() -> None:
    readings = workflow_references.readings({"w.yml": WORKFLOW})
    assert readings == {
        "secrets.DATABASE_URL": ["w.yml:2"],
        "secrets.SSH_PRIVATE_KEY": ["w.yml:3"],
        "secrets.SERVER_HOST": ["w.yml:4"],
        "vars.PLACE": ["w.yml:4"],
        "secrets.OLD": ["w.yml:5"],
    }
    assert workflow_references.of(readings, "secrets.PLACE") == []
    assert workflow_references.of(readings, "vars.PLACE") == ["w.yml:4"]


@pytest.mark.parametrize(
    "line",
    [
        "x: ${{ toJSON(secrets) }}",
        "x: ${{ secrets[matrix.name] }}",
        "x: ${{ secrets[format('{0}_KEY', inputs.where)] }}",
        "x: ${{ join(secrets.*, ',') }}",
        "    secrets: inherit",
        "    secrets: 'inherit'",
    ],
)
def test_what_may_read_any_counts_for_each(line: str) -> None:
    readings = workflow_references.readings({"w.yml": line})
    assert workflow_references.of(readings, "secrets.KEY") == ["w.yml:1 may read any of the secrets"]
    assert workflow_references.of(readings, "vars.KEY") == []


@pytest.mark.parametrize("line", ["    secrets:", "x: my-secrets.KEY", "name: No secrets here", "inputs.secrets.KEY"])
def test_what_reads_none(line: str) -> None:
    assert workflow_references.readings({"w.yml": line}) == {}


def test_workflows_without_an_environment() -> None:
    texts = {"with": "jobs:\n  a:\n    environment: production\n", "without": "jobs:\n  a:\n    steps: []\n"}
    assert list(workflow_references.without_environment(texts)) == ["without"]
