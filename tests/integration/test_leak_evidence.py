# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence on real connections: whatever hangs, all of it together ends in time, and what is missing is said."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from sandbox.process import REPOSITORY
from tests.integration.harness import Lab

pytestmark = pytest.mark.slow

SECONDS = 6
PLAN = 25
"""Seconds that the plan may take on a busy machine; an execution that hangs takes 30 or more."""
SECRET = "shop/production/core"
PLAYBOOK = """
- hosts: app_hosts
  gather_facts: false
  vars:
    ansible_pipelining: true
    start: &start
      catalog: "{{ secrets_catalog }}"
      environment: production
      leaked: [database]
      hosts: "{{ ansible_play_hosts_all }}"
      targeted_hosts: "{{ ansible_play_hosts_all }}"
      host: web1
      evidence_seconds: "{{ leak_evidence_seconds }}"
      report_path: "{{ leak_report_path }}"
  tasks:
    - watchparty.secrets.leak_start: *start
      delegate_to: web1
      run_once: true
      register: leak_respond_result
    - watchparty.secrets.host_evidence:
        path: "{{ env_deploy_path }}"
        since: "{{ leak_respond_result.gather.since }}"
        seconds: "{{ [leak_respond_result.gather.host_seconds - 1, 1] | max }}"
      timeout: "{{ leak_respond_result.gather.host_seconds }}"
      ignore_unreachable: true
      ignore_errors: true
      when: now(utc=true).timestamp() < leak_respond_result.gather.hosts_until
      register: leak_respond__seen
    - watchparty.secrets.leak_start:
        <<: *start
        evidence_until: "{{ leak_respond_result.evidence_until }}"
      delegate_to: web1
      run_once: true
      register: declared
    - ansible.builtin.copy:
        dest: "{{ took }}"
        content: "{{ now(utc=true).timestamp() - leak_respond_result.evidence_until | float }}"
        mode: "0600"
      delegate_to: localhost
      run_once: true
"""


@contextmanager
def silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    kept: list[socket.socket] = []

    def accept() -> None:
        with suppress(OSError):  # in the end it is closed
            while True:
                kept.append(server.accept()[0])

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield server.getsockname()[1]


PLACES = [{"setting": "DATABASE_URL"}]


def database(lab: Lab, port: int) -> dict[str, Any]:
    """A database on that port, in the stores and as the catalog has it."""
    client = lab.moto.client("secretsmanager")
    core = json.loads(client.get_secret_value(SecretId=SECRET)["SecretString"])
    core["DATABASE_URL"] = f"postgresql://shop:canary-password@127.0.0.1:{port}/shop"
    client.put_secret_value(SecretId=SECRET, SecretString=json.dumps(core))
    server = {"address": f"127.0.0.1:{port}"}
    return {"database": {"kind": "postgresql_role", "admin": "database", "server": server, "appears_in": PLACES}}


def test_what_hangs_is_named_and_delays_nothing(lab: Lab) -> None:
    lab.add_hosts(2, rotation_python=sys.executable)
    lab.seed()
    playbook, took, folder = (lab.directory / name for name in ("evidence.yml", "took", "post-mortems"))
    playbook.write_text(PLAYBOOK, encoding="utf-8")
    with silent() as port:
        lab.catalog["credentials"] = database(lab, port)
        lab.host_vars["web2"] |= {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": port}
        given = {
            "leak_confirm": "yes",
            "leak_evidence_seconds": SECONDS,
            "took": str(took),
            "leak_report_path": str(folder),
        }
        ours = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
        run = lab.run("-e", json.dumps(given), playbook=playbook, environment=ours)
    assert run.code == 0, run.output
    assert float(took.read_text(encoding="utf-8")) <= PLAN, "seconds beyond those that were allowed"
    (page,) = folder.iterdir()
    text = page.read_text(encoding="utf-8")
    lines = [line[2:] for line in text.splitlines() if line.startswith("- ")]
    assert any(line.startswith("database: no answer within ") for line in lines), text
    assert any(line.startswith("web2: ") and "Timed out" in line for line in lines), text
    assert any(line.startswith("web1: ") and "Timed out" not in line for line in lines), text
    assert any(line.startswith("CloudTrail was not searched: ") for line in lines), "moto has none"
    assert "canary" not in run.output + text
