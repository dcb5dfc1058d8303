# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a user of Valkey may do to the server itself, by its ACL rules. Pure; Python 3.8."""

from __future__ import annotations

from typing import List, Sequence

ADMINISTRATION = {
    "acl|setuser": "may change users (ACL SETUSER)",
    "config|set": "may change the configuration (CONFIG SET)",
    "module|load": "may load modules (MODULE LOAD)",
}
"""What no application needs, in words."""
_CATEGORIES = ("@all", "@admin", "@dangerous", "@slow")
"""Those that all of these commands are in."""


def administration(rules: Sequence[str]) -> List[str]:
    return [description for command, description in ADMINISTRATION.items() if may_run(rules, command)]


def may_run(rules: Sequence[str], command: str) -> bool:
    """Whether a user with these rules may run the command: the last rule that concerns it decides, or a selector."""
    concerned = (*_CATEGORIES, command, command.partition("|")[0])
    allowed = False
    for rule in rules:
        if rule.startswith("(") and may_run(rule.strip("()").split(), command):
            return True
        if rule[:1] in ("+", "-") and rule[1:].lower() in concerned:
            allowed = rule.startswith("+")
    return allowed
