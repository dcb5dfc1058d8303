# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rights of a Valkey user over the server itself, from ACL rules. Python 3.8."""

from __future__ import annotations

from typing import Collection, List, Sequence

ADMINISTRATION = {
    "acl|setuser": "may change users (ACL SETUSER)",
    "config|set": "may change the configuration (CONFIG SET)",
    "module|load": "may load modules (MODULE LOAD)",
    "module|loadex": "may load modules (MODULE LOAD)",
    "replicaof": "may replace all data (REPLICAOF)",
    "slaveof": "may replace all data (REPLICAOF)",
    "psync": "may copy all data (PSYNC)",
    "sync": "may copy all data (PSYNC)",
    "monitor": "may see all commands (MONITOR)",
    "failover": "may stop the server (FAILOVER)",
    "debug": "may stop the server (DEBUG)",
    "shutdown": "may stop the server (SHUTDOWN)",
}
"""Commands that no application needs, with descriptions."""
_CATEGORIES = ("@all", "@admin", "@dangerous", "@slow")
"""Categories that contain all of these commands."""
SCRIPT = """if not redis.acl_check_cmd then return false end
local allowed = {}
for _, command in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(command, '[^|]+') do words[#words + 1] = word end
  local known, may = pcall(redis.acl_check_cmd, unpack(words))
  if known and may then allowed[#allowed + 1] = command end
end
return allowed"""
"""A script that returns which of its arguments a user may run. It runs none of them."""


def administration(rules: Sequence[str]) -> List[str]:
    return described([command for command in ADMINISTRATION if may_run(rules, command)])


def described(commands: Collection[str]) -> List[str]:
    """Descriptions in the table's order, each once."""
    descriptions = (description for command, description in ADMINISTRATION.items() if command in commands)
    return list(dict.fromkeys(descriptions))


def may_run(rules: Sequence[str], command: str) -> bool:
    """Whether a user with these rules may run the command. The last matching rule decides, or a selector."""
    concerned = (*_CATEGORIES, command, command.partition("|")[0])
    allowed = False
    for rule in rules:
        if rule.startswith("(") and may_run(rule.strip("()").split(), command):
            return True
        if rule[:1] in ("+", "-") and rule[1:].lower() in concerned:
            allowed = rule.startswith("+")
    return allowed
