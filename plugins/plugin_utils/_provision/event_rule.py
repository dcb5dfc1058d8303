# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A rule of EventBridge whose events go to a topic."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, ProvisionError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.missing_part import MissingPart

TARGET = "topic"


@dataclass(frozen=True)
class EventRule:
    client: Any
    name: str
    bus: str
    pattern: Mapping[str, Any]
    topic: str
    """ARN."""
    shown: Mapping[str, Any]
    """The InputTransformer that makes the topic's message of an event."""
    tags: Sequence[Mapping[str, str]]
    state: str = "ENABLED"

    def missing(self) -> Iterator[MissingPart]:
        present = self._present()
        is_right = (
            present.get("State") == self.state and json.loads(present.get("EventPattern") or "{}") == self.pattern
        )
        if not is_right:
            yield MissingPart(f"{'change' if present else 'create'} rule {self.name}", self._put)
        targets: Sequence[Mapping[str, Any]] = ()
        if present:
            with aws_errors.translated("events:ListTargetsByRule", f"rule {self.name}"):
                targets = self.client.list_targets_by_rule(Rule=self.name, EventBusName=self.bus)["Targets"]
        if self._target not in [{key: target.get(key) for key in self._target} for target in targets]:
            yield MissingPart(f"add topic {self._topic_name} as the target of rule {self.name}", self._put_target)

    @property
    def _topic_name(self) -> str:
        return self.topic.rpartition(":")[2]

    @property
    def _target(self) -> dict[str, Any]:
        return {"Id": TARGET, "Arn": self.topic, "InputTransformer": dict(self.shown)}

    def _present(self) -> Mapping[str, Any]:
        try:
            with aws_errors.translated("events:DescribeRule", f"rule {self.name}"):
                present: Mapping[str, Any] = self.client.describe_rule(Name=self.name, EventBusName=self.bus)
        except NotFound:
            return {}
        return present

    def _put(self) -> None:
        """Tags are for a rule that is made; one that is there refuses them."""
        new = {} if self._present() else {"Tags": self.tags}
        pattern = json.dumps(self.pattern)
        with aws_errors.translated("events:PutRule", f"rule {self.name}"):
            self.client.put_rule(Name=self.name, EventPattern=pattern, State=self.state, EventBusName=self.bus, **new)

    def _put_target(self) -> None:
        with aws_errors.translated("events:PutTargets", f"rule {self.name}"):
            answer = self.client.put_targets(Rule=self.name, Targets=[self._target], EventBusName=self.bus)
        if answer.get("FailedEntryCount"):
            target = f"rule {self.name}: AWS did not accept topic {self._topic_name} as its target"
            raise ProvisionError(
                [f"{target}; check the topic in AWS, then run ansible-playbook watchparty.secrets.provision again"]
            )
