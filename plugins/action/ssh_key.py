# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ansible.errors import AnsibleConnectionFailure

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.ssh import main as ssh_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair, verbose_output
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import login as ssh_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import ssh_key as rotation_ssh_key
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.new_values import required
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.server_action import FORMER, ServerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class KeyCheckFailed(RotationError):
    """Raised if a host's sshd does not accept or reject a key as it must."""


class ActionModule(ServerAction):
    """Handles one host: the module there knows only public keys, and the controller tries logins."""

    name = "watchparty.secrets.ssh_key"
    module = ssh_main
    by_any_host = False
    private = False
    extra_options = {**FORMER, "evict": {"type": "list", "elements": "str", "default": []}}
    set_here = ("old", "new", "rollback", "leak", "journal", "account", "file")

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._host = str(self._task.delegate_to or (task_vars or {}).get("inventory_hostname"))
        return super().run(tmp, task_vars)

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        name, looked = args["credential"], args["state"] == "looked"
        self._pair = (
            rotation_ssh_key.present(setting, name)
            if looked
            else rotation_ssh_key.concerned(setting, name, args["pending_task"])
        )
        masked += self._pair.values
        if self._pair.gone is None:  # the rotation was aborted before a new key was made
            return None
        if args["state"] not in ("looked", "blocked"):
            required(self._pair.new, name)
        self._evict = args["evict"]
        options = setting.catalog.credentials[name].options
        self._way = ssh_login.way_of(self._connection, self._host, options.get("user") or "")
        return {
            "old": self._pair.public(self._pair.old),
            "new": self._pair.public(self._pair.new),
            "rollback": self._pair.rollback,
            "leak": self._pair.leak,
            "journal": self._pair.number,
            "account": options.get("user") or self._connection.get_option("remote_user"),
            "file": options.get("authorized_keys"),
        }

    def _on_host(self, params: Mapping[str, Any], python: str | None, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        def on_host(**other: Any) -> dict[str, Any]:
            answer = super(ActionModule, self)._on_host({**params, **other}, python, task_vars)
            # A leak response skips and names the host, whatever its accounts did.
            return {**answer, "unusable": True} if answer.get("failed") else answer

        steps = {
            "looked": self._look,
            "blocked": self._blocked,
            "present": lambda run: run(),
            "usable": self._usable,
            "revoked": self._revoked,
        }
        try:
            result = steps[params["state"]](on_host)
        except KeyCheckFailed as error:
            if not self._pair.leak:
                raise
            # The host decides what its sshd accepts, so a leak response skips it too.
            result = {"failed": True, "unusable": True, "msg": str(error)}
        return {
            **result,
            "messages": rotation_ssh_key.messages(self._way.name, self._pair.name, result, check=self._task.check_mode),
        }

    def _look(self, on_host: Any) -> dict[str, Any]:
        looked = on_host()
        self._require_another_way(self._pair.old)
        return looked

    def _blocked(self, on_host: Any) -> dict[str, Any]:
        self._require_another_way(self._pair.old)
        result = on_host()
        try:
            return self._rejected(result, self._pair.old)
        except AnsibleConnectionFailure as error:  # whoever has the key may keep sshd busy; the host stays in the run
            return {**result, "failed": True, "msg": str(error)}

    def _usable(self, on_host: Any) -> dict[str, Any]:
        usable = on_host(state="looked")
        if usable.get("failed") or not (usable["old"] or usable["new"]):
            return usable
        if not usable["new"]:
            msg = f"{usable['file']} does not authorize the new key; if the rotation added it, find out who removed it"
            return {**usable, "failed": True, "unusable": True, "msg": msg}  # its account may have removed it
        self._require(self._pair.new, accepted=True)
        return {**usable, "accepted": True}

    def _revoked(self, on_host: Any) -> dict[str, Any]:
        removed_key, kept_key = str(self._pair.gone), self._pair.kept
        own = self._require_another_way(removed_key)
        if not self._pair.rollback and not self._is_accepted(str(kept_key)):
            looked = on_host(state="looked")
            if not looked.get("failed") and looked["old"] and not looked["new"] and self._pair.leak:
                looked = on_host(state="present")  # the host was unreachable when the new key was authorized
            if looked.get("failed") or looked["old"]:
                self._require(kept_key, accepted=True)
            if looked.get("failed"):
                return looked
        ours = {own, *([key_pair.fingerprint(kept_key, self._pair.name)] if kept_key else [])}
        return self._rejected(on_host(evict=[key for key in self._evict if key not in ours]), removed_key)

    def _rejected(self, result: dict[str, Any], removed_key: str) -> dict[str, Any]:
        """The host's answer, and whether its sshd now rejects the key."""
        if not result.get("failed") and not self._task.check_mode:
            problem = self._still_open(removed_key, result)
            if problem:  # a leak response skips the host, where an attacker would read new values
                result.update(failed=True, unusable=self._pair.leak, msg=problem)
            else:
                result["accepted"] = False
        return result

    def _still_open(self, removed_key: str, result: Mapping[str, Any]) -> str:
        """Ways by which the removed key still logs in. Empty without one."""
        others = rotation_ssh_key.elsewhere(self._pair.name, result)
        try:
            self._require(removed_key, accepted=False, file=result["file"], others=others)
        except KeyCheckFailed as error:
            return str(error)
        return f"{others}; remove the key from these files, then run the same command again" if others else ""

    def _require_another_way(self, removed_key: str) -> str:
        """Raises RotationError if Ansible's own login uses the revoked key. Returns the key that it uses.

        ssh tries keys before a password, so a password counts only if no key is accepted.
        """
        verdict, key = ssh_login.own(self._way), key_pair.fingerprint(removed_key, self._pair.name)
        by_password = self._way.by_password and not verdict.logged_in and verdict.denied
        if verdict.by == key or (by_password and key in verdict.taken):
            forbid = "ansible_ssh_common_args: -o PubkeyAuthentication=no"
            remedy = f". Or, if the host accepts a password, forbid keys: {forbid}" if self._way.by_password else ""
            raise RotationError(
                f"Ansible itself logs in to {self._way.name} with the key to revoke, and would be locked out. Give "
                f"Ansible another key (ansible_ssh_private_key_file, or an agent without the key to revoke){remedy}"
            )
        if not verdict.logged_in and not by_password:
            self._fail(f"a new login to {self._way.name} fails, so no key was removed", verdict)
        return verdict.by

    def _is_accepted(self, private: str) -> bool:
        """Whether the host accepts the key. A removed key's accepted offer is enough; a kept key must log in."""
        key_verdict = ssh_login.ask_key(self._way, private, self._pair.name, in_full=private != self._pair.gone)
        if key_verdict.accepted is None:
            name, key = self._way.name, key_verdict.fingerprint
            silent = f"{name} did not answer when key {key} was offered, so it is unknown whether it accepts the key"
            untried = f"key {key} could not be tried on {name}"
            self._fail(silent if key_verdict.verdict.is_unanswered(key) else untried, key_verdict.verdict)
        return key_verdict.accepted

    @staticmethod
    def _fail(message: str, verdict: verbose_output.Verdict) -> NoReturn:
        """Raises KeyCheckFailed if the host rejects the login. A host without an answer is lost."""
        message = f"{message}: {verdict.reason or 'no answer'}"
        raise KeyCheckFailed(message) if verdict.denied else AnsibleConnectionFailure(message)

    def _require(self, private: str | None, *, accepted: bool, file: str = "", others: str = "") -> None:
        if self._is_accepted(str(private)) is accepted:
            return
        if accepted:
            raise KeyCheckFailed(
                f"{self._way.name} rejects the new key from the controller; check sshd's log, and from= in the old "
                "key's line"
            )
        raise KeyCheckFailed(
            f"{self._way.name} STILL ACCEPTS the old key. It was removed from {file}, but another file authorizes it "
            f"({others or 'to see which: sshd -T | grep -i authorized'}). Remove the key from that file, then run the "
            "same command again"
        )
