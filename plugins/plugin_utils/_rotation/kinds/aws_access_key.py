# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An IAM user's access key, which AWS makes beside the old one."""

from __future__ import annotations

from contextlib import suppress

from ansible_collections.watchparty.secrets.plugins.module_utils._core import honeytokens, kind_names
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NotFound
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import access_key_preconditions
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.access_key_states import AccessKeyStage
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, KindStages, Part


class IamKeyActs(KindStages):
    """Asks AWS from the controller."""

    def block(self, part: Part) -> Answer:
        return self._steps(part).blocked()

    def issue(self, part: Part) -> Answer:
        return self._steps(part).issued()

    def test(self, part: Part) -> Answer:
        return self._steps(part).usable()

    def revoke(self, part: Part) -> Answer:
        return self._steps(part).revoked()

    @staticmethod
    def _steps(part: Part) -> AccessKeyStage:
        return AccessKeyStage(*access_key_preconditions.concerned(part.setting, part.name))


class AwsAccessKey(IamKeyActs):
    kind = Kind(
        kind_names.AWS_ACCESS_KEY,
        "An IAM user's access key, made by AWS beside the old one, which is deactivated and deleted; not run on AWS.",
        value="provider",
        needs_user=True,
    )

    def switch_off(self, part: Part) -> Answer:
        return self._steps(part).deactivated()

    def test(self, part: Part) -> Answer:
        notes = _last_use(part)
        return {**super().test(part), "notes": {"used": notes} if notes else {}}

    def revoke(self, part: Part) -> Answer:
        notes: Answer = {}
        with suppress(NotFound, Denied):  # a killed run may have deleted the key, whose use the stage test noted
            notes = _last_use(part)
        return {**super().revoke(part), "notes": {"used_at_end": notes} if notes else {}}


def _last_use(part: Part) -> Answer:
    """The last use of a honeytoken's old key, which IAM forgets with the key."""
    if not honeytokens.is_honeytoken(part.setting.catalog.credentials[part.name]):
        return {}
    context, pair = access_key_preconditions.concerned(part.setting, part.name)
    last = context.keys.last_use(str(pair.old.username))
    return {"last": f"key {pair.old.username}, last on {last}"} if last else {}
