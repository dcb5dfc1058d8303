# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
""".env and what lies beside it have no bits for group or others."""

from __future__ import annotations

from typing import Any, Iterator, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._verify._check_looks import by_host
from ansible_collections.watchparty.secrets.plugins.module_utils._verify._verification import Check, Outcome, bad, good


def _host(host: str, found: Mapping[str, Any]) -> Iterator[Outcome]:
    file = found["file"]
    if not file["exists"]:
        yield bad(f"{file['path']} is not there", host)
        return
    loose = [f"{one['path']} has mode {one['mode']}" for one in (file, *found["companions"]) if _is_loose(one["mode"])]
    if file["mode"] not in ("0600", "0400") and not _is_loose(file["mode"]):
        loose.append(f"{file['path']} has mode {file['mode']} instead of 0600")
    for words in loose:
        yield bad(words, host)
    if not loose:
        yield good(f"{file['path']} has mode {file['mode']}", host)


def _is_loose(mode: str) -> bool:
    return bool(int(mode, 8) & 0o077)


CHECK = Check(
    id="WPS201",
    name="env-mode",
    area="hosts",
    severity="high",
    title=".env and what lies beside it have no bits for group or others",
    reason="Every account on the host, and every program that one of them runs, could read every secret.",
    fix="chmod 0600 on the file, or deploy again: deploy.yml mends mode and owner.",
    look=by_host(_host),
    needs=("hosts",),
)
