# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations of database logins that stand in parts, or in a composed URL, from end to end."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from sandbox.postgres import Postgres
from sandbox.seed import Layout
from tests.integration import harness
from tests.integration.harness import Lab, Run

ROTATE = "playbooks/rotate.yml"
SHOP, MASTER = "shop_in_parts", "master_in_parts"
NAMES = ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as item:
        item.create_master(MASTER)
        yield item


def prepare(lab: Lab, server: Postgres, form: str) -> str:
    """A lab whose database login is in use; its password."""
    password = server.create_logins(f"{SHOP}_{form}", f"{SHOP}_{form}", master=MASTER)
    settings: dict[str, Any] = {name: {"group": "core"} for name in NAMES}
    credential: dict[str, Any] = {"appears_in": [{"setting": "DB_USER"}, {"setting": "DB_PASSWORD"}]}
    if form == "parts":
        credential["parts"] = {"host": "DB_HOST", "port": "DB_PORT", "database": "DB_NAME"}
    else:
        parts = dict(zip(("host", "port", "path", "username", "password"), NAMES, strict=True))
        compose = {part: {"setting": name} for part, name in parts.items()}
        settings["DATABASE_URL"] = {"compose": {"scheme": "postgresql", **compose}}
    lab.catalog = harness.catalog(
        extra=settings,
        credentials={
            "database": {"kind": "postgresql_role", "admin": "database_admin", **credential},
            "database_admin": {
                "kind": "external",
                "server": {"address": f"{server.host}:{server.port}"},
                "appears_in": [{"secret": "shop/{environment}/database-admin", "keys": ["username", "password"]}],
            },
        },
    )
    lab.add_hosts(1, rotation_python=sys.executable)
    base = harness.layout()
    held = (server.host, str(server.port), f"{SHOP}_{form}", f"{SHOP}_{form}_a", password)
    core = {**base.secrets["shop/production/core"], **dict(zip(NAMES, held, strict=True))}  # type: ignore[dict-item]
    if form == "composed":
        core.pop("DATABASE_URL")
    admin = urlsplit(server.admin_url_of(MASTER))
    login = {"username": unquote(admin.username or ""), "password": unquote(admin.password or "")}
    lab.seed(
        Layout({**base.secrets, "shop/production/core": core, "shop/production/database-admin": login}, base.parameters)
    )
    lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    lab.deploy()
    return password


def rotate(lab: Lab, *arguments: str) -> Run:
    return lab.run("-e", "rotation_credentials=database", "-e", "rotation_force=true", *arguments, playbook=ROTATE)


@pytest.mark.parametrize("form", ["parts", "composed"])
def test_two_logins_take_turns(form: str, lab: Lab, server: Postgres) -> None:
    old = prepare(lab, server, form)
    database = f"{SHOP}_{form}"
    run = rotate(lab)
    assert run.code == 0, run.output
    values = lab.hosts[0].values()
    user, new = values["DB_USER"], values["DB_PASSWORD"]
    assert (user, new != old) == (f"{database}_b", True)
    assert server.accepts(user, new, database)
    assert not server.accepts(f"{database}_a", old, database)
    if form == "composed":
        url = urlsplit(values["DATABASE_URL"])
        assert (url.username, unquote(url.password or "")) == (user, new)
        return
    # Whoever may write the host's part gets no password.
    client = lab.moto.client("secretsmanager")
    held = client.get_secret_value(SecretId="shop/production/core")["SecretString"]
    client.put_secret_value(
        SecretId="shop/production/core", SecretString=held.replace(server.host, "thief.example.com")
    )
    refused = rotate(lab, "--check")
    assert refused.code != 0
    declared = f"credentials.database_admin.server declares {server.host}:{server.port}"
    assert f"DB_HOST, DB_PORT, DB_NAME leads to thief.example.com:{server.port}, but {declared}" in refused.text
