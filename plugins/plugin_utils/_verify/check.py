# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks, their outcomes, and how they are chosen and run. Pure: facts in, results out.

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
    """Raised if a part of the facts could not be gathered; says why."""


class NotApplicable(SecretsError):
    """Raised if neither the catalog nor the operator asks for a part of the facts; says why."""


@dataclass(frozen=True)
class Facts:
    """Gathered parts: plain data with names, times and messages, never a value."""

    catalog: Catalog
    now: datetime
    parts: Mapping[str, Any] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    """Reasons, by missing part."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Reasons, by part that is not asked for."""

    def of(self, part: str) -> Any:
        """Raises :class:`NotGathered` and :class:`NotApplicable`."""
        if part in self.left_out:
            raise NotApplicable(self.left_out[part])
        if part not in self.parts:
            raise NotGathered(self.absent.get(part, f"not gathered: {part}"))
        return self.parts[part]


@dataclass(frozen=True)
class Outcome:
    """Result of a check at one place."""

    status: str
    message: str
    """The evidence."""
    place: str = ""
    """Host, secret, role or file."""
    file: str = ""
    """File of the repository, for checks that scan code."""
    line: int = 0
    target: str = ""
    """Another name in the command: a file or unit of a host, a credential."""
    command: str = ""
    """Overrides the check's command, if not empty."""


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
    id: str
    name: str
    area: str
    severity: str
    title: str
    """Statement that holds if the check passes."""
    reason: str
    """Consequence of a failure."""
    fix: str
    look: Callable[[Facts], Iterable[Outcome]]
    command: str
    """Template of the command that corrects a finding. {name} is the last word of {place}; {run} names the environment.
    If a person must decide, the command shows or opens the thing to change.
    """
    scope: tuple[str, ...] = ()
    """Sources that are read and not read, for the reference. Empty if the title says so."""
    needs: tuple[str, ...] = ()
    """Parts of the facts that it asks for. Other parts are not gathered."""

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
    check: Check
    outcomes: tuple[Outcome, ...]

    @property
    def status(self) -> str:
        """The worst status of its outcomes: a check passes only if every place could be checked."""
        statuses = {outcome.status for outcome in self.outcomes}
        return next((status for status in _WORST if status in statuses), NOT_CHECKED)

    @property
    def worst_first(self) -> tuple[Outcome, ...]:
        """Outcomes, worst first."""
        return tuple(sorted(self.outcomes, key=lambda outcome: _WORST.index(outcome.status)))


def registry() -> tuple[Check, ...]:
    """Every check, by number."""
    results = [
        importlib.import_module(f"{_checks.__name__}.{module_info.name}").CHECK
        for module_info in pkgutil.iter_modules(_checks.__path__)
        if module_info.name.startswith("wps")
    ]
    return tuple(sorted(results, key=lambda check: check.number))


EVERY = frozenset(("all", "tagged"))
"""Ansible's own tags, which choose no area."""


def chosen(only: Sequence[str], skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """Checks by id, name or area: all or ``only`` these, without ``skip``. Raises SecretsError for other words."""
    wanted, unwanted = ({word.strip().lower() for word in words} - EVERY for words in (only, skip))
    checks = {check: {check.id.lower(), check.name, check.area} for check in registry()}
    strange = sorted((wanted | unwanted) - set().union(*checks.values()))
    if strange:
        areas = ", ".join(dict.fromkeys(check.area for check in checks))
        raise SecretsError(
            f"no check is called {', '.join(strange)}; give an id such as WPS201, a name, or an area: {areas}"
        )
    rest = [check for check, words in checks.items() if (not wanted or wanted & words) and not unwanted & words]
    if not rest:
        raise SecretsError(
            f"no check to run: {', '.join(sorted(unwanted))} skips every check of {', '.join(sorted(wanted)) or 'all'}"
        )
    return tuple(rest)


def needed(checks: Iterable[Check]) -> tuple[str, ...]:
    return tuple(sorted({part for check in checks for part in check.needs}))


def run_checks(checks: Iterable[Check], facts: Facts) -> tuple[CheckResult, ...]:
    return tuple(CheckResult(check, _outcomes(check, facts)) for check in checks)


def ids(results: Iterable[CheckResult], status: str) -> list[str]:
    return [check_result.check.id for check_result in results if check_result.status == status]


def failure(results: Sequence[CheckResult], *, tolerates_not_checked: bool = False) -> str:
    """Reason for which verify_report, and so the playbook, fails. Empty if it passes."""
    failed, unmade = ids(results, FAIL), ids(results, NOT_CHECKED)
    if not failed and (tolerates_not_checked or not unmade):
        return ""
    reasons = [f"{', '.join(failed)} {'fails' if len(failed) == 1 else 'fail'}"] if failed else []
    reasons += [f"not checked: {', '.join(unmade)}"] if unmade else []
    return "; ".join(reasons)


def _outcomes(check: Check, facts: Facts) -> tuple[Outcome, ...]:
    outcomes: list[Outcome] = []
    try:
        for outcome in check.look(facts):
            outcomes.append(outcome)  # one by one, so that outcomes before a fault are kept
    except NotGathered as error:
        outcomes.append(unknown(str(error)))
    except NotApplicable as error:
        outcomes.append(not_applicable(str(error)))
    except Exception as error:  # noqa: BLE001 a fault must neither count as an answer nor end the other checks
        outcomes.append(unknown(f"unexpected error: {type(error).__name__} {_where(error)}; please report it"))
    return tuple(outcomes) or (unknown("there was nothing to check"),)


def _where(error: BaseException) -> str:
    """File and line of the fault. Its message could quote a value."""
    trace, last = error.__traceback__, None
    while trace:
        last, trace = trace, trace.tb_next
    return f"at {PurePath(last.tb_frame.f_code.co_filename).name}:{last.tb_lineno}" if last else "at an unknown place"
