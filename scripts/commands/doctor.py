# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The command doctor: requirements of a run on this machine, in AWS and on the way to the hosts, each with its
remedy."""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
import re
import shlex
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import yaml
from ansible.errors import AnsibleError
from ansible.module_utils.compat.version import LooseVersion
from ansible_collections.amazon.aws.plugins.module_utils.botocore import MINIMUM_BOTO3_VERSION

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NoAccess, SecretsError, counted
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import OUTSIDE_AWS
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.collection_metadata import (
    OURS,
    folders,
    metadata,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.environment_summary import report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import body_of
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.log import AuditLog
from ansible_collections.watchparty.secrets.scripts.commands import environments, output

GOOD, PROBLEM, NO_ACCESS, UNCHECKED = "good", "problem", "no access", "not checked"
SECONDS = 3
"""Seconds for a host."""
OPTIONAL: dict[str, tuple[str, Callable[[Catalog], bool]]] = {
    "pynacl": ("GitHub's secrets", lambda catalog: catalog.github is not None),
    **{
        section.package: (store.title(), lambda catalog, store=store: store in catalog.servers)  # type: ignore[misc]
        for store, section in OUTSIDE_AWS.items()
        if section.package
    },
}
JUMPS = ("ProxyJump", "ProxyCommand", "-J")


@dataclass(frozen=True)
class Diagnosis:
    subject: str
    state: str
    message: str
    remedy: str = ""


def doctor(args: argparse.Namespace) -> int:
    findings = list(_findings(environments.Reader(args), args.environment))
    output.show(
        args,
        answer={"environment": args.environment, "findings": [asdict(finding) for finding in findings]},
        lines=_lines(findings),
    )
    states = {finding.state for finding in findings}
    return 3 if NO_ACCESS in states else 1 if PROBLEM in states else 0


def _findings(reader: environments.Reader, environment: str) -> Iterator[Diagnosis]:
    """Results. A check that needs a failed one is left out: its failure would hide the cause."""
    yield Diagnosis("python", GOOD, platform.python_version())
    yield _package("ansible-core", _lowest(_runtime()["requires_ansible"]))
    yield _package("boto3", MINIMUM_BOTO3_VERSION)
    yield _collection(OURS, "0")
    yield from (_collection(name, _lowest(text)) for name, text in metadata(OURS)["dependencies"].items())
    try:
        reader.document()
    except (SecretsError, AnsibleError) as error:
        yield Diagnosis("inventory", PROBLEM, str(error))
        return
    try:
        catalog, connection = reader.catalog()
    except (SecretsError, AnsibleError) as error:
        yield _failed("catalog and account", error)
    else:
        yield Diagnosis("catalog", GOOD, f"{counted(len(catalog.settings), 'setting')} of {catalog.application}")
        yield from (_optional(package, feature) for package, (feature, used) in OPTIONAL.items() if used(catalog))
        yield _account(connection)
        yield _attempted("stores", lambda: _stores(reader))
        yield _attempted("audit log", lambda: _audit(catalog, connection))
    yield from _hosts(reader, environment)


def _installed(package: str) -> str:
    """The package's version. Empty if it is missing."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _package(name: str, least: str) -> Diagnosis:
    return _version(name, _installed(name), least, f"pip install '{name}>={least}'")


def _collection(name: str, least: str) -> Diagnosis:
    remedy = f"ansible-galaxy collection install '{name}:>={least}'"
    return _version(name, str(metadata(name).get("version", "")), least, remedy)


def _runtime() -> dict[str, Any]:
    return dict(yaml.safe_load((folders(OURS)[0] / "meta" / "runtime.yml").read_text(encoding="utf-8")))


def _lowest(requirement: str) -> str:
    """The lowest version of a requirement such as ``>=10.0.0`` or ``>=10.0.0,<12``."""
    return re.findall(r">=\s*([\w.]+)", requirement)[0]


def _version(name: str, version: str, least: str, remedy: str) -> Diagnosis:
    if not version:
        return Diagnosis(name, PROBLEM, "is not installed, or its version is unknown", remedy)
    if LooseVersion(version) < LooseVersion(least):
        return Diagnosis(name, PROBLEM, f"{version} is too old", remedy)
    return Diagnosis(name, GOOD, version)


def _optional(name: str, feature: str) -> Diagnosis:
    version = _installed(name)
    if version:
        return Diagnosis(name, GOOD, version)
    return Diagnosis(name, PROBLEM, f"is not installed; the catalog uses {feature}", f"pip install {name}")


def _failed(subject: str, error: Exception) -> Diagnosis:
    """The result of an error, whose message ends with its remedy."""
    return Diagnosis(subject, NO_ACCESS if isinstance(error, NoAccess) else PROBLEM, str(error))


def _attempted(subject: str, act: Callable[[], Diagnosis]) -> Diagnosis:
    try:
        return act()
    except (SecretsError, AnsibleError) as error:
        return _failed(subject, error)


def _account(connection: AwsConnection) -> Diagnosis:
    def describe() -> Diagnosis:
        with aws_errors.translated("sts:GetCallerIdentity", "the account"):
            identity = connection.store_client("sts").get_caller_identity()
        return Diagnosis("account", GOOD, f"{identity['Account']} as {identity['Arn']} in {connection.region}")

    return _attempted("account", describe)


def _stores(reader: environments.Reader) -> Diagnosis:
    answer = report(reader.read())
    problems = [*answer["problems"], *answer["notes"]]
    if answer["problems"]:
        return Diagnosis("stores", PROBLEM, "; ".join(problems))
    return Diagnosis("stores", GOOD, "; ".join([f"{counted(len(answer['names']), 'setting')} with a value", *problems]))


def _audit(catalog: Catalog, connection: AwsConnection) -> Diagnosis:
    if not catalog.audit_log:
        remedy = "add to the catalog: audit_log: {log_group: /APPLICATION/audit}"
        return Diagnosis("audit log", PROBLEM, "the catalog has no audit_log", remedy)
    where = AuditLog(catalog, body_of(catalog, connection.store_client)).ready()["where"]
    return Diagnosis("audit log", GOOD, str(where))


def _hosts(reader: environments.Reader, environment: str) -> Iterator[Diagnosis]:
    hosts = {host.name: reader.inventory.connection_of(host) for host in reader.inventory.hosts_of(environment)}
    if not hosts:
        yield Diagnosis("hosts", PROBLEM, "the inventory has no host in app_hosts", "add the environment's hosts there")
        return
    with ThreadPoolExecutor(min(20, len(hosts))) as pool:
        yield from pool.map(partial(_host, reader.inventory.paths), hosts, hosts.values())


def _host(inventory: Sequence[str], name: str, variables: dict[str, Any]) -> Diagnosis:
    subject = f"host {name}"
    if variables.get("ansible_connection", "ssh") not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        return Diagnosis(subject, GOOD, f"connection {variables['ansible_connection']}")
    inventory_options = [word for path in inventory for word in ("-i", path)]
    by_hand = shlex.join(["ansible", *inventory_options, name, "-m", "ansible.builtin.ping"])
    options = " ".join(str(variables.get(f"ansible_ssh_{part}_args", "")) for part in ("common", "extra"))
    if any(word in options for word in JUMPS):
        return Diagnosis(subject, UNCHECKED, "is reached through another host; try the login by hand", by_hand)
    address, port = str(variables.get("ansible_host", name)), int(variables.get("ansible_port", 22))
    try:
        with socket.create_connection((address, port), SECONDS) as connection:
            banner = connection.recv(4)
    except OSError as error:
        why = error.strerror or "no answer in time"
        return Diagnosis(
            subject, PROBLEM, f"{address} port {port}: {why}", f"correct ansible_host or the firewall, then: {by_hand}"
        )
    if banner != b"SSH-":
        return Diagnosis(subject, PROBLEM, f"{address} port {port} is not an SSH server", "correct ansible_port")
    return Diagnosis(subject, GOOD, f"{address} port {port} answers; to try the login: {by_hand}")


def _lines(findings: list[Diagnosis]) -> Iterator[str]:
    for finding in findings:
        yield f"{finding.state:11}  {finding.subject}: {finding.message}"
        if finding.remedy:
            yield f"{'':11}  remedy: {finding.remedy}"
