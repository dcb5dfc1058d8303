# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The page of checks for write_reference.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check

INTRODUCTION = (
    "What `watchparty.secrets.verify` checks. `-e verify_only=WPS201`, a name or an area runs a part.\n"
    "The source is one file a check in `plugins/plugin_utils/_verify/checks/`. "
    "[Verify an environment](../how-to/verify.md) shows the command."
)


def sections(linked: Callable[[str], str]) -> Iterator[str]:
    """The page's sections. ``linked`` makes links of a text's addresses."""
    for check in verify_check.registry():
        scope = "".join(f"- {line}\n" for line in check.scope)
        yield (
            f"## {check.id}\n\n**{check.title}.** {check.reason}\n\nFix: {linked(check.fix)}\n\n"
            + (f"What is covered, and what not:\n\n{scope}\n" if scope else "")
            + f"Name `{check.name}`, area `{check.area}`, severity {check.severity}. "
            + f"[Planted mistakes](planted-mistakes.md#{check.id.lower()}).\n"
        )
