# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command of a finding, as a person pastes it. Pure.

Its names come from hosts, servers, AWS and repositories.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

CATALOG = "${{EDITOR:-vi}} $(git grep -l '^secrets_catalog:')"
"""Opens the catalog, in the checkout of the inventory."""
EDIT = "${{EDITOR:-vi}} +{line} {file}"
"""Opens a finding's line, in the checkout."""
ROTATE = "ansible-playbook watchparty.secrets.rotate {run} -e rotation_credentials={target}"
SET = "ansible-playbook watchparty.secrets.set {run} -e set_names={target}"
LEAK = "ansible-playbook watchparty.secrets.leak_response {run} -e leak_credentials={target}"
SCAN = "ansible-playbook watchparty.secrets.scan {run} -e scan_repositories=."
"""For a finding in git's own files, messages and names, which no editor opens."""
PROVISION = "ansible-playbook watchparty.secrets.provision {run}"
ACCESS = PROVISION + " --tags access --diff"
"""Keeps the policies that a role has beside those of the catalog: a host may need them."""
AGAIN = "ansible-playbook watchparty.secrets.verify {run} -e verify_only={id} -v"
"""For a finding with a name that cannot be pasted: a person mends it by the check's sentence, then runs this."""
_FIELD = re.compile(r"\{\{|\}\}|\{(\w+)\}")
_READ_BY_ANSIBLE = re.compile(r"\{[{%#]|\\(?!\w)")
"""What Ansible takes for a template or an escape, in the arguments of a module too."""


def filled(template: str, names: Mapping[str, str]) -> str:
    """Empty where a name is missing, or is more than a name to the shell, to Ansible or to an option's parser."""
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
    if shlex.quote(text) == text or not template.startswith("ansible"):
        return True
    return _is_quoted(template, match) and not _READ_BY_ANSIBLE.search(text)


LONGEST_POLICY = 2000
"""Letters of a policy in a command. AWS allows a user's inline policies 2048."""


def with_policy(words: Sequence[str], document: Mapping[str, Any], otherwise: str) -> str:
    """``words`` end with the option that takes the policy. ``otherwise`` is for one that is too long to read."""
    text = json.dumps(document, separators=(",", ":"))
    return literal([*words, text]) if len(text) <= LONGEST_POLICY else otherwise


def on_host(command: str) -> str:
    """A template that runs a host's own command there; empty if Ansible would read more than a command in it."""
    line = shlex.quote(command).replace("{", "{{").replace("}", "}}")
    usable = command.isprintable() and not _READ_BY_ANSIBLE.search(command)
    return f"ansible {{place}} --become -m ansible.builtin.shell -a {line}" if usable else ""


def literal(words: Sequence[str]) -> str:
    """A template without names; empty if one of the words cannot be pasted."""
    if not all(word.isprintable() for word in words):
        return ""
    return shlex.join(words).replace("{", "{{").replace("}", "}}")
