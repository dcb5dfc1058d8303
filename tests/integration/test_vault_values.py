# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values that are written to a real OpenBao: provision, set, import; and what reads them: GitHub's sync, verify."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import Lab, Run
from tests.integration.test_set import change
from tests.integration.values_lab import IMPORT, Account
from tests.integration.vault_lab import VaultLab
from tests.integration.verify_lab import VERIFY

pytestmark = pytest.mark.servers
WHERE = "watchparty/{environment}/shop"
PATH = "watchparty/production/shop"
NEW = "canary-of-a-new-token"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        yield started


@pytest.fixture
def account_of(lab: Lab, vault: VaultLab) -> Account:
    """A catalog whose Django key and externally issued token are in Vault, where nothing is yet."""
    account = Account(lab)
    lab.add_hosts()
    lab.catalog["stores"] = {"vault": vault.settings(**vault.approle())}
    settings = lab.catalog["settings"]
    settings["SECRET_KEY"] = {**settings["SECRET_KEY"], "vault": WHERE}
    settings["API_TOKEN"] = {"vault": WHERE, "required": True}
    del settings["SECRET_KEY"]["group"]
    vault.server.request("DELETE", f"secret/metadata/{PATH}")
    return account


def silent(run: Run, vault: VaultLab, *more: str) -> None:
    for word in ("canary", "api-token-of-the-partner", *vault.held(PATH).values(), *more):
        assert word not in run.output


def test_provision_and_what_works_on_its_values(account_of: Account, vault: VaultLab) -> None:
    provision_and_repeat(account_of, vault)
    set_one_key(account_of, vault)
    look_for_the_token_in_children(account_of, vault)
    verify_before_and_after_a_mistake(account_of, vault)


def provision_and_repeat(account_of: Account, vault: VaultLab) -> None:
    checked = account_of.provision("--check", "--diff")
    assert checked.code == 0, checked.output
    assert PATH not in vault.everything()
    assert f"create secret vault:{PATH}: API_TOKEN (given), SECRET_KEY (generated)" in checked.text
    run = account_of.provisioned("-vvvv", "--diff")
    held = vault.held(PATH)
    assert held["API_TOKEN"] == "api-token-of-the-partner"
    assert account_of.parameter("/shop/production/App/SECRET_KEY") == held["SECRET_KEY"]
    silent(run, vault)
    tags = vault.metadata(PATH)["custom_metadata"]
    assert (tags["Application"], tags["RotationDays"]) == ("shop", "90")
    assert "values of its .env" in tags["Description"]
    again = account_of.provisioned()
    assert vault.metadata(PATH)["current_version"] == 1
    assert "0 problems" in again.text or "update secret" not in again.text
    account_of.lab.deploy()
    assert account_of.lab.hosts[0].values()["API_TOKEN"] == "api-token-of-the-partner"


def set_one_key(account_of: Account, vault: VaultLab) -> None:
    before = vault.held(PATH)
    looked = change(account_of, "API_TOKEN", NEW, "--check", "--diff")
    assert looked.code == 0, looked.output
    assert vault.held(PATH) == before
    run = change(account_of, "API_TOKEN", NEW, "-vvvv", "--diff", "-e", "set_deploy=true")
    assert run.code == 0, run.output
    assert vault.held(PATH) == {**before, "API_TOKEN": NEW}
    assert f"+secret vault:{PATH} key API_TOKEN fingerprint " in run.output
    assert account_of.lab.hosts[0].values()["API_TOKEN"] == NEW
    assert [path for path in vault.everything() if "staged" in path] == []
    silent(run, vault)


def test_a_deleted_secret_is_restored_on_request(account_of: Account, vault: VaultLab) -> None:
    """KV keeps what was deleted; it is not written over."""
    account_of.provisioned()
    before = vault.held(PATH)
    vault.server.request("DELETE", f"secret/data/{PATH}")
    refused = account_of.provision()
    assert refused.code != 0
    assert f"secret vault:{PATH}: scheduled for deletion" in refused.text
    assert "-e provision_restore=true" in refused.text
    run = account_of.provisioned("-e", "provision_restore=true")
    assert f"restore secret vault:{PATH}" in run.text
    assert vault.held(PATH) == before


def test_import_takes_a_file_into_vault(account_of: Account, vault: VaultLab) -> None:
    old = account_of.lab.directory / "old.env"
    old.touch(mode=0o600)
    key = "canary-imported-key-" + "k" * 50
    lines = {
        "SECRET_KEY": key,
        "API_TOKEN": "canary-imported-token",
        "DATABASE_URL": "postgresql://shop_a:canary-password-1234@db.example.com:5432/shop",
        "CACHE_URL": "rediss://:canary-cache-1234@cache.example.com/0",
        "BROKER_URL": "rediss://:canary-cache-1234@cache.example.com/1",
        "ALLOWED_HOSTS": "shop.example.com",
        "GENERATION": "1",
        "MODE": "production",
    }
    old.write_text("".join(f"{name}={text}\n" for name, text in lines.items()))
    del account_of.lab.catalog["credentials"]["admin"]  # which no .env has
    draft = account_of.lab.directory / "draft.yml"
    given = ("-e", f"import_file={old}", "-e", f"import_draft_path={draft}", "-e", "import_values=true")
    run = account_of.lab.run(*given, "-vvvv", "--diff", playbook=IMPORT)
    assert run.code == 0, run.output
    assert vault.held(PATH) == {"API_TOKEN": "canary-imported-token", "SECRET_KEY": key}
    silent(run, vault)


def test_github_gets_what_vault_holds(account_of: Account, vault: VaultLab) -> None:
    account_of.provisioned()
    with GitHub() as github:
        account_of.lab.catalog["github"] = {"repository": REPOSITORY, "api_url": github.url}
        account_of.lab.catalog["environments"]["staging"] = {"github": None}
        account_of.lab.catalog["settings"]["API_TOKEN"]["github"] = "secret"
        for sent in (["API_TOKEN"], []):
            before = len(github.writes())
            run = account_of.lab.run("-vvvv", playbook="playbooks/github_sync.yml", environment={"GITHUB_TOKEN": TOKEN})
            assert run.code == 0, run.output
            assert len(github.writes()) - before == len(sent)
            silent(run, vault, TOKEN)
        assert github.repository.values == {"API_TOKEN": "api-token-of-the-partner"}


def verify_before_and_after_a_mistake(account_of: Account, vault: VaultLab) -> None:
    report = account_of.lab.directory / "report"
    only = "WPS304,ages,revocation,recovery,WPS301"
    for broken in (False, True):
        if broken:
            vault.put(PATH, SECRET_KEY="canary-of-another-key-" + "x" * 50)
        run = account_of.lab.run(
            "-e", f"verify_only={only}", "-e", f"verify_report_path={report}", "-vvvv", playbook=VERIFY
        )
        assert "Traceback" not in run.output
        assert "unexpected error" not in run.text
        assert ("API_TOKEN: is missing" in run.text) == broken, run.output
        silent(run, vault)


def look_for_the_token_in_children(account_of: Account, vault: VaultLab) -> None:
    """Neither as an argument nor in the environment of anything that a run starts."""
    path = vault.token_file()
    token = path.read_text().strip()
    account_of.lab.catalog["stores"]["vault"] = vault.settings(auth="token", token_file=str(path))
    process = account_of.lab.start("-vvvv")
    found: list[bytes] = []
    watcher = threading.Thread(target=_watch, args=(process, found))
    watcher.start()
    output, _ = process.communicate()
    watcher.join()
    assert process.returncode == 0, output
    assert sum(str(account_of.lab.directory).encode() in held for held in found) > 10
    assert [held for held in found if token.encode() in held] == []
    assert token not in output


def _watch(process: subprocess.Popen[str], found: list[bytes]) -> None:
    """Arguments and environment of every process there is, until this one has ended."""
    while process.poll() is None:
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                found.append((place / "cmdline").read_bytes() + (place / "environ").read_bytes())
