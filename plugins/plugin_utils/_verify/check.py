# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check is, what it finds, and how checks are chosen and run. Pure: facts in, results out.

A check is one file in ``checks``; nothing else lists it.
"""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import (
    FAIL,
    NOT_APPLICABLE,
    NOT_CHECKED,
    PASS,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import checks as _checks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import finding_command

_WORST = (FAIL, NOT_CHECKED, PASS, NOT_APPLICABLE)
SEVERITIES = ("high", "medium", "low")
DOCS = "https://github.com/watchparty/secrets/blob/main/docs/reference/checks.md"


class NotGathered(SecretsError):
    """Raised when a check asks for a part of the facts that could not be had; says why."""


class NotApplicable(SecretsError):
    """Raised for a part of the facts that neither the catalog nor the operator asks for; says why."""


@dataclass(frozen=True)
class Facts:
    """What was gathered. The parts are plain data that holds names, times and words, never a value."""

    catalog: Catalog
    now: datetime
    parts: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    """Why a part is not there."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Why a part is not asked for."""

    def of(self, part: str) -> Any:
        """Raises :class:`NotGathered` and :class:`NotApplicable`."""
        if part in self.left_out:
            raise NotApplicable(self.left_out[part])
        if part not in self.parts:
            raise NotGathered(self.absent.get(part, f"not gathered: {part}"))
        return self.parts[part]


@dataclass(frozen=True)
class Outcome:
    """What a check found in one place."""

    status: str
    message: str
    """The evidence."""
    place: str = ""
    """What it was found at: a host, a secret, a role, a file."""
    file: str = ""
    """A file of the repository, for what scans code."""
    line: int = 0
    target: str = ""
    """What its command names beside the place: a file or unit of a host, a credential."""
    command: str = ""
    """Instead of its check's."""


def good(message: str, place: str = "") -> Outcome:
    return Outcome(PASS, message, place)


def bad(
    message: str, place: str = "", *, file: str = "", line: int = 0, target: str = "", command: str = ""
) -> Outcome:
    return Outcome(FAIL, message, place or file, file, line, target, command)


def unknown(message: str, place: str = "") -> Outcome:
    return Outcome(NOT_CHECKED, message, place)


def not_applicable(message: str, place: str = "") -> Outcome:
    return Outcome(NOT_APPLICABLE, message, place)


@dataclass(frozen=True)
class Check:
    """One question, with the answer's meaning."""

    id: str
    name: str
    area: str
    severity: str
    title: str
    """What holds when it passes."""
    reason: str
    """Why it matters."""
    fix: str
    look: Callable[[Facts], Iterable[Outcome]]
    command: str
    """What corrects a finding at {place} with its {target}, {file} and {line}, or what {name} names, in this {run}'s
    environment. Where a person must decide: what shows or opens the thing to change."""
    scope: tuple[str, ...] = ()
    """What it reads and what it does not, for the reference. Empty where the title says it."""
    needs: tuple[str, ...] = ()
    """The parts of the facts that it asks for; what no chosen check needs is not gathered."""

    @property
    def link(self) -> str:
        return f"{DOCS}#{self.id.lower()}"

    def command_for(self, outcome: Outcome, environment: str) -> str:
        """Never empty."""
        names = {"place": outcome.place, "name": outcome.place.rpartition(" ")[2], "target": outcome.target}
        names |= {"file": outcome.file, "line": str(outcome.line), "id": self.id}
        names |= {"run": f"-e app_environment={shlex.quote(environment)}"}
        command = finding_command.filled(outcome.command or self.command, names)
        return command or finding_command.filled(finding_command.AGAIN, names)

    @property
    def number(self) -> int:
        return int(self.id[len("WPS") :])


@dataclass(frozen=True)
class CheckResult:
    """A check's answer."""

    check: Check
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> str:
        """The worst of its outcomes: it passes only if everything was looked at."""
        statuses = {outcome.status for outcome in self.outcomes}
        return next((status for status in _WORST if status in statuses), NOT_CHECKED)

    @property
    def results(self) -> tuple[Outcome, ...]:
        """The outcomes, the worst first."""
        return tuple(sorted(self.outcomes, key=lambda outcome: _WORST.index(outcome.status)))


def registry() -> tuple[Check, ...]:
    """Every check there is, by its number."""
    results = [
        importlib.import_module(f"{_checks.__name__}.{module_info.name}").CHECK
        for module_info in pkgutil.iter_modules(_checks.__path__)
        if module_info.name.startswith("wps")
    ]
    return tuple(sorted(results, key=lambda check: check.number))


EVERY = frozenset(("all", "tagged"))
"""Ansible's own tags, which choose no area."""


def chosen(only: Sequence[str], skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks with these ids, names or areas, or all, without those to skip. Raises SecretsError for other words."""
    wanted, unwanted = ({word.strip().lower() for word in words} - EVERY for words in (only, skip))
    checks = {check: {check.id.lower(), check.name, check.area} for check in registry()}
    strange = sorted((wanted | unwanted) - set().union(*checks.values()))
    if strange:
        areas = ", ".join(dict.fromkeys(check.area for check in checks))
        raise SecretsError(f"no check is called {', '.join(strange)}; give ids such as WPS201, names, or {areas}")
    rest = [check for check, words in checks.items() if (not wanted or wanted & words) and not unwanted & words]
    if not rest:
        raise SecretsError(
            f"no check to run: {', '.join(sorted(unwanted))} skips every check of {', '.join(sorted(wanted)) or 'all'}"
        )
    return tuple(rest)


def needed(checks: Iterable[Check]) -> tuple[str, ...]:
    return tuple(sorted({part for check in checks for part in check.needs}))


def run(checks: Iterable[Check], facts: Facts) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(check, _looked(check, facts)) for check in checks)


def ids(results: Iterable[CheckResult], status: str) -> list[str]:
    return [check_result.check.id for check_result in results if check_result.status == status]


def failure(results: Sequence[CheckResult], *, tolerates_not_checked: bool = False) -> str:
    """Why the run must not end with exit code 0. Empty if it may."""
    failed, unmade = ids(results, FAIL), ids(results, NOT_CHECKED)
    if not failed and (tolerates_not_checked or not unmade):
        return ""
    reasons = [f"{', '.join(failed)} {'fails' if len(failed) == 1 else 'fail'}"] if failed else []
    reasons += [f"{', '.join(unmade)} could not be checked"] if unmade else []
    return "; ".join(reasons)


def _looked(check: Check, facts: Facts) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    try:
        for outcome in check.look(facts):
            outcomes.append(outcome)  # one by one: what was found before a fault counts
    except NotGathered as error:
        outcomes.append(unknown(str(error)))
    except NotApplicable as error:
        outcomes.append(not_applicable(str(error)))
    except Exception as error:  # noqa: BLE001 a fault of ours must neither pass for an answer nor end the others
        outcomes.append(unknown(f"fault: {type(error).__name__} {_where(error)}"))
    return tuple(outcomes) or (unknown("there was nothing to check"),)


def _where(error: BaseException) -> str:
    """The place of the fault; its words may quote what they choked on."""
    trace, last = error.__traceback__, None
    while trace:
        last, trace = trace, trace.tb_next
    return f"at {PurePath(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "at an unknown place"
