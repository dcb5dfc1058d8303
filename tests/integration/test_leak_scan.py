# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""scan.yml with the values that AWS holds: present, pending and former ones are found, and none is reported."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.canaries import Canaries, Watch, in_files
from tests.integration.harness import Lab, Run, layout
from tests.unit.plugins.plugin_utils._scan.scan_world import git

SCAN = "playbooks/scan.yml"
NAMES = ("SECRET_KEY", "API_TOKEN", "DATABASE_PASSWORD", "LICENSE_TEXT", "SIGNING_KEY")
needs_gitleaks = pytest.mark.skipif(not shutil.which("gitleaks"), reason="no gitleaks: what it finds is not tested")


class Scene:
    """Stores with three versions of one secret and three of one parameter, and a repository."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.canaries = Canaries()
        self.values: dict[str, str] = {}
        lab.add_hosts()
        for generation in ("former", "previous", "current"):
            self._seed(generation)
        secrets = lab.moto.client("secretsmanager")
        content = {"API_TOKEN": self._new("pending API_TOKEN")}
        secrets.put_secret_value(
            SecretId="shop/production/core", SecretString=json.dumps(content), VersionStages=["AWSPENDING"]
        )
        self.repository = lab.directory / "repository"
        self.repository.mkdir()
        git(self.repository, "init", "-q", "-b", "main")

    def _new(self, name: str) -> str:
        self.values[name] = self.canaries.value(name.rpartition(" ")[2] if "PASSWORD" in name else name)
        return self.values[name]

    def _seed(self, generation: str) -> None:
        wanted = layout(token=lambda name: self._new(f"{generation} {name}"))
        if generation == "former":
            self.lab.seed(wanted)
            return
        secrets, parameters = self.lab.moto.client("secretsmanager"), self.lab.moto.client("ssm")
        for name, content in wanted.secrets.items():
            text = content if isinstance(content, str) else json.dumps(content)
            secrets.put_secret_value(SecretId=name, SecretString=text)
        for name, (kind, value) in wanted.parameters.items():
            parameters.put_parameter(Name=name, Type=kind, Value=value, Overwrite=True)

    def commit(self, **files: str) -> None:
        for name, text in files.items():
            (self.repository / name).write_text(text, encoding="utf-8")
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "-m", "work")

    def scan(self, *arguments: str, **environment: str | None) -> Run:
        chosen = ("-e", f"scan_repositories={self.repository}", "-e", f"scan_json_file={self.json}", *arguments)
        return self.lab.run(*chosen, playbook=SCAN, environment=environment)

    @property
    def json(self) -> Path:
        return self.lab.directory / "scan.json"

    def report(self) -> dict[str, Any]:
        return json.loads(self.json.read_text(encoding="utf-8"))

    def found(self) -> set[tuple[str, str, str]]:
        return {(finding["rule"], finding["stage"], finding["path"]) for finding in self.report()["findings"]}


@pytest.fixture
def scene(lab: Lab) -> Scene:
    return Scene(lab)


def test_live_values_of_every_version(scene: Scene) -> None:
    values = scene.values
    scene.commit(**{"settings.py": f"KEY = {values['current SECRET_KEY']!r}\n"})
    scene.commit(**{"settings.py": "KEY = None\n", "dump.sql": f"{values['pending API_TOKEN']}\n"})
    encoded = base64.b64encode(b"x" + values["previous LICENSE_TEXT"].encode() + b"y").decode()
    scene.commit(**{"data.b64": encoded, "old.env": f"SIGNING_KEY={values['former SIGNING_KEY']}\n"})
    log = scene.lab.directory / "app.log"
    log.write_text(f"connecting with {values['previous DATABASE_PASSWORD']}\n")
    sarif = scene.lab.directory / "scan.sarif"
    with Watch(scene.canaries, [scene.lab.directory / "local-temp", scene.lab.directory / "tmp"]) as watch:
        run = scene.scan("-vvvv", "--diff", "-e", f"scan_paths={log}", "-e", f"scan_sarif_file={sarif}")
    assert run.code == 2, run.output
    assert scene.found() == {
        ("SECRET_KEY", "current", "settings.py"),
        ("API_TOKEN", "pending", "dump.sql"),
        ("LICENSE_TEXT", "previous", "data.b64"),
        ("SIGNING_KEY", "version 1", "old.env"),
        ("DATABASE_URL", "previous", "app.log"),
    }
    report = scene.report()
    assert not report["clean"]
    assert report["left_out"] == {"low sensitivity": 6, "shorter than 8 characters": 3}
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert oct(scene.json.stat().st_mode & 0o777) == "0o600"
    assert "5 findings" in run.text
    assert not scene.canaries.found(run.output.encode())
    assert in_files([scene.json, sarif, scene.lab.directory / "home"], scene.canaries) == []
    assert watch.rounds
    assert watch.hits == set()


@pytest.mark.slow
def test_nothing_found_then_accepted_then_expired(scene: Scene) -> None:
    scene.commit(README="nothing\n")
    clean = scene.scan()
    assert clean.code == 0, clean.output
    assert "0 findings" in clean.text
    scene.commit(**{"key.txt": scene.values["current SIGNING_KEY"]})
    assert scene.scan("-e", "scan_fail=false").code == 0
    typo = scene.scan("-e", "scan_fail=ture")
    assert typo.code != 0, "findings must not pass by a typo"
    assert "scan_fail: 'ture' " in typo.text
    (finding,) = scene.report()["findings"]
    baseline = scene.lab.directory / "baseline.yml"
    entry = {"fingerprint": finding["fingerprint"], "reason": "rotated on Monday", "expires": "2999-01-01"}
    baseline.write_text(yaml.safe_dump({"accepted": [entry]}))
    chosen = ("-e", f"scan_baseline={baseline}")
    assert scene.scan(*chosen).code == 0
    assert [item["reason"] for item in scene.report()["accepted"]] == ["rotated on Monday"]
    scene.commit(**{"other.txt": "more\n" + scene.values["current SIGNING_KEY"]})
    assert scene.scan(*chosen).code == 2, "a known finding does not hide a new one"
    assert [finding["path"] for finding in scene.report()["findings"]] == ["other.txt"]
    baseline.write_text(yaml.safe_dump({"accepted": [{**entry, "expires": "2020-01-01"}]}))
    expired = scene.scan(*chosen)
    assert expired.code == 2
    assert f"({finding['fingerprint']}) expired on 2020-01-01" in expired.text


@pytest.mark.slow
@needs_gitleaks
def test_without_aws_patterns_are_looked_for(scene: Scene) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 3 + "Zx9Qw7"
    scene.commit(**{"ci.yml": f"token: {token}\n"})
    gone: dict[str, str | None] = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    run = scene.scan("-vvvv", **gone)
    assert run.code == 2
    report = scene.report()
    assert [(finding["kind"], finding["rule"], finding["path"], finding["line"]) for finding in report["findings"]] == [
        ("pattern", "gitleaks:github-pat", "ci.yml", 1)
    ]
    assert not report["complete"]
    assert report["not_checked"][0]["what"] == "live values"
    assert "not checked: values: live values" in run.text
    assert token not in run.output + scene.json.read_text()
    required = scene.scan("-e", "scan_values=required", **gone)
    assert required.code == 2
    assert "credentials" in required.text


@pytest.mark.slow
def test_what_is_staged(scene: Scene) -> None:
    scene.commit(**{"old.txt": scene.values["current SIGNING_KEY"]})
    (scene.repository / "new.txt").write_text(scene.values["current API_TOKEN"])
    git(scene.repository, "add", "new.txt")
    assert scene.scan("-e", "scan_staged=true").code == 2
    assert scene.found() == {("API_TOKEN", "current", "new.txt")}


@pytest.mark.slow
def test_a_pipe(scene: Scene) -> None:
    pipe = scene.lab.directory / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", 'cat >"$0"', str(pipe)], stdin=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        writer.stdin.write("x" * 100 + "\n" + scene.values["current SIGNING_KEY"] + "\n")
        writer.stdin.close()
        run = scene.lab.run(
            *("-e", f"scan_stdin={pipe}", "-e", f"scan_json_file={scene.json}", "-e", "scan_patterns=none"),
            playbook=SCAN,
        )
    assert run.code == 2
    assert [(finding["rule"], finding["line"]) for finding in scene.report()["findings"]] == [("SIGNING_KEY", 2)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("-e", "scan_repositories="), "nothing to scan was named"),
        (("-e", "scan_history=false", "-e", "scan_tree=false"), "scan_history=false and scan_tree=false leave nothing"),
        (("-e", "scan_baseline=/nowhere.yml"), "baseline /nowhere.yml: cannot be read: No such file"),
        (
            ("-e", "scan_repositories=/nowhere"),
            "/nowhere: is not a directory; give a repository by -e scan_repositories=PATH",
        ),
        (("-e", "scan_values=none", "-e", "scan_patterns=none"), "nothing to scan for: no live values"),
    ],
)
def test_bad_input(scene: Scene, arguments: tuple[str, ...], message: str) -> None:
    run = scene.scan(*arguments)
    assert run.code == 2
    assert message in run.text
    assert not scene.json.exists()
