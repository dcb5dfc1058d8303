# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG, SET


def look(facts: Facts) -> Iterator[Outcome]:
    result = facts.of("stores")
    for place in result["unknown"]:
        yield bad("no setting and no credential of the catalog names it", place)
    for name in result["copied"]:
        yield bad("is read from a copy, because its primary location has no value", name, target=name, command=SET)
    if not result["unknown"] and not result["copied"]:
        yield good(counted(result["settings"], "setting"))


CHECK = Check(
    id="WPS309",
    name="stored-settings",
    area="drift",
    severity="medium",
    title="Every stored value belongs to a setting and is in its primary location",
    reason="A value that no setting names is never rotated. If only a copy has a value, a rotation misses it.",
    fix=(
        "The operator names the value in the catalog, or deletes the value in its store. If only a copy has the "
        "value, write it to the primary location: ansible-playbook watchparty.secrets.set."
    ),
    scope=("The catalog's secrets, and the parameters below its path.",),
    command=CATALOG,
    look=look,
    needs=("stores",),
)
