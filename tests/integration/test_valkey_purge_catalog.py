# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A purge through Ansible, by what the catalog says."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml

from sandbox.seed import Layout
from sandbox.valkey import Valkey
from tests.integration import harness
from tests.integration.harness import Lab
from tests.integration.purge_lab import celery, client, fill
from tests.integration.valkey_lab import new_password


@pytest.fixture
def server() -> Iterator[Valkey]:
    with Valkey(password=new_password()) as item:
        yield item


def test_the_catalog_says_what_goes(lab: Lab, server: Valkey) -> None:
    fill(server, ":1:", 30)
    fill(server, "s:", 4)
    kept = celery(server, 1)
    lab.catalog = harness.catalog(
        extra={
            "CACHE_URL": {"group": "core", "schemes": ["redis"]},
            "CELERY_BROKER_URL": {"group": "core", "schemes": ["redis"]},
        },
        purge={
            "cache": {"setting": "CACHE_URL", "keys": [":1:*"]},
            "sessions": {"setting": "CACHE_URL", "keys": ["s:*"]},
        },
    )
    base = harness.layout()
    urls = {"CACHE_URL": server.url(), "CELERY_BROKER_URL": server.url(1)}
    core = base.secrets["shop/production/core"]
    assert isinstance(core, Mapping)
    secrets = {**base.secrets, "shop/production/core": {**core, **urls}}
    lab.add_hosts(1)
    lab.seed(Layout(secrets, base.parameters))
    module = {
        "catalog": "{{ secrets_catalog }}",
        "environment": "{{ app_environment }}",
        "kinds": "{{ kinds | default(['cache', 'sessions']) }}",
        "entries": "{{ entries | default(omit) }}",
        "snapshot": "{{ snapshot | default(omit) }}",
        "python": sys.executable,
    }
    read = {"catalog": "{{ secrets_catalog }}", "environment": "{{ app_environment }}"}
    tasks: list[dict[str, Any]] = [
        {"watchparty.secrets.env_snapshot": read, "register": "read"},
        {"watchparty.secrets.valkey_purge": module, "register": "purge"},
        {
            "ansible.builtin.debug": {
                "msg": "count={{ purge.count }} of {{ purge.purged | map(attribute='name') | list }}"
            }
        },
    ]
    play = [{"hosts": "app_hosts", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": tasks}]
    playbook = lab.directory / "purge.yml"
    playbook.write_text(yaml.safe_dump(play), encoding="utf-8")

    def purge(*arguments: str, code: int = 0) -> str:
        environment = {"ANSIBLE_COLLECTIONS_PATH": str(lab.root / "playbooks" / "collections")}
        done = lab.run("-vvv", *arguments, playbook=playbook, environment=environment)
        assert "canary" not in done.output
        assert done.code == code, done.output
        return done.text

    assert "count=34 of" in purge("--check")
    assert client(server).dbsize() == 34
    assert "count=30 of" in purge("-e", '{"kinds": ["cache"]}')
    assert client(server).dbsize() == 4
    assert "count=4 of" in purge()
    assert set(client(server, 1).keys("*")) == kept
    fill(server, "s:", 2)
    assert "count=2 of" in purge("-e", "snapshot=read")
    assert "other: is not an entry of purge in the catalog; its entries: cache, sessions" in purge(
        "-e", '{"entries": ["other"]}', code=2
    )
