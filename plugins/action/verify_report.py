# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import shutil
import ssl
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from ansible import constants
from ansible.utils.display import Display
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, timestamps, verdicts
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import VERIFICATION_FAILED
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError, one_line
from ansible_collections.watchparty.secrets.plugins.module_utils._core.time_limit import within
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer, process_identity
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection, suit
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import files as reports_files
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.run_arguments import completed
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import announcer, events, metrics
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import accepted as verify_accepted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import (
    honeytoken_rows,
    host_baselines,
    previous_values_results,
    server_logins_results,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import sarif as verify_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_baselines import BaselineRun

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "required": True},
    "info": {"type": "str", "required": True},
    "hosts": {"type": "dict", "default": {}},
    "tried": {"type": "dict", "default": {}},
    "servers": {"type": "dict", "default": {}},
    "sessions": {"type": "dict", "default": {}},
    "outside": {"type": "list", "elements": "str", "default": []},
    "cafile": {"type": "path"},
    "timeout": {"type": "int", "default": 5},
    "baseline": {"type": "path"},
    "not_checked": {"type": "str", "choices": ["fail", "warn"], "default": "fail"},
    "path": {"type": "path"},
}
READ_BY_PEOPLE = ("default", "ansible.builtin.default", "watchparty.secrets.console")
"""Callbacks whose standard output is text."""
METRIC_SECONDS = 15
AT_ONCE = 8
"""Addresses checked side by side."""


class ActionModule(ControllerAction):
    options = {**aws_argument_spec(), **OPTIONS}

    def _announced(
        self, catalog: Catalog, failed: list[str], used: list[str], reason: str, args: Mapping[str, Any]
    ) -> None:
        """Contacts that could not be notified are a warning."""
        connection = AwsConnection("watchparty.secrets.verify_report", args)
        suit(connection, catalog, check_account=False)
        at = timestamps.stamp(datetime.now(UTC))
        about = {"application": catalog.application, "environment": catalog.environment, "reason": reason}
        me = {"who": process_identity.me(), "at": at, "checks": failed, "credentials": used}
        event = events.made(VERIFICATION_FAILED, f"verify-{at}", "failed", **about, **me)
        for line in announcer.announcer_of(catalog, connection.announcing_client).announce(event):
            Display().warning(line)

    @staticmethod
    def _compare(catalog: Catalog, hosts: host_baselines.Answers, args: Mapping[str, Any]) -> dict[str, Any]:
        """Adds differences from the baseline, which only this task reads: it is too large for a result."""
        connection = AwsConnection("watchparty.secrets.verify_report", args)
        with suppress(SecretsError):
            suit(connection, catalog, check_account=False)
        run = BaselineRun.of(catalog, connection.store_client, records=False)
        return {
            host: {**answer, "baseline": host_baselines.rows(host, answer, run.recorded, run.problem)}
            for host, answer in hosts.items()
        }

    def _measured(self, catalog: Catalog, counts: Mapping[str, int], args: Mapping[str, Any]) -> None:
        """Sends metrics. A refusal by AWS is a warning: the alarms fire for missing metrics."""
        if catalog.alerts is None:
            return
        connection = AwsConnection("watchparty.secrets.verify_report", args)

        def sent() -> str:
            suit(connection, catalog, check_account=False)
            metrics.put(connection.store_client("cloudwatch"), catalog, metrics.of_verification(counts))
            return ""

        try:
            problem = within(METRIC_SECONDS, sent, f"no answer within {METRIC_SECONDS} s")
        except SecretsError as error:
            problem = one_line(error)
        if problem:
            Display().warning(f"no metrics were sent: {problem}")

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        info = registered(args["info"], task_vars, having="parts")
        checks = verify_check.chosen(info["checks"])
        require_certificates(args["cafile"])
        parts = dict(info["parts"])
        if info.get("hosts_needed"):
            parts["hosts"] = {str(name): host(item) for name, item in args["hosts"].items()}
        if info.get("outside_needed"):
            parts["outside"] = check_addresses(args["outside"], args["timeout"], args["cafile"])
        if "former" in parts:
            tries = (args["tried"], args["servers"], args["sessions"])
            parts["former"] = previous_values_results.merged(parts["former"], *tries)
        if "servers" in parts:
            parts["servers"] = server_logins_results.merged(parts["servers"], args["servers"])
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        if "host_baseline" in parts:
            parts["hosts"] = self._compare(catalog, parts["hosts"], args)
        facts = verify_check.Facts(
            catalog=catalog,
            now=datetime.now(UTC),
            parts=parts,
            absent=dict(info.get("absent") or {}),
            left_out=dict(info.get("left_out") or {}),
        )
        accepted = acceptances(args["baseline"], facts.now.date())
        results, problems = verify_accepted.applied(accepted, verify_check.run_checks(checks, facts))
        for problem in problems:
            Display().warning(f"verify_baseline: {problem}")
        result = verify_table.data(facts, results, sorted(parts.get("hosts", ())))
        is_whole = len(checks) == len(verify_check.registry()) and not task_vars.get("ansible_limit")
        files = written(result, args["path"], partial=not is_whole) if args["path"] else []
        show(result, files)
        failed, unmade = (verify_check.ids(results, status) for status in (verdicts.FAIL, verdicts.NOT_CHECKED))
        answer: dict[str, Any] = {"changed": False, "counts": result["counts"], "files": files}
        answer |= {"failed_checks": failed, "not_checked": unmade}
        if reason := verify_check.failure(results, tolerates_not_checked=args["not_checked"] == "warn"):
            message = f"{verify_table.summary(result)}: {reason}"
            answer |= {"failed": True, "msg": message}
            if not self._task.check_mode:
                self._announced(facts.catalog, failed or unmade, honeytoken_rows.used(results), message, args)
        if is_whole and not self._task.check_mode:
            self._measured(facts.catalog, result["counts"], args)
        return answer


LATE = (
    "no answer within the %d s that the run had left. Find out what the host waits for, or give the run more time: "
    "-e verify_budget=SECONDS"
)


def host(result: Any) -> dict[str, Any]:
    answer = dict(result) if isinstance(result, Mapping) else {}
    message = host_answer.printable(one_line(answer.get("msg") or "no answer"))
    if answer.get("unreachable"):
        return {"problem": f"cannot be reached: {message}"}
    if isinstance(answer.get("timedout"), Mapping):
        return {"problem": LATE % answer["timedout"].get("period", 0)}
    if "file" not in answer:  # failed_when removes the key "failed"
        return {"problem": message if answer.get("msg") else "was not asked"}
    return answer


def acceptances(path: str | None, today: date) -> verify_accepted.Acceptances:
    """Raises SecretsError for an unreadable file, because accepted findings would fail a run without it."""
    if not path:
        return verify_accepted.Acceptances()
    try:
        return verify_accepted.parse(yaml.safe_load(Path(path).read_text(encoding="utf-8")), today)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not a YAML file in UTF-8"
        raise SecretsError(
            f"verify_baseline: {path}: {reason}; correct the file, or leave verify_baseline out"
        ) from None


def require_certificates(cafile: str | None) -> None:
    """Raises SecretsError for a file that would make every certificate look untrusted."""
    if cafile:
        try:
            ssl.create_default_context(cafile=cafile)
        except OSError as error:
            message = "holds no certificate" if isinstance(error, ssl.SSLError) else error.strerror
            raise SecretsError(f"verify_cafile: {cafile}: {message}") from None


def check_addresses(urls: Sequence[str], seconds: float, cafile: str | None) -> dict[str, Any]:
    unique = sorted(set(urls))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = pool.map(partial(health_check.ask_once, seconds=seconds, cafile=cafile), unique)
        return dict(zip(unique, answers, strict=True))


def written(result: Mapping[str, Any], path: str, *, partial: bool) -> list[str]:
    """Writes the files. A partial report does not replace a full one."""
    folder = reports_files.folder(path)
    name = "partial" if partial else "verify"
    texts = {
        f"{name}.json": json.dumps(result, indent=1, sort_keys=True) + "\n",
        f"{name}.sarif": json.dumps(verify_sarif.log(result), indent=1) + "\n",
        f"{name}.html": pages.verification(result),
    }
    for name, text in texts.items():
        reports_files.write_text(folder / name, text)
    return [str(folder / name) for name in texts]


def show(result: Mapping[str, Any], files: Sequence[str]) -> None:
    """Prints the table, because a task's result would quote every line. Uses stderr if a program may read stdout."""
    columns = shutil.get_terminal_size((100, 24)).columns
    others = constants.config.get_config_value("DEFAULT_STDOUT_CALLBACK") not in READ_BY_PEOPLE
    table = verify_table.table(result, columns, whole=Display().verbosity > 0)
    for line, colour in [*table, *((f"report: {path}", "") for path in files)]:
        Display().display(completed(line), color=colour or None, stderr=others)
