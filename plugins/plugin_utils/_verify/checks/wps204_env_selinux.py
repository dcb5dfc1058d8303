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
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    selinux = result["selinux"]
    if not result["file"]["exists"]:
        yield unknown(f"{result['file']['path']} is not a regular file", host)
    elif not selinux["enabled"]:
        yield not_applicable("SELinux is not enabled", host)
    elif selinux.get("no_context"):
        yield not_applicable("the SELinux policy sets no context for it", host)
    elif selinux.get("right") is None:
        yield unknown(f"SELinux is enabled and {selinux.get('why') or 'the expected context is unknown'}", host)
    elif selinux["right"]:
        yield good(f"context {selinux['context']}", host)
    else:
        yield bad(f"context {selinux['context']} instead of {selinux['wanted']}", host, target=result["file"]["path"])


CHECK = Check(
    id="WPS204",
    name="env-selinux",
    area="hosts",
    severity="medium",
    title=".env has the SELinux context that the policy sets",
    reason="With another context a confined program can read the file, or the service cannot start.",
    fix="Restore the context of the file: restorecon -v FILE.",
    command="ansible {place} --become -m ansible.builtin.command -a 'restorecon -v {target}'",
    look=by_host(_host),
    needs=("hosts",),
)
