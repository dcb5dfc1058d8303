# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An inventory of the hosts, and host keys pinned before the first connection."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sandbox.hosts._commands import run
from sandbox.hosts._image import VENV
from sandbox.hosts._names import Names
from sandbox.hosts._users import APPLICATION, DEPLOY
from sandbox.process import REPOSITORY

EXAMPLE = REPOSITORY / "examples" / "watchparty" / "group_vars" / "all" / "secrets_catalog.yml"
THIRD_PARTIES = ("email", "google_oauth", "twitch", "youtube")
"""Credentials of the worked example from other issuers."""


def make_key(path: Path, comment: str) -> str:
    """Makes an SSH key pair. Returns the public line."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])
    return path.with_suffix(".pub").read_text(encoding="ascii")


def ssh_options(names: Names) -> list[str]:
    """Options of ssh: only this key and these host keys."""
    return [
        *("-o", f"UserKnownHostsFile={shlex.quote(str(names.known_hosts))}"),
        *("-o", "GlobalKnownHostsFile=/dev/null"),
        *("-o", "StrictHostKeyChecking=yes"),
        *("-o", "IdentitiesOnly=yes"),
    ]


def write_inventory(
    names: Names, hosts: Mapping[str, str], *, environment: str, servers: Mapping[str, str] | None = None
) -> None:
    """Writes the inventory as JSON, which is YAML too, with the catalog beside it.

    *servers* are the addresses of ``database_admin`` and ``cache_admin``.
    """
    inventory = {
        "app_hosts": {
            "hosts": {name: {"ansible_host": address} for name, address in hosts.items()},
            "vars": {
                "ansible_user": DEPLOY.name,
                "ansible_ssh_private_key_file": str(names.private_key),
                "ansible_ssh_common_args": shlex.join(ssh_options(names)),
                "ansible_become": True,
                "ansible_python_interpreter": "/usr/bin/python3",
                "app_environment": environment,
                "env_deploy_path": f"{APPLICATION.home}/.env",
                "env_deploy_owner": APPLICATION.name,
                "env_deploy_group": APPLICATION.name,
                "rotation_python": f"{VENV}/bin/python",
            },
        }
    }
    beside = names.inventory.parent / "group_vars" / "all" / EXAMPLE.name
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_text(json.dumps({"secrets_catalog": catalog(servers or {})}, indent=2) + "\n", encoding="utf-8")
    names.inventory.write_text(json.dumps(inventory, indent=2) + "\n", encoding="utf-8")


def without_third_parties(credentials: dict[str, Any]) -> None:
    """Removes credentials of third parties: nobody can ask them here, and they would stay open after every leak."""
    for name in THIRD_PARTIES:
        del credentials[name]


def catalog(servers: Mapping[str, str]) -> dict[str, Any]:
    """The worked example's catalog, with its cache on the services' own server instead of ElastiCache."""
    secrets_catalog: dict[str, Any] = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))["secrets_catalog"]
    without_third_parties(secrets_catalog["credentials"])
    cache = secrets_catalog["credentials"]["cache"]
    del cache["options"]
    cache |= {"kind": "valkey_user", "admin": "cache_admin"}
    secrets_catalog["credentials"]["cache_admin"] = {
        "kind": "external",
        "max_age_days": 90,
        "server": {"address": servers.get("cache_admin", "services:6379")},
        "appears_in": [{"secret": "watchparty/{environment}/cache-admin", "keys": ["username", "password"]}],
    }
    secrets_catalog["credentials"]["database_admin"]["server"] = {
        "address": servers.get("database_admin", "services:5432"),
        "tls": {"mode": "disable", "reason": "the test hosts and their server are on one machine"},
    }
    return secrets_catalog
