# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import counted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    drift = result.get("drift")
    if result.get("unreadable"):
        yield bad(result["drift_problem"], host)
        return
    if drift is None:
        yield unknown(result.get("drift_problem") or "not compared", host)
        return
    if result["mark"].get("edited"):
        yield bad("the file is not the one that a deploy wrote", host)
    if drift["missing"]:
        yield bad(f"lacks {', '.join(drift['missing'])}", host)
    if drift["differs"]:
        yield bad(f"holds other values of {', '.join(drift['differs'])}", host)
    if drift["gone"]:
        yield bad(f"holds {', '.join(drift['gone'])}, which the next deploy removes", host)
    others = [message for row in result.get("other_files", ()) for message in _other_file(row)]
    others += [
        f"{path} is not in files of the catalog for this host; the next deploy removes it, unless somebody changed it"
        for path in result.get("undeclared_files", ())
    ]
    yield from (bad(message, host) for message in others)
    if not any((result["mark"].get("edited"), drift["missing"], drift["differs"], drift["gone"], others)):
        yield good(f"{counted(drift['same'], 'setting')}, all equal to the stores", host)


def _other_file(row: Mapping[str, Any]) -> Iterator[str]:
    if row.get("problem"):
        yield f"{row['path']}: {row['problem']}"
    elif "mode" not in row and row["is_expected"]:
        yield f"{row['path']} does not exist"
    elif row["differs"]:
        yield f"{row['path']} holds other values of {', '.join(row['differs'])}"


CHECK = Check(
    id="WPS301",
    name="env-values",
    area="drift",
    severity="high",
    title="Every host's .env and the catalog's other files match the stores",
    reason="If a host's file differs from the stores, its application uses other settings than the catalog declares. "
    "If the file holds previous values, the application fails when these values are revoked.",
    fix="Deploy again: ansible-playbook watchparty.secrets.deploy.",
    scope=(
        "Names and values of settings, and by the deploy marker whether somebody changed .env since its deploy.",
        "Not undeclared settings in .env (WPS302).",
    ),
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host, "stores"),
    needs=("hosts", "stores"),
)
