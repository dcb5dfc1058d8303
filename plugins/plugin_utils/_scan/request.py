# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The options of leak_scan, the values that it searches for, and the files that it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, ScanError
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secret_stores import secret_stores
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import baseline as _baseline
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import (
    gitleaks,
    live_values,
    matchers,
    planted,
    sarif,
    scan,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sources as _sources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Needles, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_progress import show_on_stderr
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import NotChecked, ScanReport

NAME = "watchparty.secrets.leak_scan"
LISTED = 5
"""Reasons in a message, at most."""
PATHS = {"type": "list", "elements": "path", "default": []}
OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict"},
    "environment": {"type": "str"},
    **dict.fromkeys(_sources.TARGETS, PATHS),
    "history": {"type": "bool", "default": True},
    "tree": {"type": "bool", "default": True},
    "ignored": {"type": "bool", "default": False},
    "known_values": {"type": "str", "choices": ["auto", "required", "none"], "default": "auto"},
    "patterns": {"type": "str", "choices": ["auto", "required", "none"], "default": "auto"},
    "baseline": {"type": "path"},
    "json_file": {"type": "path"},
    "sarif_file": {"type": "path"},
}


@dataclass(frozen=True)
class ScanRequest:
    targets: tuple[tuple[str, str], ...]
    """The option's name and the path of each source."""
    scope: _sources.Scope
    known_values: str
    patterns: bool
    patterns_required: bool
    baseline: _baseline.Baseline | None
    json_file: str | None
    sarif_file: str | None
    no_patterns: str = ""
    """The remedy if scan_patterns=auto and gitleaks is not installed. Empty otherwise."""


def parse(args: Mapping[str, Any]) -> ScanRequest:
    """The checked options. Raises ScanError, which names the option and the remedy."""
    targets = tuple((name, path) for name in _sources.TARGETS for path in args[name])
    if not targets:
        raise ScanError(
            "nothing to scan was named; give -e scan_repositories=PATH or -e scan_paths=PATH (the module's options "
            f"{', '.join(_sources.TARGETS)})"
        )
    if not (args["history"] or args["tree"]):
        raise ScanError("scan_history=false and scan_tree=false leave nothing to scan. Set one of them to true")
    with_catalog = bool(args["catalog"]) and bool(args["environment"])
    if args["known_values"] == "required" and not with_catalog:
        raise ScanError(
            "scan_values=required (option known_values) needs the catalog and the environment. Set secrets_catalog and "
            "app_environment, or set scan_values=auto"
        )
    known = args["known_values"] if with_catalog else "none"
    program = gitleaks.installed()
    if args["patterns"] == "required" and not program:
        raise ScanError(
            f"scan_patterns=required (option patterns) needs gitleaks, which is not installed; {gitleaks.REMEDY}, or "
            "set scan_patterns=auto"
        )
    patterns = args["patterns"] != "none" and program is not None
    if known == "none" and not patterns:
        raise ScanError(
            "nothing to scan for: no live values (set secrets_catalog, app_environment and scan_values=auto) and no "
            f"patterns ({gitleaks.REMEDY}, and set scan_patterns=auto)"
        )
    return ScanRequest(
        targets=targets,
        scope=_sources.Scope(history=args["history"], tree=args["tree"], ignored=args["ignored"]),
        json_file=args["json_file"],
        sarif_file=args["sarif_file"],
        known_values=known,
        patterns=patterns,
        patterns_required=args["patterns"] == "required",
        baseline=baseline(args["baseline"]),
        no_patterns=gitleaks.REMEDY if args["patterns"] == "auto" and program is None else "",
    )


def scanned(request: ScanRequest, args: Mapping[str, Any]) -> ScanReport:
    """Reads the values and scans. Raises SecretsError."""
    looked_for, unread = _sought(request, args)
    slower = matchers.slower() if looked_for.needles else None
    if slower:
        Display().warning(slower)
    if request.no_patterns:
        unread = [*unread, NotChecked("patterns", "unknown secrets", request.no_patterns)]
    with ExitStack() as stack:
        sources = [_source(request, stack, name, path) for name, path in request.targets]
        report = scan.scan(
            sources,
            looked_for,
            engines=_engines(request) if request.patterns else (),
            engine=gitleaks.NAME if request.patterns else "",
            unread=unread,
            baseline=request.baseline,
            show=show_on_stderr,
        )
    return planted.expected(report, looked_for.planted)


def write(report: ScanReport, request: ScanRequest) -> list[str]:
    """Writes the report's files, readable by their owner, and returns their paths. Raises ScanError."""
    files = []
    for path, content in (
        (request.json_file, report.data()),
        (request.sarif_file, sarif.log(report)),
    ):
        if path:
            text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            reports_files.write_text(Path(path), text)
            files.append(path)
    return files


def _source(request: ScanRequest, stack: ExitStack, name: str, path: str) -> scan.Source:
    source = _sources.TARGETS[name].source(path, request.scope)
    stack.callback(getattr(source, "close", lambda: None))
    return source


def _engines(request: ScanRequest) -> list[scan.Source]:
    scans = [(path, _sources.TARGETS[name].patterns(request.scope)) for name, path in request.targets]
    return [gitleaks.Gitleaks(path, how, required=request.patterns_required) for path, how in scans if how]


def _sought(request: ScanRequest, args: Mapping[str, Any]) -> tuple[Needles, list[NotChecked]]:
    if request.known_values == "none":
        return Needles(), [NotChecked(live_values.VALUES, "", "scan_values=none, or no catalog or environment")]
    catalog = catalog_parser.parse(args["catalog"], args["environment"])
    try:
        connection = AwsConnection(NAME, dict(args))
        connection.require_aws_sdk()
        suit(connection, catalog)
        secrets = secret_stores(connection.store_client)
        parameters = ParameterStore(connection.store_client("ssm"))
        values, unread = live_values.read(catalog, secrets, parameters)
    except NoAccess as error:
        if request.known_values == "required" or not request.patterns:
            raise
        return Needles(), [NotChecked(live_values.VALUES, "live values", str(error))]
    result = needles_for(values)
    if not result.needles:
        raise ScanError(_nothing_sought(args["environment"], result, unread))
    return replace(result, planted=honeytokens.planted(catalog)), unread


def _nothing_sought(environment: str, result: Needles, unread: Sequence[NotChecked]) -> str:
    """The error for a scan without values, whose report would always be clean."""
    reasons = [f"{entry.name} ({entry.stage}) is {entry.reason}" for entry in result.left_out]
    reasons = [*reasons, *map(str, unread)][:LISTED]
    return (
        f"the stores of {environment} hold no value to search for: {'; '.join(reasons) or 'they are empty'}. Check "
        "app_environment and the AWS account; to search only for patterns, set scan_values=none"
    )


def baseline(path: str | None) -> _baseline.Baseline | None:
    """The accepted findings in a file. Raises ScanError."""
    if not path:
        return None
    try:
        document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ScanError(f"baseline {path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a day such as 2026-02-30
        raise ScanError(f"baseline {path}: is not valid YAML") from None
    result = _baseline.parse(document, datetime.now(UTC).date())
    return _baseline.Baseline(result.entries, tuple(f"{path}: {problem}" for problem in result.problems))
