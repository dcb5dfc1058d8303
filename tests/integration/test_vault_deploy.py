# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deploys of settings in Vault, on a real OpenBao with TLS: what is written, and the ways in which it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Lab, calls, layout
from tests.integration.vault_lab import VaultLab

pytestmark = pytest.mark.servers
PATH = "watchparty/production/stripe"
KEY = "canary-of-vault-" + "k" * 20


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        yield started


@pytest.fixture
def shop(lab: Lab, vault: VaultLab) -> Lab:
    """A lab whose catalog has one setting in Vault."""
    lab.add_hosts()
    lab.seed(layout("1"))
    lab.catalog["settings"]["STRIPE_KEY"] = {"vault": "watchparty/{environment}/stripe", "key": "key", "required": True}
    lab.catalog["stores"] = {"vault": vault.settings()}
    vault.put(PATH, key=KEY, other="canary-of-another")
    return lab


def test_a_deploy_its_check_and_its_repetition(shop: Lab, vault: VaultLab) -> None:
    (host,) = shop.hosts
    checked = shop.deploy("--check", "--diff", "-vvvv")
    assert "+STRIPE_KEY fingerprint " in checked.output
    assert not host.env_file.exists()
    first = shop.deploy("-vvvv")
    host.assert_healthy("1")
    assert host.values()["STRIPE_KEY"] == KEY
    assert f"secret vault:{PATH} (version " in first.text
    assert sorted(first.operations) == sorted(calls())
    second = shop.deploy()
    assert "unchanged, healthy before" in second.text
    number = vault.put(PATH, key=KEY + "-2")
    third = shop.deploy()
    assert f"secret vault:{PATH} (version {number})" in third.text
    assert host.values()["STRIPE_KEY"] == KEY + "-2"
    token = Path(shop.catalog["stores"]["vault"]["token_file"]).read_text().strip()
    for run in (checked, first, second, third):
        assert "canary" not in run.output
        assert token not in run.output


@pytest.mark.parametrize("login", [VaultLab.approle, VaultLab.jwt])
def test_a_login_of_a_machine(shop: Lab, vault: VaultLab, login: Callable[[VaultLab], dict[str, Any]]) -> None:
    shop.catalog["stores"]["vault"] = vault.settings(**login(vault))
    shop.deploy()
    assert shop.hosts[0].values()["STRIPE_KEY"] == KEY


def _sealed(vault: VaultLab) -> Callable[[], None]:
    vault.server.seal()
    return vault.server.unseal


def _down(vault: VaultLab) -> Callable[[], None]:
    vault.server.kill()
    return vault.server.resume


def _deleted(vault: VaultLab) -> Callable[[], None]:
    vault.server.request("DELETE", f"secret/data/{PATH}")
    return lambda: None


def _gone(vault: VaultLab) -> Callable[[], None]:
    vault.server.request("DELETE", f"secret/metadata/{PATH}")
    return lambda: None


def _without_policy(vault: VaultLab) -> Callable[[], None]:
    from tests.integration.vault_lab import POLICY

    vault.server.policy("watchparty", 'path "secret/data/elsewhere/*" { capabilities = ["read"] }')
    return lambda: vault.server.policy("watchparty", POLICY)


@pytest.mark.parametrize(
    ("breaks", "words"),
    [
        (_sealed, "because the server is sealed or starting; unseal it by 'bao operator unseal'"),
        (_down, "the server cannot be reached"),
        (_deleted, "STRIPE_KEY: is missing; secret vault:watchparty/production/stripe is scheduled for deletion"),
        (_gone, "STRIPE_KEY: is missing; secret vault:watchparty/production/stripe is missing"),
        (_without_policy, "denied by the policies of the token; allow it in one of them"),
    ],
)
def test_what_cannot_be_read_stops_the_deploy_before_any_host(
    shop: Lab, vault: VaultLab, breaks: Callable[[VaultLab], Callable[[], None]], words: str
) -> None:
    mend = breaks(vault)
    try:
        run = shop.run()
    finally:
        mend()
    assert run.code != 0
    assert words in run.text, run.output
    assert not shop.hosts[0].env_file.exists()
    assert "Traceback" not in run.output


def test_after_a_restart_the_same_command_goes_on(shop: Lab, vault: VaultLab) -> None:
    vault.server.restart(unseal=False)
    assert "sealed" in shop.run().text
    vault.server.unseal()
    shop.deploy()
    assert shop.hosts[0].values()["STRIPE_KEY"] == KEY


def _expired(vault: VaultLab) -> dict[str, Any]:
    token = vault.server.token("watchparty")
    vault.server.request("POST", "auth/token/revoke", {"token": token})
    return {"auth": "token", "token_file": str(vault.private("revoked", token))}


def _open_to_all(vault: VaultLab) -> dict[str, Any]:
    path = vault.token_file()
    path.chmod(0o644)
    return {"auth": "token", "token_file": str(path)}


def _wrong_secret_id(vault: VaultLab) -> dict[str, Any]:
    return {**vault.approle(), "secret_id_file": str(vault.private("secret-id", "wrong-secret-id"))}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (_expired, "the token has expired or was revoked; log in again by 'vault login' or 'bao login'"),
        (_open_to_all, "; run 'chmod 600"),
        (_wrong_secret_id, "the login by approle was refused"),
        (lambda vault: vault.jwt(sub="repo:example/other"), "the login by jwt was refused"),
        (lambda vault: vault.jwt(exp=1), "the login by jwt was refused"),
        (lambda vault: {"namespace": "nowhere", **_login(vault)}, "STRIPE_KEY: is missing"),
        (lambda _vault: {"auth": "token", "token_file": "/nowhere"}, "/nowhere cannot be read: No such file"),
        (lambda vault: {"mount": "elsewhere", **_login(vault)}, "denied by the policies"),
        (lambda vault: {"ca_cert": "/etc/hostname", **_login(vault)}, "certificate"),
        (lambda vault: {"ca_cert": "/nowhere", **_login(vault)}, "stores.vault.ca_cert: /nowhere does not exist"),
    ],
)
def test_a_login_that_does_not_work(
    shop: Lab, vault: VaultLab, options: Callable[[VaultLab], dict[str, Any]], words: str
) -> None:
    shop.catalog["stores"]["vault"] = vault.settings(**options(vault))
    run = shop.run("-vvvv")
    assert run.code != 0
    assert words in run.text, run.output
    assert "canary" not in run.output
    assert "wrong-secret-id" not in run.output
    assert "Traceback" not in run.output


def _login(vault: VaultLab) -> dict[str, Any]:
    return {"auth": "token", "token_file": str(vault.token_file())}


def test_a_catalog_that_is_wrong_is_reported_before_anything_is_asked(shop: Lab) -> None:
    del shop.catalog["stores"]
    run = shop.run()
    assert run.code != 0
    assert "settings.STRIPE_KEY.vault: no server is declared for it; add stores.vault" in run.text
    assert run.operations == []
