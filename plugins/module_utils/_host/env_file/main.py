# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs env_file on the host."""

from __future__ import annotations

import json
import sys
from typing import Any, Dict, List, Optional

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, file_set
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import delivery as env_file_delivery
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import diff as env_file_diff
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file.atomic_file import EnvFile, Ownership
from ansible_collections.watchparty.secrets.plugins.module_utils._host.service_managers.options import MANAGED

ARGUMENT_SPEC = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "healthy", "restored", "stopped"], "default": "present"},
    "snapshot": {"type": "str"},
    "delivery": {"type": "str"},
    "env": {"type": "dict"},
    "content": {"type": "str", "no_log": True},
    "snapshot_id": {"type": "str"},
    "journal": {"type": "int", "default": 0},
    "files": {
        "type": "list",
        "elements": "dict",
        "options": {
            "path": {"type": "str", "required": True},
            "settings": {"type": "list", "elements": "str", "required": True},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str", "required": True},
            "credential": {"type": "str"},
        },
    },
    "file_contents": {"type": "dict", "no_log": True, "default": {}},
    "fingerprint_key": {"type": "str", "no_log": True},
    "readers": {
        "type": "list",
        "elements": "str",
        "choices": list(dotenv.READERS),
        "default": list(dotenv.DEFAULT_READERS),
    },
    "merge": {"type": "bool", "default": False},
    "mark": {"type": "bool", "default": True},
    "backup": {"type": "bool", "default": True},
    "assume_healthy": {"type": "bool", "default": False},
    "services": {
        "type": "dict",
        "options": {
            "command": {"type": "str"},
            "units": {"type": "list", "elements": "str", "default": []},
            "managed": MANAGED,
            "health_urls": {"type": "list", "elements": "str", "default": []},
            "external_health_url": {"type": "str"},
            "health_retries": {"type": "int", "default": 30},
            "health_delay": {"type": "float", "default": 1},
            "health_timeout": {"type": "float", "default": 5},
            "record": {"type": "bool", "default": True},
            "restart_timeout": {"type": "float", "default": 120},
        },
    },
    "addresses": {"type": "bool", "default": False},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "mode": {"type": "str", "default": "0600"},
}
RETURNS = {
    "path?": str,
    "mode?": str,
    "restart_needed?": bool,
    "healthy?": bool,
    "restored?": bool,
    "health?": [
        {
            "url": str,
            "status": int,
            "seconds": float,
            "problem?": str,
            "tls?": {"days?": int, "until?": str, "problem?": str},
        }
    ],
    "delivery?": str,
    "changes?": {"added": [str], "changed": [str], "removed": [str]},
    "addresses?": ["address"],
    "files?": [str],
    "snapshot_id?": str,
    "warnings?": [str],
    "diff?": {"before_header": str, "after_header": str, "before": "text", "after": "text"},
}

KEPT = (
    "%s: is no longer in files of the catalog, but somebody changed it after the last deploy, so it stays. Delete the "
    "file if no program reads it"
)


def octal(mode: int) -> str:
    return "%04o" % mode


def deliver(module: AnsibleModule, env: EnvFile, wanted: Ownership) -> Dict[str, Any]:
    """Handles state=present: plans, then writes unless in check mode."""
    params, path = module.params, module.params["path"]
    present = atomic_file.present(env.file)
    mark = env_file_mark.Mark(env) if params["mark"] else None
    if mark:
        mark.refuse_older(params["journal"])
    text, readers = params["content"], tuple(params["readers"])
    if params["merge"] and present:
        try:
            text = dotenv.merge(present.content.decode("utf-8"), dotenv.from_dotenv(text, readers), readers)
        except UnicodeDecodeError:
            raise HostError(
                "%s: is not UTF-8, so its other lines cannot be kept; convert the file to UTF-8, or set merge=false"
                % path
            ) from None
    content = text.encode("utf-8")
    before = env_file_diff.settings_of(present.content if present else None, readers)
    after = dotenv.from_dotenv(text, readers)
    knows = params["files"] is not None and not params["merge"]
    contents, owned_by = params["file_contents"], (params["owner"], params["group"])
    declared = (
        [file_set.declared(file, contents[file["path"]], *owned_by) for file in params["files"]] if knows else None
    )
    plan = env_file_delivery.planned(env, content, wanted, present, mark, declared, check=module.check_mode)
    result: Dict[str, Any] = {
        "changed": plan.rewrite,
        "path": path,
        "mode": octal(plan.wanted.mode),
        "changes": env_file_diff.changes(before, after),
        "restart_needed": plan.restart,
        "files": sorted(change.path for change in plan.others if change.rewrite),
    }
    for unmanaged in plan.kept:
        module.warn(KEPT % unmanaged)
    if module._diff and plan.rewrite:
        sides = ((before, octal(present.mode) if present else ""), (after, result["mode"]))
        result["diff"] = env_file_diff.diff(path, *sides, key=params["fingerprint_key"] or "", files=plan.others)
    if plan.restart and params["services"]:
        require_restartable(params["services"])
    if module.check_mode:
        return result
    env_file_delivery.deliver(plan, params["snapshot_id"], params["journal"], keep=params["backup"])
    if mark:
        result["delivery"] = mark.delivery
    result["healthy"] = plan.is_settled
    return result


def require_restartable(services: Dict[str, Any]) -> None:
    """Raises HostError."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._host import services as _services

    _services.require_restartable(services)


def record(params: Dict[str, Any], env: EnvFile, delivery: str) -> None:
    """Raises HostError unless the file is from that delivery."""
    present = atomic_file.required(env.file)
    env_file_mark.Mark(env).record_healthy(params["snapshot_id"], present, delivery)


def record_healthy(module: AnsibleModule, env: EnvFile) -> Dict[str, Any]:
    path = module.params["path"]
    present = atomic_file.required(env.file)
    mark = env_file_mark.Mark(env)
    changed = not mark.is_settled(mark.current(present))
    if not module.check_mode:
        mark.record_healthy(module.params["snapshot_id"], present, module.params["delivery"])
    return {"changed": changed, "path": path, "mode": octal(present.mode), "healthy": not module.check_mode}


def restore(module: AnsibleModule, env: EnvFile, wanted: Ownership) -> Dict[str, Any]:
    path, snapshot, delivery = (module.params[name] for name in ("path", "snapshot_id", "delivery"))
    present = atomic_file.present(env.file)
    mark = env_file_mark.Mark(env)
    mark.refuse_foreign(snapshot, delivery)
    mark.refuse_healthy(present, delivery)
    changed, restored = mark.goes_back(present)
    wanted = atomic_file.filled(wanted, present)
    if not module.check_mode:
        mark.go_back(wanted, [name for name in (snapshot, delivery) if name])
    return {"changed": changed, "path": path, "restored": restored}


def stop(module: AnsibleModule) -> None:
    """Raises HostError."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._host import services  # few executions need it

    if not module.params["services"]:
        raise HostError("state=stopped needs services")
    if not module.check_mode:
        services.stop(module.params["services"])


def restarted(module: AnsibleModule, result: Dict[str, Any], owner: Optional[int]) -> Dict[str, Any]:
    """Restarts and verifies. Returns the results; ``result`` holds until then."""
    from ansible_collections.watchparty.secrets.plugins.module_utils._host import services  # few executions need it

    # The last line counts: this one, if the process is killed meanwhile.
    ended = {
        **result,
        "failed": True,
        "msg": "the module was killed on the host before the services were healthy; deploy again",
    }
    sys.stdout.write("\n%s\n" % json.dumps(ended))
    sys.stdout.flush()
    params = module.params
    health = services.restarted_and_healthy(params["services"], params["path"])
    if params["state"] != "present" or not params["services"]["record"]:
        return {"health": health}
    with atomic_file.open_file(params["path"], owner=owner) as env:
        record(params, env, result["delivery"])
    return {"health": health, "healthy": True}


def own_addresses() -> List[str]:
    import subprocess  # few executions need it

    try:
        # pylint: disable-next=ansible-bad-function
        return subprocess.check_output(["hostname", "-I"], stderr=subprocess.DEVNULL).decode("ascii", "ignore").split()
    except (OSError, subprocess.CalledProcessError):
        return []


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    result: Dict[str, Any] = {"addresses": own_addresses()} if params["addresses"] else {}
    if params["snapshot_id"]:
        result["snapshot_id"] = params["snapshot_id"]
    try:
        if params["services"] and (params["assume_healthy"] or not params["mark"] or params["state"] == "healthy"):
            raise HostError("services: cannot be combined with assume_healthy=true, mark=false or state=healthy")
        if params["files"] and (params["merge"] or not params["mark"]):
            raise HostError(
                "files of the catalog need merge=false and mark=true; use ansible-playbook watchparty.secrets.deploy"
            )
        if params["state"] == "stopped":
            stop(module)
            module.exit_json(changed=True, **result)
        wanted = atomic_file.ownership(params["owner"], params["group"], params["mode"])
        with atomic_file.open_file(params["path"], owner=wanted.uid, write=not module.check_mode) as env:
            if params["state"] == "present":
                result.update(deliver(module, env, wanted))
                if params["assume_healthy"] and params["mark"] and not module.check_mode:
                    record(params, env, result["delivery"])
                    result["healthy"] = True
            else:
                result.update(
                    record_healthy(module, env) if params["state"] == "healthy" else restore(module, env, wanted)
                )
        if params["services"] and (result.get("restart_needed") or result.get("restored")):
            result["changed"] = True
            if not module.check_mode:
                result.update(restarted(module, result, wanted.uid))
    except SecretsError as error:
        if isinstance(error, env_file_delivery.NotUndone):
            result.update(changed=True, restart_needed=True)
        module.fail_json(msg=str(error), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
