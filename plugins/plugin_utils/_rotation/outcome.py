# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the operator reads at the end of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FORWARD_ONLY = ("revoke", "record", "abort", "withdraw", "discard")
"""The steps from which a rotation cannot be aborted, or is being rolled back."""


def lines(now: Mapping[str, Any], every_host: Sequence[str], skipped: Sequence[str]) -> list[str]:
    """What was done, and what providers have yet to revoke."""
    found = []
    if now.get("id"):
        # Once the value is removed, the journal tells.
        ended = now["step"] in ("record", "discard")
        behind = now["behind"] if ended else [one for one in every_host if one in skipped]
        found += [
            f"rotation {now['id']} {_state(now)}",
            f"credentials: {', '.join(one['name'] for one in now['credentials'])}",
            f"hosts: {', '.join(one for one in every_host if one not in behind)}",
        ]
        if behind:
            hosts = ", ".join(behind)
            found.append(f"skipped or unreachable hosts: {hosts}. When they answer, run watchparty.secrets.deploy")
        found += [*now.get("to_refusal", ()), *now.get("merged", ()), *now.get("lines", ())]
        if now.get("recorded"):
            found.append(f"audit record: {now['recorded']}")
        found.append(f"seconds: {', '.join(f'{stage} {seconds:.1f}' for stage, seconds in now.get('seconds', ()))}")
    found += now.get("unannounced", ())
    return [*found, *(one["words"] for one in now.get("revocations", ()))]


def ending(words: Sequence[str], verdict: str, *, incident: str) -> dict[str, Any]:
    """What the role is told at the end, with the tasks that tell it; a leak response tells it itself."""
    tasks = "end" if incident else "failed" if verdict else "outcome" if words else "end"
    return {"next": "", "tasks": tasks, "summary": list(words), "verdict": verdict}


def _state(now: Mapping[str, Any]) -> str:
    if not now.get("closed"):
        return f"is NOT finished; it stands at {now['step']}"
    return "is complete" if now["step"] == "record" else "was rolled back; the old values are in force"


def verdict(now: Mapping[str, Any], *, abort: bool) -> str:
    """Why the run fails; empty where it does not."""
    where = f"Rotation {now.get('id')} stands at {now.get('step')}"
    if now.get("stopped"):
        back = "" if now["step"] in FORWARD_ONLY else ", or with -e rotation_abort=true to abort it"
        return f"{where}: {now['stopped']}. Start the same command again to go on{back}."
    if now.get("id") and not now.get("closed"):
        left = next(iter(now["todo"]), "")
        return f"{where}: this run skipped the next step, {left}. Start the same command again to go on."
    if now.get("reason") and not abort:
        return f"The rotation was rolled back: {now['reason']}"
    refused = now.get("refused") or {}
    if refused:
        return "Refused, and left as they are: " + ". ".join(f"{name}: {why}" for name, why in refused.items())
    return ""
