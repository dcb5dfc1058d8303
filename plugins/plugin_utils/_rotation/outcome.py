# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary that the operator reads at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FORWARD_ONLY = ("revoke", "record", "abort", "withdraw", "discard")
"""The steps from which a rotation cannot be aborted, or is being rolled back."""


def lines(result: Mapping[str, Any], every_host: Sequence[str], skipped: Sequence[str]) -> list[str]:
    """The summary's lines, with values that providers must still revoke."""
    report = []
    if result.get("id"):
        # After the revocation, the journal knows the skipped hosts.
        ended = result["step"] in ("record", "discard")
        behind = result["behind"] if ended else [name for name in every_host if name in skipped]
        report += [
            f"rotation {result['id']} {_state(result)}",
            f"credentials: {', '.join(credential['name'] for credential in result['credentials'])}",
            f"hosts: {', '.join(name for name in every_host if name not in behind)}",
        ]
        if behind:
            hosts = ", ".join(behind)
            report.append(
                f"skipped or unreachable hosts: {hosts}. When they answer, run "
                "ansible-playbook watchparty.secrets.deploy"
            )
        report += [*result.get("to_refusal", ()), *result.get("merged", ()), *result.get("lines", ())]
        if result.get("recorded"):
            report.append(f"audit record: {result['recorded']}")
        report.append(f"seconds: {', '.join(f'{stage} {seconds:.1f}' for stage, seconds in result.get('seconds', ()))}")
    report += result.get("unannounced", ())
    return [*report, *(revocation["message"] for revocation in result.get("revocations", ()))]


def ending(messages: Sequence[str], verdict: str, *, incident: str, encrypted: bool = False) -> dict[str, Any]:
    """The role's last result, with the tasks that show it; a leak response shows it itself.

    ``encrypted``: a ``.env.enc`` may hold old values, and is renewed before ``ends`` shows the rest.
    """
    ends = "end" if incident else "failed" if verdict else "outcome" if messages else "end"
    tasks = "encrypted" if encrypted and not incident else ends
    return {"next": "", "tasks": tasks, "ends": ends, "summary": list(messages), "verdict": verdict}


def _state(result: Mapping[str, Any]) -> str:
    if not result.get("closed"):
        return f"is NOT finished; it stopped at step {result['step']}"
    return "is complete" if result["step"] == "record" else "was rolled back; the old values are in force"


def verdict(result: Mapping[str, Any], *, abort: bool) -> str:
    """The reason why the run fails; empty if it succeeds."""
    where = f"Rotation {result.get('id')} stopped at step {result.get('step')}"
    if result.get("stopped"):
        back = "" if result["step"] in FORWARD_ONLY else ", or with -e rotation_abort=true to abort it"
        return f"{where}: {result['stopped'].rstrip('.')}. Run the same command again to continue{back}."
    if result.get("id") and not result.get("closed"):
        todo = next(iter(result["todo"]), "")
        return f"{where}: this run skipped the next step, {todo}. Run the same command again to continue."
    if result.get("reason") and not abort:
        reason = result["reason"].rstrip(".")
        return f"The rotation was rolled back: {reason}. To rotate, fix the cause, then run the same command again."
    refused = result.get("refused") or {}
    if refused:
        return "Refused, old values unchanged: " + ". ".join(f"{name}: {why}" for name, why in refused.items())
    return ""
