# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Grants of a role, and their fit into managed policies, which AWS limits in size and number."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import PolicyError

CHARACTERS = 6144
"""Characters of a managed policy. AWS does not count whitespace."""
POLICIES = 10
"""Policies that AWS attaches to a role, unless the account's quota was raised."""
VERSION = "2012-10-17"


@dataclass(frozen=True)
class Grant:
    """A statement of a policy. Only its resources, or the values of one condition, can make it long."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    equals: Mapping[str, str] = field(default_factory=dict)
    """Condition keys that must have exactly this value."""
    like: tuple[str, tuple[str, ...]] = ("", ())
    """A condition key, and patterns of which it must match one."""

    @property
    def statement(self) -> dict[str, Any]:
        condition: dict[str, Any] = {"StringEquals": dict(self.equals)} if self.equals else {}
        if self.like[0]:
            condition["StringLike"] = {self.like[0]: _one_or_more(self.like[1])}
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": _one_or_more(self.actions),
            "Resource": _one_or_more(self.resources),
            **({"Condition": condition} if condition else {}),
        }

    def _halves(self) -> tuple[Grant, ...]:
        """The same grant in two statements, or unchanged if it cannot be divided."""
        key, values = self.like
        middle = len(values if key else self.resources) // 2
        if not middle:
            return (self,)
        if key:
            return replace(self, like=(key, values[:middle])), replace(self, like=(key, values[middle:]))
        return replace(self, resources=self.resources[:middle]), replace(self, resources=self.resources[middle:])

    def pieces(self, room: int) -> tuple[Grant, ...]:
        """Statements of at most ``room`` characters that grant the same."""
        grants = list(_pieces(self, room))
        if len(grants) == 1:
            return tuple(grants)
        return tuple(replace(grant, sid=f"{grant.sid}{number}") for number, grant in enumerate(grants, 1))


def _pieces(grant: Grant, room: int) -> Iterator[Grant]:
    halves = grant._halves()
    if size(grant.statement) <= room or len(halves) == 1:
        yield grant
        return
    for half in halves:
        yield from _pieces(half, room)


def _one_or_more(values: Sequence[str]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def size(document: Any) -> int:
    """Characters as AWS counts them."""
    return len(json.dumps(document, separators=(",", ":")))


def fitted(role: str, grants: Sequence[Grant]) -> tuple[dict[str, Any], ...]:
    """The fewest documents that hold the grants, in their order.

    Raises PolicyError if a role cannot have so many policies, or if one grant is too long by itself.
    """
    room = CHARACTERS - size(_document([])) - 1
    documents: list[list[dict[str, Any]]] = []
    for grant in grants:
        for piece in grant.pieces(room):
            statement = piece.statement
            if size(statement) > room:
                raise PolicyError(
                    f"the policy of role {role}: statement {piece.sid} takes {size(statement):,} characters, and AWS "
                    f"accepts {CHARACTERS:,} in a policy; shorten the name in this statement"
                )
            if not documents or size(_document([*documents[-1], statement])) > CHARACTERS:
                documents.append([])
            documents[-1].append(statement)
    if len(documents) > POLICIES:
        raise PolicyError(
            f"role {role} would need {len(documents)} managed policies of {CHARACTERS:,} characters, and AWS "
            f"attaches at most {POLICIES}; use fewer secrets for the settings, or fewer places for the credentials"
        )
    return tuple(_document(document) for document in documents)


def _document(statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}
