# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extra variables, set by -e, whatever the inventory has under the same name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any

from ansible.utils.vars import load_extra_vars

_NAMES = {
    "baseline_": "accept reason",
    "ci_env_": "names",
    "decrypt_": "file path",
    "encrypt_": "file new_key",
    "github_": """
        checkout create_environment environments names prune reviewers token_file values_file workflow_check
        workflow_path
    """,
    "import_": "application draft_path file values",
    "leak_": """
        alert_credentials alert_environment alert_missed alert_mode alert_reference alert_unknown
        compromised_hosts confirm containment credentials deny_sessions drill evict evidence_seconds exposed_since
        false_alarm footholds_checked ignore_blockers queue_name queue_region readers_seconds record_drill report_path
        revoked sessions trusted_host value value_file wait_seconds webhook_host webhook_port
    """,
    "mirror_": "conflict deletes",
    "provision_": """
        adopt advanced_tier ask delete_function kms_key local_path optional restore values_file
    """,
    "rotation_": """
        abort allow_sessions audit_path become changelog credentials digest due_fails elsewhere elsewhere_at
        elsewhere_reason force forget gone_nodes host kinds_path known_addresses merge_seconds python report_file
        resume revoked skip_hosts status_page unprepare values_file
    """,
    "scan_": """
        baseline fail history ignored json_file paths patterns repositories sarif_file staged stdin tree values
    """,
    "set_": "deploy force names undo value_file values_file",
    "verify_": "baseline budget cafile not_checked only report_path repository sessions timeout workflow",
}
KNOWN = {prefix: frozenset(prefix + name for name in names.split()) for prefix, names in _NAMES.items()}
"""The names that playbooks read, by prefix."""
ROLES = ("github_actions_", "leak_respond_")
"""Prefixes of roles' own variables, which also begin with a playbook's prefix."""
SIMILAR = 0.85


def extra_variable(name: str, *, loader: Any, templar: Any, default: Any = None) -> Any:
    """The rendered value of the extra variable, or ``default``. No other source of variables counts."""
    variables = load_extra_vars(loader=loader)
    return templar.template(variables[name]) if name in variables else default


def unknown(prefixes: Sequence[str], *, loader: Any) -> list[str]:
    """A line for each extra variable that was meant for a playbook with these prefixes and would be ignored."""
    names = [str(name) for name in load_extra_vars(loader=loader)] if prefixes else []
    known = sorted({name for prefix in prefixes for name in KNOWN[prefix]})
    everywhere = {name for group in KNOWN.values() for name in group}
    return [
        _line(name, near, known)
        for name in names
        if name not in everywhere
        and not name.startswith(ROLES)
        and ((near := _nearest(name, prefixes, known)) or name.startswith(tuple(prefixes)))
    ]


def _nearest(name: str, prefixes: Iterable[str], known: Sequence[str]) -> str:
    """The known name of which only the prefix or an "s" is missing, or a similar name."""
    completed = (prefix + name + end for prefix in prefixes for end in ("", "s"))
    near = [completed_name for completed_name in completed if completed_name in known] or get_close_matches(
        name, known, n=1, cutoff=SIMILAR
    )
    return near[0] if near else ""


def _line(name: str, near: str, known: Sequence[str]) -> str:
    remedy = f"give -e {near}=… instead" if near else f"this playbook reads {', '.join(known)}"
    return f"unknown extra variable {name}: {remedy}"
