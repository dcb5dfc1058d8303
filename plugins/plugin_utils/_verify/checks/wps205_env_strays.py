# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    for stray in result["strays"]:
        yield bad(f"{stray['path']} (mode {stray['mode']}) {stray['why']}", host, target=stray["path"])
    for message in result.get("strays_unread", ()):
        yield unknown(message, host)
    if not result["strays"] and not result.get("strays_unread"):
        yield good("no copies", host)


CHECK = Check(
    id="WPS205",
    name="env-strays",
    area="hosts",
    severity="high",
    title="No copy of .env, by name or by content, is below .env's directory",
    reason="A copy keeps old and current secrets, often with a wider mode.",
    fix="Inspect each copy, then remove it: shred -u FILE. A .env.example with placeholders may stay.",
    scope=(
        ("The 20000 smallest files below the directory of .env, also inside archives, compressed files and base64."),
        "Only values of high sensitivity.",
        "Not .git and installed packages.",
    ),
    command="ansible {place} --become -m ansible.builtin.command -a 'shred -u {target}'",
    look=by_host(_host),
    needs=("hosts",),
)
