# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

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
    entries = [*result["acl"], *(entry for row in result.get("other_files", ()) for entry in row.get("acl", ()))]
    for entry in entries:
        yield bad(f"{entry['path']}: {entry['who']} may {entry['may']}", host, target=entry["path"])
    if not entries:
        yield good("no entries for other users or groups", host)


CHECK = Check(
    id="WPS203",
    name="env-acl",
    area="hosts",
    severity="high",
    title="No ACL entry gives access to a file that a deploy writes",
    reason="An ACL entry gives access that the mode of the file does not show.",
    fix=("Remove the ACL entries of the file: setfacl -b FILE."),
    command="ansible {place} --become -m ansible.builtin.command -a 'setfacl -b {target}'",
    look=by_host(_host),
    needs=("hosts",),
)
