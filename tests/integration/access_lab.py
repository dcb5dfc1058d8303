# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The role aws_access on an empty account of moto's."""

from __future__ import annotations

import json
from typing import Any

from tests.integration import harness
from tests.integration.harness import ENVIRONMENT, Lab, Run

OPERATOR = "arn:aws:iam::123456789012:role/Operators"
READS = ("Get", "List", "Describe")


def access_catalog(**over: Any) -> dict[str, Any]:
    """The small application's, deployed by a repository and run by an operator."""
    extra = {"github": {"repository": "example/shop"}, "aws": {"operators": [OPERATOR], "owner": "ops@example.com"}}
    result = harness.catalog(**{**extra, **over})
    result["environments"][ENVIRONMENT] |= {"region": "eu-west-3"}
    result["environments"]["staging"] = {"region": "eu-west-3"}
    return result


def prepare(lab: Lab, **over: Any) -> None:
    lab.catalog = access_catalog(**over)
    lab.add_hosts(2)
    for host in lab.hosts:
        lab.host_vars[host.name] = {"ansible_connection": "local", "app_environment": ENVIRONMENT}


def role(lab: Lab, *arguments: str, tasks: str = "main.yml", after: list[dict[str, Any]] | None = None) -> Run:
    """A play of the role on the application's hosts, and tasks after it."""
    imported = {"name": "watchparty.secrets.aws_access", "tasks_from": tasks}
    play = {
        "hosts": "app_hosts",
        "gather_facts": False,
        "tasks": [{"ansible.builtin.import_role": imported}, *(after or [])],
    }
    playbook = lab.directory / "access.json"
    playbook.write_text(json.dumps([play]))
    places = {"ANSIBLE_COLLECTIONS_PATH": str(lab.root / "playbooks" / "collections")}
    return lab.run(*arguments, playbook=playbook, environment=places)


def writes(run: Run) -> list[str]:
    return [operation for operation in run.operations if not operation.startswith(READS)]


def tags_of(results: list[dict[str, str]], name: str = "Key", value: str = "Value") -> dict[str, str]:
    return {entry[name]: entry[value] for entry in results}
