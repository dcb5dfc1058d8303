# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A deploy of several files on a host."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from tests.integration.harness import Lab, catalog, layout
from tests.integration.rotation_lab import sentences


def test_several_files_are_one_deployment(lab: Lab) -> None:
    """Delivered, shown by name, and rolled back together."""
    (host,) = lab.add_hosts()
    files: dict[str, dict[str, Any]] = {
        "license": {"path": "license.pem", "format": "value", "settings": ["LICENSE_TEXT"], "mode": "0640"},
        "worker": {"path": "worker.json", "format": "json", "settings": ["API_TOKEN", "ZERO"], "also_in_env": ["ZERO"]},
    }
    lab.catalog = catalog(files=files)
    lab.seed()
    deployed = lab.deploy()
    license_file, worker = host.directory / "license.pem", host.directory / "worker.json"
    sentences(
        deployed,
        f"{host.env_file} has mode 0600 (also written: {license_file}, {worker}), services restarted and healthy",
    )
    assert license_file.read_text() == layout().secrets["shop/production/license"]
    assert license_file.stat().st_mode & 0o777 == 0o640
    assert json.loads(worker.read_text()) == {"API_TOKEN": "api-token-value-of-generation-1-" + "x" * 20, "ZERO": "0"}
    assert {"API_TOKEN", "LICENSE_TEXT"}.isdisjoint(host.values())
    assert host.values()["ZERO"] == "0"

    host.behaves(g2="500")
    lab.seed(layout("2"))
    before = lab.state(), license_file.read_bytes(), worker.read_bytes()
    checked = lab.deploy("--check", "--diff")
    assert f"+{worker} (API_TOKEN, ZERO) mode 0600 fingerprint " in checked.output
    assert (lab.state(), license_file.read_bytes(), worker.read_bytes()) == before
    failed = lab.run()
    sentences(failed, "the last healthy .env was restored and the services are healthy")
    assert (license_file.read_bytes(), worker.read_bytes()) == before[1:]
    assert host.generation == "1"


def test_a_file_on_some_hosts_only(lab: Lab) -> None:
    """Written, rotated and verified there; the other host has neither the file nor its settings, and no restart."""
    web, worker = lab.add_hosts(2)
    file = {"path": "worker.json", "format": "json", "settings": ["API_TOKEN"], "hosts": [worker.name]}
    lab.catalog = catalog(files={"worker": file})
    lab.seed()
    lab.deploy()
    written = worker.directory / "worker.json"
    assert list(json.loads(written.read_text())) == ["API_TOKEN"]
    assert not (web.directory / "worker.json").exists()
    assert "API_TOKEN" not in {**web.values(), **worker.values()}

    restarts = web.restarts, worker.restarts
    changed = layout(token=lambda name: f"{name.lower()}-" + "z" * 40)
    current = layout()
    core = {
        **current.secrets["shop/production/core"],
        "API_TOKEN": changed.secrets["shop/production/core"]["API_TOKEN"],
    }
    lab.seed(replace(current, secrets={**current.secrets, "shop/production/core": core}))
    sentences(lab.deploy(), f"{web.name}: unchanged, healthy before")
    assert json.loads(written.read_text())["API_TOKEN"] == core["API_TOKEN"]
    assert (web.restarts, worker.restarts) == (restarts[0], restarts[1] + 1)

    file["hosts"] = [web.name]
    checked = lab.run("-e", "verify_only=WPS301", playbook="playbooks/verify.yml")
    sentences(
        checked,
        f"{web.name}: {web.directory / 'worker.json'} does not exist",
        f"{worker.name}: {written} is not in files of the catalog for this host",
    )
    lab.deploy()
    assert not written.exists()
    assert (web.directory / "worker.json").exists()

    file["hosts"] = ["wokers"]
    refused = lab.run()
    assert refused.code
    sentences(refused, "files.worker.hosts: wokers is neither a host nor a group of the inventory")
    assert refused.operations == []
