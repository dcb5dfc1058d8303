# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What an operator confirms of old values: that they were revoked, or are not to be revoked any more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import acts_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part, ServerPrograms
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Take = Callable[..., dict[str, Any]]


def confirmed(
    setting: RotationSetup, args: Mapping[str, Any], server: ServerPrograms, take: Take, *, check: bool
) -> dict[str, Any]:
    """What ``take`` returns. Old values are tried first where the catalog says how; then come the audit log and the
    journal. Raises SecretsError.
    """
    waiting = take(setting, {**args, "tried": {}, "audit": {}}, check=True)
    tried = _tried(setting, server, waiting.get("tries", ()))
    preview = take(setting, {**args, "tried": tried, "audit": {}}, check=True) if tried else waiting
    if check:
        return preview
    recorded: Mapping[str, Any] = {}
    log = segment.Audit(setting, args, required=not args["incident"])
    if preview["record"]:
        recorded = log.recorded(preview["record"], preview["audit"]["head"])
    answer = take(setting, {**args, "tried": tried, "audit": recorded.get("head") or {}}, check=False)
    return {**answer, "messages": [*answer["messages"], *recorded.get("unannounced", ())]}


def _tried(setting: RotationSetup, server: ServerPrograms, credentials: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for credential in credentials:
        try:
            answer = acts_of(setting.kinds[credential["kind"]]).verify_revoked(Part(setting, server, credential))
        except SecretsError as error:
            segment.show("tried", credential["name"], f"not tried: {one_line(error)}")
            continue
        result.update(answer.get("tried") or {})
    return result
