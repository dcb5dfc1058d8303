# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Logins at a server during a rotation: old, new and the administrator's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.plugins.action import ActionBase
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    credential_graph,
    redaction,
    server_addresses,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login, with_login
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    host_answer,
    remote_program,
    transport_guard,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import (
    compared_servers,
    context,
    plan,
    preconditions,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.rotated_logins import rotated_logins
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass(frozen=True)
class Parties:
    """Logins of a credential's server, now or soon."""

    old: Login = field(repr=False)
    new: Login | None = field(repr=False)
    admin: Login = field(repr=False)
    url: str = field(repr=False)
    """The application's URL of the server."""
    admin_url: str = field(repr=False)
    aborting: bool = False
    number: int = 0
    rotation: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    leak: bool = False
    """Whether the rotation answers a leak: no act of the old value's holder may stop it."""
    late: bool = False
    """Whether the old value is revoked long after the new one came."""

    @property
    def nothing(self) -> bool:
        """Whether the rotation is aborted before a new value was made."""
        return self.aborting and self.new is None

    @property
    def removed(self) -> Login:
        """The old login, or in a rollback the new one."""
        if not self.aborting:
            return self.old
        if self.new is None:
            raise RotationError("the rotation has made no new value yet, so there is no value to remove")
        return self.new

    def of(self, login: Login) -> str:
        return with_login(self.url, login)

    @property
    def values(self) -> list[str]:
        """Texts that must not be shown."""
        logins = [self.old, self.admin, *([self.new] if self.new else [])]
        return [text for login in logins for text in (login.password,) if text and len(text) >= redaction.SHORTEST]


def parties(setting: RotationSetup, name: str, engine: str, *, former: str = "", by_itself: bool = False) -> Parties:
    """The parties of a credential in the rotation that this run holds. Raises SecretsError.

    ``former``: a pending task whose value the rotation revokes too. ``by_itself``: the credential has no administrator
    and changes by another way than its server.
    """
    logins = rotated_logins(setting, name, former, look=setting.holding)
    rotation, task = logins.rotation, logins.task
    stored = _present(setting, name) if task else logins.stored  # the application may go elsewhere by now
    admin, admin_url = (logins.old, "") if by_itself else administrator(setting, name, engine, rotation)
    _refuse_elsewhere(setting, stored)
    return Parties(
        old=logins.old,
        new=logins.new or (stored.login if task else None),
        admin=admin,
        url=stored.url or "",
        admin_url=admin_url,
        aborting=logins.aborting,
        number=logins.journal.head,
        rotation=rotation.id,
        notes=task.notes if task else rotation.notes.get(name, {}),
        leak=bool(rotation.plan.get("incident")),
        late=task is not None,
    )


def beforehand(setting: RotationSetup, name: str, engine: str, *, by_itself: bool = False) -> Parties:
    """The parties of a credential that is to be rotated, with a random, discarded password in place of the new one."""
    stored = _present(setting, name)
    admin, admin_url = (stored.login, "") if by_itself else administrator(setting, name, engine)
    kind = setting.kinds.get(stored.credential.kind, Kind(stored.credential.kind))
    journal = setting.known.journal or setting.rotator.look()
    return Parties(
        old=stored.login,
        new=plan.new_login(kind, stored, context.generate(64)),
        admin=admin,
        url=str(stored.url),
        admin_url=admin_url,
        number=journal.head,
        rotation="none yet",
        leak=setting.answers_leak(),
    )


def administrator(
    setting: RotationSetup, name: str, engine: str, rotation: OpenRotation | None = None
) -> tuple[Login, str]:
    """The login that may change this credential, and its URL: at the address that the catalog declares for it."""
    admin, server = server_addresses.required_server(setting.catalog, setting.catalog.credentials[name])
    stored = setting.held(admin)
    login = setting.administrators_login(admin, rotation)
    if stored.problems or login.password is None:
        raise RotationError(f"{name}: its administrator {admin.name} cannot be read: {'; '.join(stored.problems)}")
    # The name may stand in its URL alone, which the new value does not repeat.
    login = Login(login.username or stored.login.username, login.password)
    wrong = server_addresses.administrator_elsewhere(admin, engine, stored.locations)
    if wrong:
        raise RotationError(f"{name}: {wrong}")
    return login, server_addresses.administrators_url(server, engine, login)


def present_login(setting: RotationSetup, name: str) -> tuple[Login, str]:
    """The stored login and URL of a credential, outside a rotation."""
    stored = _present(setting, name)
    return stored.login, str(stored.url)


def _present(setting: RotationSetup, name: str) -> credential_graph.StoredCredential:
    (credential,) = setting.chosen([name])
    stored = setting.held(credential)
    if stored.problems or not stored.url:
        raise RotationError(f"{name}: {'; '.join(stored.problems) or preconditions.no_address(credential)}")
    _refuse_elsewhere(setting, stored)
    return stored


def _refuse_elsewhere(setting: RotationSetup, stored: credential_graph.StoredCredential) -> None:
    """Raises RotationError if only a store's value names the server: nothing is sent there."""
    wrong = server_addresses.leads_elsewhere(setting.catalog, stored.credential, stored.locations)
    if wrong:
        raise RotationError(f"{stored.credential.name}: {wrong}")


def outside(setting: RotationSetup, name: str, engine: str, masked: list[str]) -> tuple[Login, str]:
    """The present login and the administrator's URL, outside a rotation; fills ``masked``."""
    login, _url = present_login(setting, name)
    admin, admin_url = administrator(setting, name, engine)
    masked += [text for text in (login.password, admin.password) if text]
    return login, admin_url


FORMER: dict[str, Any] = {"pending_task": {"type": "str", "default": ""}}
"""A pending task of the open rotation: the previous value that it names is removed, not the rotation's own old one."""


def not_reached(
    action: ActionBase, task_vars: Mapping[str, Any] | None, error: AnsibleConnectionFailure
) -> dict[str, Any]:
    """Reports an unreachable host, which another can replace, as a failure of the task.

    Not as unreachable: with run_once, Ansible would end the play, or rescue each host with another task's reason.
    """
    where = action._task.delegate_to or (task_vars or {}).get("inventory_hostname")
    message = f"{where} cannot be reached; choose another by -e rotation_host=…"
    return {
        "failed": True,
        "not_reached": True,
        "msg": message,
        "detail": host_answer.printable(str(error), lines=True),
    }


class ServerAction(ActionBase):
    """Finds values on the controller and hands them to the module on standard input, never in the task's arguments."""

    TRANSFERS_FILES = False
    name = ""
    module: Any = None
    set_here: tuple[str, ...] = ()
    extra_options: dict[str, Any] = {}
    idle = "no new value was made, so no value is removed"
    by_any_host = True
    """Whether another host can run the module, as if it talks to a server."""
    private = True
    """Whether the host gets values that its application must not have. Then only the task's own become counts."""
    setting: RotationSetup | None = None
    """Setup of the rotation that runs this module, or None."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        result: dict[str, Any] = super().run(tmp, task_vars)
        args = self._given()
        masked: list[str] = []
        try:
            setting = self.setting or context.prepared(self.name, args)
            params = self._all_params(setting, args, masked)
            if params is None:
                return {**result, **self._idle()}
            answer = self._on_host(params, args["python"], task_vars or {})
        except AnsibleConnectionFailure as error:
            if not self.by_any_host:
                raise
            return {**result, **not_reached(self, task_vars, error)}
        except (SecretsError, AnsibleActionFail) as error:
            return {**result, **_failure(error, masked)}
        clean: dict[str, Any] = redaction.scrub(answer, masked)
        return {**result, **compared_servers.add_differences(setting, args["credential"], clean)}

    def many(
        self, setting: RotationSetup, options: Sequence[Mapping[str, Any]], task_vars: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Answers of :meth:`run` for each of these options, in one execution on the host. Options may name an earlier
        act as ``needs``. A failure stops no independent act."""
        answers: dict[int, dict[str, Any]] = {}
        ready: dict[int, dict[str, Any]] = {}
        masked: dict[int, list[str]] = {}
        python = None
        for number, entry in enumerate(options):
            self._task.args = {name: value for name, value in entry.items() if name != "needs"}
            args, masked[number] = self._given(), []
            python = args["python"]
            try:
                params = self._all_params(setting, args, masked[number])
            except (SecretsError, AnsibleActionFail) as error:
                answers[number] = _failure(error, masked[number])
                continue
            if params is None:
                answers[number] = self._idle()
            else:
                ready[number] = {"params": params, "needs": entry.get("needs")}
        self._task.args = {name: value for name, value in options[0].items() if name != "needs"}
        values = [text for texts in masked.values() for text in texts]
        try:
            results = self._each_on_host(_numbered(ready, answers), python, task_vars) if ready else []
        except AnsibleConnectionFailure as error:
            return [not_reached(self, task_vars, error) for _one in options]
        except (SecretsError, AnsibleActionFail) as error:
            results = [_failure(error, values) for _one in ready]
        for number, answer in zip(ready, results, strict=True):
            clean = redaction.scrub(answer, values)
            answers[number] = compared_servers.add_differences(setting, options[number]["credential"], clean)
        return [answers[number] for number in range(len(options))]

    def _given(self) -> dict[str, Any]:
        """The task's options. Raises AnsibleActionFail for an internal option."""
        remote_program.refuse_internal(self._task.args, self.set_here, module=self.name, give="credential and state")
        own = {**self._own(), "python": {"type": "str"}}
        own["credential"] = {**own["credential"], "required": True}
        _validated, args = self.validate_argument_spec(
            {**aws_argument_spec(), **context.OPTIONS, **self.extra_options, **own}
        )
        transport_guard.require(self._connection, self._task)
        result: dict[str, Any] = args
        return result

    def _own(self) -> dict[str, Any]:
        """The module's options that a task gives."""
        return {name: item for name, item in self.module.ARGUMENT_SPEC.items() if name not in self.set_here}

    def _idle(self) -> dict[str, Any]:
        return {"changed": False, "skipped": True, "msg": self.idle}

    def _all_params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        """Parameters from the task, and those that names stand for."""
        params = self.params(setting, args, masked)
        if params is None:
            return None
        return {**{name: args[name] for name in self._own() if args.get(name) is not None}, **params}

    def _each_on_host(
        self, acts: Sequence[Mapping[str, Any]], python: str | None, task_vars: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        valid = [{**act, "params": remote_program.validated(self.module.ARGUMENT_SPEC, act["params"])} for act in acts]
        return remote_program.execute_each(self, self.module, acts=valid, task_vars=task_vars, python=python)

    def _on_host(self, params: Mapping[str, Any], python: str | None, task_vars: Mapping[str, Any]) -> dict[str, Any]:
        valid = remote_program.validated(self.module.ARGUMENT_SPEC, params)
        return remote_program.execute(
            self,
            self.module,
            args=valid,
            task_vars=task_vars,
            packages=self.private,
            private=self.private,
            python=python,
            seconds=self.wait_of(valid),
        )

    def wait_of(self, params: Mapping[str, Any]) -> float:
        """Seconds that the module may wait for others beside its own work."""
        del params
        return 0

    def params(self, setting: RotationSetup, args: Mapping[str, Any], masked: list[str]) -> dict[str, Any] | None:
        """The options that the names stand for, or None if nothing is to be done; fills ``masked``."""
        raise NotImplementedError


def _failure(error: Exception, masked: Sequence[str]) -> dict[str, Any]:
    return {"failed": True, "msg": redaction.scrub(str(error), list(masked)), "error_type": type(error).__name__}


def _numbered(ready: Mapping[int, Mapping[str, Any]], answers: Mapping[int, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Acts to carry out, renumbered. ``needs`` is -1 if the needed act has failed."""
    places = {number: at for at, number in enumerate(ready)}
    acts = []
    for entry in ready.values():
        needs = entry["needs"]
        if needs is not None:
            needs = places[needs] if needs in places else -1 if answers[needs].get("failed") else None
        acts.append({"params": entry["params"], "needs": needs})
    return acts
