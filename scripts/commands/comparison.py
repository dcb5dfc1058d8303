# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command diff: settings that differ between two environments, two moments, or a host and the stores."""

from __future__ import annotations

import argparse
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints, resolver
from ansible_collections.watchparty.secrets.scripts.commands import environments, fronts, output, points
from ansible_collections.watchparty.secrets.scripts.commands.usage_error import UsageError


@dataclass(frozen=True)
class Side:
    name: str
    digests: Mapping[str, str] = field(repr=False)
    """Digests by setting, with this run's key."""
    versions: Mapping[str, str]


def diff(args: argparse.Namespace) -> int:
    chosen = sum([args.other is not None, bool(args.at), args.host is not None])
    if chosen != 1 or len(args.at or ()) > 2:
        raise UsageError(
            "diff compares two environments (secrets diff staging production), one environment with an earlier moment "
            "(--at 2d; twice for two moments), or a host with the stores (--host web1)"
        )
    if args.host:
        args.check, args.limit = True, args.host
        return fronts.run(args, "deploy", {}, compares=True)
    if args.print:
        raise UsageError("--print shows the command of diff --host; the other comparisons run no playbook")
    left, right = _sides(args, secrets.token_bytes(32))
    rows = [_row(name, left, right) for name in sorted({*left.digests, *right.digests})]
    answer = {"left": left.name, "right": right.name, "settings": rows}
    output.show(args, answer=answer, lines=_lines(left, right, rows))
    return 0 if all(row["state"] == "equal" for row in rows) else 1


def _sides(args: argparse.Namespace, key: bytes) -> tuple[Side, Side]:
    reader = environments.Reader(args)
    if args.other:
        left, right = (_side(name, _now(reader, name), key) for name in (args.environment, args.other))
        return left, right
    sides = [_side(f"{args.environment} at {at}", _earlier(reader, at), key) for at in args.at]
    now = [] if len(sides) == 2 else [_side(f"{args.environment} now", _now(reader), key)]
    left, right = [*sides, *now]
    return left, right


def _now(reader: environments.Reader, name: str = "") -> resolver.Resolution:
    environment = reader.read(name)
    environments.require_allowed(environment.contents)
    return environment.resolution


def _earlier(reader: environments.Reader, at: str) -> resolver.Resolution:
    catalog, connection = reader.catalog()
    contents = points.contents_at(catalog, connection.store_client, at)
    environments.require_allowed(contents)
    return resolver.resolve(catalog, contents)


def _side(name: str, resolution: resolver.Resolution, key: bytes) -> Side:
    digests = {setting: fingerprints.of_value(key, value) for setting, value in resolution.values.items()}
    return Side(name, digests, {origin.setting: origin.version for origin in resolution.origins})


def _row(name: str, left: Side, right: Side) -> dict[str, Any]:
    return {
        "setting": name,
        "state": _state(left.digests.get(name), right.digests.get(name)),
        "left_version": left.versions.get(name, ""),
        "right_version": right.versions.get(name, ""),
    }


def _state(left: str | None, right: str | None) -> str:
    if left is None or right is None:
        return "only_right" if left is None else "only_left"
    return "equal" if left == right else "different"


def _lines(left: Side, right: Side, rows: list[dict[str, Any]]) -> list[str]:
    words = {"only_left": f"only in {left.name}", "only_right": f"only in {right.name}"}
    cells = [
        (
            row["setting"],
            words.get(row["state"], row["state"]),
            output.short(row["left_version"]),
            output.short(row["right_version"]),
        )
        for row in rows
    ]
    return output.table(("setting", "state", left.name, right.name), cells)
