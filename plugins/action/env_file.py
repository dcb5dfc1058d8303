# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Collection, Mapping
from typing import Any, Optional

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_files, dotenv, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import health_check
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import main as env_file_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    external_health,
    remote_program,
    transport_guard,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.inventory_environment import host_names
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import registered

SSH = re.compile(r"^(Failed to connect to the host via ssh|Data could not .* can be reached over ssh): ")
"""Beginnings of Ansible's messages on ssh."""
SET_HERE = ("content", "snapshot_id", "journal", "fingerprint_key", "files", "file_contents")


def _unusable(answer: Mapping[str, Any], state: str) -> dict[str, bool]:
    """Marks a host that failed before it had the file, whatever its accounts did."""
    failed = bool(answer.get("failed")) and not answer.get("lost")
    failed = failed and state == "present" and "restart_needed" not in answer
    return {"unusable": True} if failed else {}


class ActionModule(ActionBase):
    """Renders on the controller and sends the module one opaque string."""

    TRANSFERS_FILES = False

    def run(self, tmp: Optional[str] = None, task_vars: Optional[dict[str, Any]] = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = dict(self._task.args)
        env = args.pop("env", None)
        if env is not None:
            # Callbacks see the task's arguments, so the values leave them before anything can fail.
            self._task.args = {**args, "env": sorted(env) if isinstance(env, Mapping) else "VALUE_REMOVED"}
        remote_program.refuse_internal(args, SET_HERE, module="env_file", give="snapshot or env")
        state = args.get("state", "present")
        snapshot = self._snapshot(args, env, task_vars or {})
        args["snapshot_id"] = snapshot.get("snapshot_id", "inline")
        args.setdefault("readers", list(snapshot.get("readers") or dotenv.DEFAULT_READERS))
        if state == "present":
            _require_addresses(args.get("services") or {})
            transport_guard.require(self._connection, self._task)
            self._require_shut(snapshot, task_vars or {})
            args.update(
                **_rendered(args, snapshot, host_names(task_vars or {})),
                journal=int(snapshot.get("journal", 0)),
                fingerprint_key=snapshot.get("fingerprint_key") or secrets.token_hex(16),
            )
        masked = redaction.maskable(snapshot["settings"], snapshot.get("sensitivity", {}))
        try:
            answer = self._carried_out(args, task_vars or {})
        except AnsibleActionFail as error:
            raise AnsibleActionFail(redaction.scrub(str(error), masked)) from None
        clean: dict[str, Any] = redaction.scrub(answer, masked)
        # The journal uses this machine's clock.
        when = {"healthy_at": time.time()} if clean.get("healthy") else {}
        return {**result, **clean, **when, **_unusable(clean, state)}

    def _require_shut(self, snapshot: Mapping[str, Any], task_vars: Mapping[str, Any]) -> None:
        """Raises AnsibleActionFail if an authorized leaked key or a foothold could reveal the new values."""
        host = self._task.delegate_to or task_vars.get("inventory_hostname")
        names = [name for name, hosts in snapshot.get("opened", {}).items() if host in hosts]
        open_footholds = [name for name, hosts in snapshot.get("footholds", {}).items() if host in hosts]
        if names:
            raise AnsibleActionFail(
                f"Nothing was sent: {host} still authorizes the leaked key of {', '.join(names)}. Run the same "
                "leak response command again to remove the key there, or deploy without the host: "
                f"--limit 'all:!{host}'"
            )
        if open_footholds:
            raise AnsibleActionFail(
                f"Nothing was sent: an attacker may have left a foothold on {host}. Run the same leak response command "
                f"again. Check each foothold in the plan, then add -e leak_footholds_checked={','.join(open_footholds)}"
            )

    def _carried_out(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        """The host's answer, with the external health check.

        A lost host is a failure: Ansible runs no rescue for an unreachable host.
        """
        services = args.get("services") or {}
        if not services.get("external_health_url"):
            return self._or_lost({}, args, task_vars)
        answer = self._or_lost({}, {**args, "services": {**services, "record": False}}, task_vars)
        if answer.get("failed") or "health" not in answer:
            return answer
        service_options = remote_program.validated(env_file_main.ARGUMENT_SPEC, args)["services"]
        problem = external_health.problem(service_options)
        if problem:
            return {**answer, "failed": True, "msg": f"health check from the controller: {problem}"}
        if args.get("state", "present") != "present":
            return answer
        file_options = {name: args[name] for name in ("path", "snapshot_id", "owner", "group", "mode") if name in args}
        return self._or_lost(answer, {**file_options, "state": "healthy", "delivery": answer["delivery"]}, task_vars)

    def _or_lost(
        self, before: Mapping[str, Any], args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        try:
            return {**before, **self._on_host(args, task_vars)}
        except AnsibleConnectionFailure as error:
            then = (
                "Its services are healthy, and the next deploy verifies them again"
                if before
                else "If the connection broke during the deploy, the next deploy restarts and verifies its services"
            )
            reason = SSH.sub("", str(error)).rstrip(". ")
            why = f"the host cannot be reached: {reason}. {_unknown_key(str(error))}{then}"
            return {**before, "failed": True, "lost": True, "msg": why}

    def _on_host(self, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        params = remote_program.validated(env_file_main.ARGUMENT_SPEC, args)
        services = params.get("services")
        seconds = _wait_of(services) if services else 0
        return remote_program.execute(
            self, env_file_main, args=params, task_vars=task_vars, seconds=seconds, ends=False
        )

    def _snapshot(self, args: Mapping[str, Any], env: Any, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        name = args.get("snapshot")
        if (name is None) == (env is None):
            raise AnsibleActionFail("env_file needs exactly one of snapshot and env")
        if name is None:
            if not isinstance(env, Mapping):
                raise AnsibleActionFail("env must be a mapping of setting to text")
            return {"settings": dict(env)}
        snapshot = registered(name, task_vars, having="settings")
        return {**snapshot, "settings": {str(key): value for key, value in snapshot["settings"].items()}}


def _rendered(args: Mapping[str, Any], snapshot: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """The arguments with the content of ``.env`` and of this host's other files. Raises AnsibleActionFail."""
    header = None if args.get("merge") else atomic_file.HEADER
    values, files = snapshot["settings"], [catalog_files.output_file(data) for data in snapshot.get("files", ())]
    try:
        text = dotenv.to_dotenv(catalog_files.in_env(files, values), readers=args["readers"], header=header)
        own = catalog_files.of_host(files, names)
        contents = {file.path: file.content(values, args["readers"], atomic_file.HEADER) for file in own}
    except SecretsError as error:
        raise AnsibleActionFail(f"Nothing was sent: {error}") from None
    written = [file for file in own if contents[file.path] is not None]
    return {
        "content": text,
        "files": [_declared(file, values) for file in written] if "files" in snapshot else None,
        "file_contents": {file.path: contents[file.path] for file in written},
    }


def _declared(file: catalog_files.OutputFile, values: Mapping[str, str]) -> dict[str, Any]:
    described = {name: getattr(file, name) for name in ("path", "owner", "group", "mode", "credential")}
    return {**described, "settings": sorted(file.values(values))}


def _require_addresses(services: Mapping[str, Any]) -> None:
    """Raises AnsibleActionFail for an invalid address, which no retry makes healthy."""
    declared = [
        ("env_deploy_health_url, or services.*.health in the catalog", url) for url in services.get("health_urls", ())
    ]
    declared.append(("env_deploy_external_health_url", services.get("external_health_url")))
    for name, url in declared:
        if url is not None and not health_check.is_address(url):
            problem = "is not an http or https address" if url else "is empty"
            raise AnsibleActionFail(
                f"Nothing was sent: {name} {problem}. Correct it, or leave it out to skip that health check"
            )


def _unknown_key(error: str) -> str:
    """The remedy if SSH refused the host's key, since its own message names none."""
    if "Host key verification failed" not in error:
        return ""
    return (
        "Compare the host key: ansible-playbook watchparty.secrets.host_keys. Then trust it "
        "(docs/how-to/prepare-hosts.md#host-keys). "
    )


def _wait_of(services: Mapping[str, Any]) -> float:
    """Longest duration of restarts and health checks, in seconds."""
    each = max(services["health_delay"], 0) + services["health_timeout"]
    health_checks = len(services["health_urls"]) + sum(bool(entry["health_command"]) for entry in services["managed"])
    health: float = health_checks * (max(services["health_retries"], 0) + 1) * each
    return float(services["restart_timeout"]) + health
