# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of EventBridge with one target: a topic or a function."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart


@dataclass(frozen=True)
class EventRule:
    client: Any
    name: str
    when: Mapping[str, str]
    """``EventPattern`` or ``ScheduleExpression``."""
    target: Mapping[str, Any]
    to: str
    """The target's name in messages, such as ``topic alarms``."""
    tags: Sequence[Mapping[str, str]]
    bus: str = "default"
    state: str = "ENABLED"

    def missing(self) -> Iterator[MissingPart]:
        present = self._present()
        wanted = {**self.when, "State": self.state}
        if any(_plain(present.get(key)) != _plain(value) for key, value in wanted.items()):
            yield MissingPart(f"{'change' if present else 'create'} rule {self.name}", self._put)
        targets = self._targets() if present else ()
        if self.target not in [{key: target.get(key) for key in self.target} for target in targets]:
            yield MissingPart(f"add {self.to} as the target of rule {self.name}", self._put_target)

    def _present(self) -> Mapping[str, Any]:
        try:
            with aws_errors.translated("events:DescribeRule", f"rule {self.name}"):
                present: Mapping[str, Any] = self.client.describe_rule(Name=self.name, EventBusName=self.bus)
        except NotFound:
            return {}
        return present

    def _targets(self) -> list[Mapping[str, Any]]:
        with aws_errors.translated("events:ListTargetsByRule", f"rule {self.name}"):
            return list(self.client.list_targets_by_rule(Rule=self.name, EventBusName=self.bus)["Targets"])

    def _put(self) -> None:
        """Sends tags for a new rule only, because PutRule refuses them for an existing rule."""
        new = {} if self._present() else {"Tags": self.tags}
        with aws_errors.translated("events:PutRule", f"rule {self.name}"):
            self.client.put_rule(Name=self.name, **self.when, State=self.state, EventBusName=self.bus, **new)

    def _put_target(self) -> None:
        with aws_errors.translated("events:PutTargets", f"rule {self.name}"):
            answer = self.client.put_targets(Rule=self.name, Targets=[self.target], EventBusName=self.bus)
        if answer.get("FailedEntryCount"):
            target = f"rule {self.name}: AWS did not accept {self.to} as its target"
            raise ProvisionError(
                [f"{target}; check the target in AWS, then run ansible-playbook watchparty.secrets.provision again"]
            )


def _plain(value: Any) -> Any:
    """The value for a comparison. Spaces in a pattern do not count."""
    return json.loads(value) if str(value).startswith("{") else value
