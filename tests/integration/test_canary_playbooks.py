# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""import, github_sync and scan keep every value to themselves, before the eyes of a callback that writes down all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from tests.integration.canaries import Canaries, Watch, in_files, observers
from tests.integration.github_server import TOKEN, GitHub
from tests.integration.harness import Lab, Run
from tests.integration.test_github_sync import GIVEN, PLAYBOOK, github, synced, values_file
from tests.integration.test_import import env_of
from tests.integration.test_leak_scan import SCAN, Scene
from tests.integration.values_lab import IMPORT, Account

__all__ = ["github", "synced"]
pytestmark = pytest.mark.slow


def watched(lab: Lab, canaries: Canaries, *arguments: str, playbook: str, **environment: str) -> tuple[Run, set[str]]:
    """A run, and where a value was seen during it or lies afterwards, but for the account's own."""
    variables = {**observers(lab.directory), **environment}
    with Watch(canaries, [lab.directory / name for name in ("local-temp", "remote-temp", "tmp")]) as watch:
        run = lab.run("-vvvv", "--diff", *arguments, playbook=playbook, environment=variables)
    (lab.directory / "output").write_text(run.output, encoding="utf-8")
    for name in ("output", "log", "dump"):
        assert (lab.directory / name).stat().st_size > 5000, f"{name} was not written"
    assert json.loads((lab.directory / "outcome").read_text(encoding="utf-8"))["hosts"]
    return run, {*in_files([lab.directory, lab.moto.directory], canaries), *watch.hits}


def left(hits: set[str], *own: Path) -> list[str]:
    """The hits outside of the files that the test itself wrote, and of the environment, where it put a token."""
    itself = (*map(str, own), "environ of a process: the token of GitHub")
    return sorted(hit for hit in hits if not hit.startswith(itself))


def test_an_import(lab: Lab) -> None:
    Account(lab)
    lab.add_hosts()
    canaries = Canaries()
    old, draft = lab.directory / "old.env", lab.directory / "draft.yml"
    old.touch(mode=0o600)
    old.write_text(env_of(canaries), encoding="utf-8")
    where = ("-e", f"import_file={old}", "-e", f"import_draft_path={draft}")
    run, hits = watched(lab, canaries, *where, "-e", "import_application=shop", playbook=IMPORT)
    assert run.code == 0, run.output
    assert left(hits, old) == []
    lab.catalog = yaml.safe_load(draft.read_text(encoding="utf-8"))["secrets_catalog"]
    run, hits = watched(lab, canaries, *where, "-e", "import_values=true", playbook=IMPORT)
    assert run.code == 0, run.output
    assert left(hits, old) == []


@pytest.fixture
def known(synced: Lab) -> Canaries:
    """The values that this lab's stores hold."""
    canaries = Canaries()
    for name in ("secret_key", "api_token", "database_password", "license_text", "signing_key"):
        canaries.add(name, f"canary-{name}-")
    canaries.add("the token of GitHub", TOKEN)
    canaries.add("a value of the file", GIVEN.splitlines()[0])
    return canaries


def test_a_sync_to_github(synced: Lab, github: GitHub, known: Canaries) -> None:
    given = values_file(synced, SSH_PRIVATE_KEY=GIVEN)
    run, hits = watched(synced, known, *given, playbook=PLAYBOOK, GITHUB_TOKEN=TOKEN)
    assert run.code == 0, run.output
    assert len(github.repository.secrets) > 3
    assert left(hits, synced.directory / "values.yml") == []
    run, hits = watched(synced, known, playbook=PLAYBOOK, GITHUB_TOKEN="canary-of-another-token")
    assert run.code != 0
    assert left(hits, synced.directory / "values.yml") == []


def test_a_scan(lab: Lab) -> None:
    scene = Scene(lab)
    scene.commit(**{"settings.py": f"KEY = {scene.values['current SECRET_KEY']!r}\n"})
    (scene.repository / "new.env").write_text(f"TOKEN={scene.values['pending API_TOKEN']}\n", encoding="utf-8")
    where = ("-e", f"scan_repositories={scene.repository}", "-e", f"scan_json_file={scene.json}")
    run, hits = watched(lab, scene.canaries, *where, playbook=SCAN)
    assert run.code == 2, run.output
    assert len(scene.found()) == 2
    assert left(hits, scene.repository) == []
