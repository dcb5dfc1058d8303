# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Acts of kinds that the controller, or the rotation host, carries out: those of one kind together."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.host_acts import SSH_KEY
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import stages_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import (
    DISABLING,
    METHODS,
    Answer,
    NotReached,
    Part,
    ServerPrograms,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import Blocked, Progress
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Credential = Mapping[str, Any]
Request = tuple[str, Credential]
"""A stage, and a credential whose kind acts at it."""


def requests_of(by_stage: Mapping[str, Sequence[Credential]]) -> list[Request]:
    """Requests by credential, with stages in order; without acts on hosts."""
    result: dict[str, list[Request]] = {}
    for stage, credentials in by_stage.items():
        for credential in credentials:
            if credential["act"] != plan.DROP_FALLBACK and credential["kind"] != SSH_KEY:
                result.setdefault(credential["name"], []).append((stage, credential))
    return [stage for stages in result.values() for stage in stages]


def carry_out(
    setting: RotationSetup, server: ServerPrograms, requests: Sequence[Request], options: Mapping[str, Any]
) -> Iterator[tuple[str, Credential, Answer, float]]:
    """Answers of successful acts, and their seconds; 0 if unknown.

    Raises RotationError that names every failed credential, after all of its kind were tried. If old values are
    disabled, other kinds are tried too: the holder of one value must not keep another valid. Raises Blocked if the
    rotation host is unreachable.
    """
    if requests:
        setting.rotator.read_ahead(setting.rotator.holding()[1])
    failures: list[RotationError] = []
    for kind, group in itertools.groupby(requests, key=lambda pair: str(pair[1]["kind"])):
        try:
            yield from _of_one_kind(setting, server, kind, list(group), options)
        except RotationError as error:
            failures.append(error)
            if requests[0][0] not in DISABLING:
                break
    blocked = [error for error in failures if isinstance(error, Blocked)]
    if failures:
        raise type((blocked or failures)[0])("; ".join(map(str, failures)))


@contextmanager
def going_on(progress: Progress) -> Iterator[None]:
    """Turns a failed block into a warning: the login's revocation is verified later."""
    try:
        yield
    except Blocked:
        raise
    except RotationError as error:
        progress("warning", "", f"not blocked: {error}", 0)


def foothold_lines(answer: Answer) -> list[str]:
    """Lines about removed and possible footholds."""
    removed = [f"removed: {line}" for line in answer.get("evicted", ())]
    return [*removed, *(f"possible foothold: {line}" for line in answer.get("footholds", ()))]


def _of_one_kind(
    setting: RotationSetup, server: ServerPrograms, kind: str, requests: Sequence[Request], options: Mapping[str, Any]
) -> Iterator[tuple[str, Credential, Answer, float]]:
    began = time.monotonic()
    parts = [(stage, Part(setting, server, credential, options)) for stage, credential in requests]
    try:
        answers = stages_for(setting.kinds[kind]).carry_out(parts)
    except NotReached as error:
        named = ", ".join(dict.fromkeys(f"{METHODS[stage]} {part.name}" for stage, part in parts))
        raise Blocked(f"{named}: {error}") from None
    took = time.monotonic() - began if len(requests) == 1 else 0.0
    failures: dict[str, str] = {}
    for (stage, credential), answer in zip(requests, answers, strict=False):
        if isinstance(answer, RotationError):
            failures.setdefault(credential["name"], f"{METHODS[stage]} {credential['name']}: {answer}")
        else:
            yield stage, credential, answer, float(answer.get("took", took))
    if failures:
        raise RotationError("; ".join(failures.values()))
