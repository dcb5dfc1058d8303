# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    file = result["file"]
    if file.get("problem"):
        yield bad(file["problem"], host)
        return
    if not file["exists"]:
        yield bad(f"{file['path']} does not exist", host)
        return
    declared = _declared(result.get("wanted_mode"))
    problems = [
        f"{companion['path']} has mode {companion['mode']}"
        for companion in result["companions"]
        if _is_loose(companion["mode"])
    ]
    if file["mode"] not in ("0600", "0400", declared):
        problems.insert(0, f"{file['path']} has mode {file['mode']} instead of {declared}")
    problems += [
        f"{row['path']} has mode {row['mode']} instead of {row['wanted_mode']}"
        for row in result.get("other_files", ())
        if row.get("mode") not in (None, "0400", row["wanted_mode"])
    ]
    for message in problems:
        yield bad(message, host)
    if not problems:
        yield good(f"{file['path']} has mode {file['mode']}", host)


def _declared(mode: str | None) -> str:
    """The mode that env_deploy_mode declares, if the group may at most read; else 0600."""
    valid = bool(mode and re.fullmatch("[0-7]{3,4}", mode)) and int(mode or "", 8) | 0o640 == 0o640
    return "%04o" % int(mode, 8) if mode and valid else "0600"


def _is_loose(mode: str) -> bool:
    return bool(int(mode, 8) & 0o077)


CHECK = Check(
    id="WPS201",
    name="env-mode",
    area="hosts",
    severity="high",
    title="No file that a deploy writes has a wider mode than declared",
    reason="With a wider mode, other accounts on the host can read every secret.",
    fix=(
        "Set env_deploy_mode to 0600, or to 0640 if the application's group reads the file, and deploy again. Only "
        "the owner may read the deploy marker and the last healthy .env."
    ),
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
