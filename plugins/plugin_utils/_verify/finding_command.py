# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Commands of findings, ready to paste. Pure.

Names come from hosts, servers, AWS and repositories.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

CATALOG = "${{EDITOR:-vi}} $(git grep -l '^secrets_catalog:')"
"""Opens the catalog, in the inventory's checkout."""
EDIT = "${{EDITOR:-vi}} +{line} {file}"
"""Opens a finding's line, in the checkout."""
ROTATE = "ansible-playbook watchparty.secrets.rotate {run} -e rotation_credentials={target} -e rotation_force=true"
SET = "ansible-playbook watchparty.secrets.set {run} -e set_names={target}"
LEAK = "ansible-playbook watchparty.secrets.leak_response {run} -e leak_credentials={target}"
SCAN = "ansible-playbook watchparty.secrets.scan {run} -e scan_repositories=."
"""Command for findings in git's own files, messages and names, which no editor opens."""
PROVISION = "ansible-playbook watchparty.secrets.provision {run}"
ACCESS = PROVISION + " --tags access --diff"
"""Keeps a role's policies beside the catalog's: a host may need them."""
AGAIN = "ansible-playbook watchparty.secrets.verify {run} -e verify_only={id} -v"
"""Command if a finding's name cannot be pasted: a person follows the check's ``fix``, then runs this."""
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_READ_BY_ANSIBLE = re.compile(
    r"\{[{%#]|\\(?!\w)|(?<!\S)(creates|removes|chdir|executable|warn|stdin\w*|strip_empty_ends)="
)
"""Text that Ansible takes for a template, an escape, or an option of the modules command and shell."""


def filled(template: str, names: Mapping[str, str]) -> str:
    """Fills a template. Empty if a name is missing, or more than a name to the shell, Ansible or an option's parser."""
    if not all(_can_be_pasted(template, match, names) for match in _FIELD.finditer(template) if match[1]):
        return ""

    def text_of(match: re.Match[str]) -> str:
        if not match[1]:
            return match[0][0]
        text = names[match[1]] if match[1] == "run" else shlex.quote(names[match[1]])
        return text.replace("'", "'\"'\"'") if _is_quoted(template, match) else text

    return _FIELD.sub(text_of, template)


def _is_quoted(template: str, match: re.Match[str]) -> bool:
    return template[: match.start()].count("'") % 2 == 1


def _can_be_pasted(template: str, match: re.Match[str], names: Mapping[str, str]) -> bool:
    text = names.get(match[1], "")
    if match[1] == "run":
        return True
    if not text or not text.isprintable() or text[0] in "-+@":
        return False
    if not template.startswith("ansible"):
        return True
    return (shlex.quote(text) == text or _is_quoted(template, match)) and not _READ_BY_ANSIBLE.search(text)


LONGEST_POLICY = 2000
"""Limit of characters of a policy in a command. AWS allows 2048 for a user's inline policies."""


def with_policy(words: Sequence[str], document: Mapping[str, Any], otherwise: str) -> str:
    """``words`` end with the option that takes the policy. ``otherwise`` replaces a command too long to read."""
    text = json.dumps(document, separators=(",", ":"))
    return literal([*words, text]) if len(text) <= LONGEST_POLICY else otherwise


def on_host(command: str, hosts: str = "{place}") -> str:
    """Template that runs a host's own command there. Empty if Ansible would interpret the command."""
    line = shlex.quote(command).replace("{", "{{").replace("}", "}}")
    usable = command.isprintable() and not _READ_BY_ANSIBLE.search(command)
    return f"ansible {hosts} --become -m ansible.builtin.shell -a {line}" if usable else ""


def literal(words: Sequence[str]) -> str:
    """Template without names. Empty if a word cannot be pasted."""
    if not all(word.isprintable() for word in words):
        return ""
    return shlex.join(words).replace("{", "{{").replace("}", "}}")
