# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of ssh_key that runs on the host. Python 3.8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import program, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.accounts import HostAccount
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import (
    all_accounts,
    authorized_keys,
    authorized_keys_file,
    key_times,
    sessions,
)

ARGUMENT_SPEC: dict[str, Any] = {
    "credential": {"type": "str"},
    "state": {"type": "str", "choices": ["looked", "blocked", "present", "usable", "revoked"], "default": "present"},
    "env_path": {"type": "path"},
    "account": {"type": "str"},
    "file": {"type": "str"},
    "old": {"type": "str", "no_log": False},
    "new": {"type": "str", "no_log": False},
    "rollback": {"type": "bool", "default": False},
    "leak": {"type": "bool", "default": False},
    "evict": {"type": "list", "elements": "str", "default": []},
    "journal": {"type": "int", "default": 0},
}
RETURNS: dict[str, Any] = {
    "account": str,
    "file": str,
    "old": bool,
    "new": bool,
    "elsewhere?": [str],
    "unread?": int,
    "ended?": [str],
    "remaining_sessions?": int,
    "others?": [str],
    "evicted?": [str],
}


def answer(params: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Carries out the state. Raises SecretsError."""
    account = authorized_keys_file.account_of(params["account"])
    path = authorized_keys_file.path_of(account, params["file"])
    if not params["old"]:
        raise HostError("option old is missing. Set it to the public line of the key in use")
    try:
        old = authorized_keys.blob_of(params["old"])
        new = authorized_keys.blob_of(params["new"]) if params["new"] else None
    except ValueError as error:
        raise HostError("old or new %s" % error) from None
    before = authorized_keys_file.read_keys(account, path, old, new)
    if params["state"] in ("blocked", "present", "revoked") and not check:
        key_times.record(path)
    result = {"changed": False, "account": account.name, "file": path, "old": before.old, "new": before.new}
    if params["state"] == "present" and params["new"] and before.old:
        if not before.new:
            _refuse_late(params)
        result["changed"] = authorized_keys_file.add(account, path, old, params["new"], check=check)
        result["new"] = True
    if params["state"] in ("blocked", "revoked"):
        result.update(_removed(params, account, path, old, new, check=check))
    return result


def _removed(
    params: Mapping[str, Any],
    account: HostAccount,
    path: str,
    old: bytes,
    new: Any,
    *,
    check: bool,
) -> dict[str, Any]:
    removed_key, kept_key = (new, None) if params["rollback"] else (old, new)
    if removed_key is None:
        raise HostError("option new is missing. Set it to the public line of the key to be removed")
    if params["state"] == "blocked":
        changed = authorized_keys_file.disable(account, path, removed_key, check=check)
    else:
        changed = authorized_keys_file.remove(account, path, removed_key, kept_key, check=check)
    leak = params["leak"] and not params["rollback"]
    evicted = authorized_keys_file.evict(account, path, params["evict"] if leak else (), check=check)
    ended = sessions.end(account.name, {fingerprints.of_ssh_key(removed_key), *evicted}, leak=leak, check=check)
    elsewhere = all_accounts.holding(removed_key, but=path) if leak else None
    return {
        **({"elsewhere": elsewhere.paths, "unread": elsewhere.unread} if elsewhere else {}),
        **({"evicted": evicted} if leak else {}),
        "changed": changed or bool(ended.sources or evicted),
        "ended": ended.sources,
        "remaining_sessions": ended.left,
        "others": authorized_keys_file.others(account, path, removed_key, new if kept_key else old),
    }


def _refuse_late(params: Mapping[str, Any]) -> None:
    """Raises if a newer run changed the host: this run could add a key that was removed again."""
    if not params["env_path"]:
        return
    try:
        with atomic_file.open_file(params["env_path"], look=True) as env:
            seen = env_file_mark.Mark(env).journal
    except safe_files.NoDirectory:
        return
    if params["journal"] < seen:
        raise HostError(
            "another run changed this host with a newer journal (number %d; this run read number %d). No key was "
            "added; run the same command again" % (seen, params["journal"])
        )


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


if __name__ == "__main__":
    main()
