# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
""".env, the deploy marker and the last healthy file have no ACL entries for other users or groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    if not result["file"]["exists"]:
        yield unknown(f"{result['file']['path']} is not a regular file", host)
        return
    for entry in result["acl"]:
        yield bad(f"{entry['path']}: {entry['who']} may {entry['may']}", host, target=entry["path"])
    if not result["acl"]:
        yield good("no entries for other users or groups", host)


CHECK = Check(
    id="WPS203",
    name="env-acl",
    area="hosts",
    severity="high",
    title=".env, the deploy marker and the last healthy file have no ACL entries for other users or groups",
    reason="An ACL entry gives access that the mode of the file does not show.",
    fix="Remove the ACL entries of the file: setfacl -b FILE.",
    command="ansible {place} --become -m ansible.builtin.command -a 'setfacl -b {target}'",
    look=by_host(_host),
    needs=("hosts",),
)
