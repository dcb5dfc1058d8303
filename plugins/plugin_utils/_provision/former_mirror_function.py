# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mirror's function, which the catalog no longer has. It still mirrors, by the catalog of its creation."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_mirror import ROLE_NAME
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._access import resources as access_resources


@dataclass(frozen=True)
class FormerMirrorFunction:
    """The former function, recognised by its name and our tags."""

    catalog: Catalog
    client: Callable[[str], Any] = field(repr=False)

    @property
    def name(self) -> str:
        named = self.catalog.aws.roles.get("mirror") if self.catalog.aws else None
        own = {"application": self.catalog.application, "environment": self.catalog.environment}
        return named or ROLE_NAME.format(**own)

    @property
    def left(self) -> str:
        return (
            f"function {self.name} still mirrors, but the catalog has no mirror.function; delete it by -e "
            "provision_delete_function=true, or restore mirror.function in the catalog"
        )

    @property
    def deleted(self) -> str:
        return f"function {self.name} is deleted, with its rules, alarm, queue and log group"

    def is_there(self) -> bool:
        wanted = access_resources.tags(self.catalog)
        try:
            with aws_errors.translated("lambda:GetFunction", f"function {self.name}"):
                tags = self.client("lambda").get_function(FunctionName=self.name).get("Tags", {})
        except NotFound:
            return False
        return all(tags.get(tag) == wanted[tag] for tag in access_resources.OURS)

    def delete(self) -> None:
        """Deletes the function last. After a kill, the function shows that the deletion is incomplete."""
        name, events = self.name, self.client("events")
        for rule in (f"{name}-events", f"{name}-schedule"):
            self._call("events:RemoveTargets", events.remove_targets, Rule=rule, Ids=["mirror"])
            self._call("events:DeleteRule", events.delete_rule, Name=rule)
        self._call("cloudwatch:DeleteAlarms", self.client("cloudwatch").delete_alarms, AlarmNames=[name])
        self._delete_queue(f"{name}-failed")
        self._call("logs:DeleteLogGroup", self.client("logs").delete_log_group, logGroupName=f"/aws/lambda/{name}")
        self._call("lambda:DeleteFunction", self.client("lambda").delete_function, FunctionName=name)

    def _delete_queue(self, name: str) -> None:
        sqs = self.client("sqs")
        with aws_errors.translated("sqs:ListQueues", name):
            urls = sqs.list_queues(QueueNamePrefix=name).get("QueueUrls", [])
        for url in (url for url in urls if url.endswith(f"/{name}")):
            self._call("sqs:DeleteQueue", sqs.delete_queue, QueueUrl=url)

    def _call(self, operation: str, act: Callable[..., Any], **arguments: Any) -> None:
        """Ignores parts that an earlier run has already deleted."""
        with suppress(NotFound), aws_errors.translated(operation, self.name):
            act(**arguments)
