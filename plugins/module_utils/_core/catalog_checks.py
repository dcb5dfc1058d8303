# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that the schema cannot express: names must exist, and some values may not be in the catalog."""

from __future__ import annotations

import re
from typing import Callable, Iterator, Optional

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_files,
    external_value_request,
    honeytokens,
    kind_names,
    provider_requests,
    server_endpoint,
    valkey_key_patterns,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Server,
    Setting,
    SettingRef,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import PURGED
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_services import service_problems
from ansible_collections.watchparty.secrets.plugins.module_utils._core.production_rules import RULES, STRICT_RULES
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER, SSM

_PARAMETER = re.compile(r"(/[A-Za-z0-9_.-]+){1,15}")
PASSWORD = "{password}"
"""Placeholder for the generated password in a setting's first value."""


def references(catalog: Catalog) -> list[str]:
    """Problems of the catalog, each as ``path: problem``."""
    return [line for check in _CHECKS for line in check(catalog)]


def _undeclared(setting: str) -> str:
    return f"{setting} is not a setting; correct the name, or declare it: settings: {{{setting}: {{group: app}}}}"


def _settings(catalog: Catalog) -> Iterator[str]:
    for name, setting in catalog.settings.items():
        where = f"settings.{name}"
        if setting.required_when and setting.required_when not in catalog.settings:
            yield f"{where}.required.when: {_undeclared(setting.required_when)}"
        if setting.is_pattern:
            yield from _pattern(where, setting)
        if setting.schemes and setting.type != "url":
            yield f"{where}.schemes: is for type url only; write type: url, or remove schemes"
        for part in setting.compose.parts if setting.compose else ():
            if isinstance(part, SettingRef) and part.name not in catalog.settings:
                yield f"{where}.compose: {_undeclared(part.name)}"
            elif isinstance(part, SettingRef) and catalog.settings[part.name].compose:
                yield f"{where}.compose: {part.name} is itself composed; name its parts here"


def _pattern(where: str, setting: Setting) -> Iterator[str]:
    ends = re.search(r"(^|/)" + re.escape(setting.name) + "$", setting.place.name if setting.place else "")
    if not setting.place or setting.place.key is not None or not ends:
        yield f"{where}: a name that ends in * needs a parameter that ends in * as well, such as App/{setting.name}"
    if setting.required or setting.copies:
        yield f"{where}: a name that ends in * cannot be required and cannot have copies; remove these keys"


def _kept_where(catalog: Catalog) -> Iterator[str]:
    for name, setting in catalog.settings.items():
        where = f"settings.{name}"
        if setting.literal is not None and setting.sensitivity != "low":
            level = setting.sensitivity
            yield (
                f"{where}.value: a value of {level} sensitivity does not belong in the catalog; write group: app "
                f"instead, then run ansible-playbook watchparty.secrets.set -e set_names={name}"
            )
        if setting.github == "variable" and setting.sensitivity == "high":
            yield f"{where}.github: a variable at GitHub is readable, and the sensitivity is high; write github: secret"


def _provisioned(catalog: Catalog) -> Iterator[str]:
    for name, setting in catalog.settings.items():
        where = f"settings.{name}"
        if setting.github_scope and not setting.github:
            yield f"{where}.github_scope: has no effect without github; add github: secret, or remove github_scope"
        if setting.initial is None:
            continue
        if not setting.place:
            yield f"{where}.initial: is for stored settings only; give the setting a group, secret or parameter"
        if setting.sensitivity != "low" and PASSWORD not in setting.initial:
            message = f"a value of {setting.sensitivity} sensitivity does not belong in the catalog"
            yield f"{where}.initial: {message}; write {PASSWORD} in it"
        if PASSWORD in setting.initial and not any(
            name in credential.settings for credential in catalog.credentials.values()
        ):
            yield f"{where}.initial: {PASSWORD} needs a credential; add {name} to appears_in of a credential"


def _places_once(catalog: Catalog) -> Iterator[str]:
    owners: dict[str, str] = {}
    for name, setting in catalog.settings.items():
        for place in setting.own_places:
            other = owners.setdefault(str(place), name)
            if other != name:
                yield f"settings.{name}: {place} already holds {other}; give one of these settings another key"


def _alternatives(catalog: Catalog) -> Iterator[str]:
    for name, choices in catalog.alternatives.items():
        for at, choice in enumerate(choices):
            for member in choice:
                where = f"alternatives.{name}[{at}]"
                if member not in catalog.settings:
                    yield f"{where}: {_undeclared(member)}"
                elif catalog.settings[member].required:
                    yield f"{where}: {member} is always required; remove required from settings.{member}"


def _credentials(catalog: Catalog) -> Iterator[str]:
    for name, credential in catalog.credentials.items():
        where = f"credentials.{name}"
        for setting in credential.settings:
            if setting not in catalog.settings:
                yield f"{where}.appears_in: {_undeclared(setting)}"
        if credential.fallbacks and credential.fallbacks not in catalog.settings:
            yield f"{where}.fallbacks: {_undeclared(credential.fallbacks)}"
        for other in credential.exposes + ((credential.admin,) if credential.admin else ()):
            if other not in catalog.credentials:
                yield f"{where}: {other} is not a credential; correct the name, or declare it in credentials"
        for setting in credential.parts.settings:
            if setting not in catalog.settings:
                yield f"{where}.parts: {_undeclared(setting)}"
        if credential.test is not None:
            yield from external_value_request.problems(f"{where}.test", credential.test)
        yield from _api(where, credential)
        yield from _server(catalog, where, credential)


def _api(where: str, credential: Credential) -> Iterator[str]:
    needed = {"api": credential.api, "test": credential.test} if credential.kind == kind_names.HTTP_API else {}
    yield from (
        f"{where}.{key}: is required for kind {credential.kind}; add it (docs/how-to/declare-a-credential.md)"
        for key, section in needed.items()
        if not section
    )
    if credential.api and not needed:
        yield f"{where}.api: has no effect on kind {credential.kind}; remove it, or write kind {kind_names.HTTP_API}"
    elif credential.api:
        yield from provider_requests.problems(f"{where}.api", credential.api)


def _server(catalog: Catalog, where: str, credential: Credential) -> Iterator[str]:
    administered = {
        name: kind_names.PORTS[kind_names.ENGINES[item.kind]]
        for name, item in catalog.credentials.items()
        if item.admin == credential.name and item.kind in kind_names.ADMINISTERED
    }
    ports = set(administered.values())
    if len(ports) > 1:
        yield (
            f"{where}: administers PostgreSQL and Valkey ({', '.join(administered)}); declare an administrator for each"
        )
    if credential.server is not None:
        port = next(iter(ports), kind_names.usual_port(credential.kind))
        yield from _declared(f"{where}.server", credential.server, port)
    elif administered:
        example = f"db.example.com:{min(ports)}"
        yield (
            f"{where}.server: is required, because {credential.name} administers {', '.join(administered)} and its "
            f'password goes to no other address. Add, with the address of the server: server: {{address: "{example}"}}'
        )


def _declared(where: str, server: Server, port: Optional[int]) -> Iterator[str]:
    """Problems of an administrator's server. ``port`` is None for a kind that an operator wrote."""
    endpoints = []
    for key, addresses in (("address", (server.address,)), ("aliases", server.aliases), ("nodes", server.nodes)):
        for address in addresses:
            try:
                endpoints.append(server_endpoint.parse(address, port or 1))
            except ValueError as error:
                yield f"{where}.{key}: {address} {error}"
    valkey = kind_names.PORTS[kind_names.VALKEY]
    if port == valkey and any(endpoint.is_socket for endpoint in endpoints):
        yield f"{where}: Valkey is reached by host:port, not by a socket; write for example 10.0.1.7:6379"
    if port not in (None, valkey) and server.nodes:
        yield f"{where}.nodes: is for Valkey only; list other addresses of the server in {where}.aliases"
    weak = server.tls.mode not in (None, server_endpoint.VERIFIED) and not server.tls.reason
    if weak and not all(endpoint.is_local for endpoint in endpoints):
        yield (
            f"{where}.tls.mode: {server.tls.mode} does not verify the server's identity; use "
            f"{server_endpoint.VERIFIED} (with tls.ca for a private authority), or give the reason in tls.reason"
        )
    if bool(server.tls.cert) != bool(server.tls.key):
        yield f"{where}.tls: a client certificate needs both cert and key; add the other path"


def _purged(catalog: Catalog) -> Iterator[str]:
    for name, entry in catalog.purge.items():
        where = f"purge.{name}"
        if entry.kind not in PURGED:
            yield f"{where}.kind: write {' or '.join(PURGED)}"
        setting = catalog.settings.get(entry.setting)
        if setting is None:
            yield f"{where}.setting: {_undeclared(entry.setting)}"
            continue
        if setting.type != "url":
            yield f"{where}.setting: {entry.setting} is not of type url; write settings.{entry.setting}.type: url"
        for at, pattern in enumerate(entry.keys):
            problem = valkey_key_patterns.problem(pattern, of_broker=setting.broker)
            if problem:
                yield f"{where}.keys[{at}]: {problem}"


def _notified(catalog: Catalog) -> Iterator[str]:
    for name, notifier in catalog.notifiers.items():
        where = f"notify.{name}"
        for setting in notifier.settings:
            if setting not in catalog.settings:
                yield f"{where}: {_undeclared(setting)}"
            elif not catalog.settings[setting].place or catalog.settings[setting].is_pattern:
                yield (
                    f"{where}: {setting} is in no store, and a secret does not belong in the catalog; give it "
                    "a group, secret or parameter"
                )
        if notifier.command and not notifier.command[0].startswith("/"):
            yield f"{where}.command: {notifier.command[0]} is not a full path; begin it with a slash"
        if notifier.email and bool(notifier.email.username) != bool(notifier.email.password):
            yield f"{where}.email: a login needs both username and password; add the other"


def _production(catalog: Catalog) -> Iterator[str]:
    rules = sorted({**RULES, **STRICT_RULES})
    for at, exemption in enumerate(catalog.exemptions):
        where = f"environments.{catalog.environment}.exceptions[{at}]"
        if exemption.rule not in rules:
            yield f"{where}.rule: {exemption.rule} is not a rule; rules are {', '.join(rules)}"
        if exemption.setting not in catalog.settings:
            yield f"{where}.setting: {exemption.setting} is not a setting; correct the name, or remove the exception"
    if catalog.production:
        if not catalog.contacts.get("security"):
            yield "contacts.security: is required for production; add contacts: {security: security@example.com}"
        if not catalog.audit_log:
            yield (
                "audit_log: is required for production; add audit_log: {log_group: /APPLICATION/audit} "
                "or {s3: BUCKET/PREFIX}"
            )
    if len(catalog.audit_log) > 1:
        yield "audit_log: give log_group or s3, not both"


def _mirrored(catalog: Catalog) -> Iterator[str]:
    mirror = catalog.mirror
    if mirror is None:
        return
    for group, path in mirror.groups.items():
        below = f"{catalog.ssm_path}/{path}/"
        if not any(copy.name.startswith(below) for setting in catalog.settings.values() for copy in setting.copies):
            yield (
                f"mirror.groups.{group}: no setting of this environment is in the group {group}; remove "
                f"it, or write group: {group} at a setting"
            )
    for setting in catalog.settings.values():
        for copy in setting.copies:
            if copy.store == SSM and not _PARAMETER.fullmatch(copy.name):
                yield (
                    f"settings.{setting.name}: {copy} is not a valid parameter name (letters, digits and .-_, "
                    "at most 15 levels); give a copy of another name, or another key"
                )
    if mirror.replicas and not (catalog.aws and catalog.aws.replicas):
        yield "mirror.replicas: needs the regions in aws.replicas; add aws: {replicas: [eu-west-1]}"
    sources = [
        setting for setting in catalog.settings.values() if setting.place and setting.place.store == SECRETS_MANAGER
    ]
    if mirror.function and not any(copy.store == SSM for setting in sources for copy in setting.copies):
        yield "mirror.function: has no parameters to mirror; add mirror.groups or a setting's copies, or remove it"
    if mirror.function and mirror.function.alarm_hours > 24:
        yield "mirror.function.alarm_hours: CloudWatch alarms look back one day at most; give 24 or less"
    if mirror.function and mirror.function.schedule_minutes > mirror.function.alarm_hours * 60:
        yield (
            "mirror.function: alarm_hours is shorter than schedule_minutes, so the alarm would always "
            "fire; raise alarm_hours"
        )


def _files(catalog: Catalog) -> Iterator[str]:
    delivered = (name for name, setting in catalog.settings.items() if setting.rendered)
    return catalog_files.problems(catalog.files, delivered)


_CHECKS: tuple[Callable[[Catalog], Iterator[str]], ...] = (
    _settings,
    _kept_where,
    _provisioned,
    _places_once,
    _alternatives,
    _credentials,
    honeytokens.problems,
    _purged,
    _mirrored,
    _notified,
    _files,
    lambda catalog: service_problems(catalog.services),
    _production,
)
