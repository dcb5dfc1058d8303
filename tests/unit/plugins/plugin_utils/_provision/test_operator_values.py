# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where given values come from; no error repeats what a file holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import operator_values

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(content: bytes | str, mode: int = 0o600) -> Path:
        path = tmp_path / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    return make


def test_nothing_is_given() -> None:
    assert operator_values.given({}, {}, DataLoader()) == {}
    assert operator_values.given({"values_from": "asked"}, {"asked": {"skipped": True}}, DataLoader()) == {}
    assert operator_values.given({"values_from": "asked"}, {"asked": "x"}, DataLoader()) == {}


def test_an_answer_goes_before_a_file(write: Write) -> None:
    args = {"values_file": str(write("A: file\nadmin: {username: u}\n")), "values_from": "asked"}
    result = operator_values.given(args, {"asked": {"answers": {"A": "answer"}}}, DataLoader())
    assert result == {"A": "answer", "admin.username": "u"}


def test_a_vaulted_file(write: Write) -> None:
    secrets = [("default", VaultSecret(b"password"))]
    path = write(VaultLib(secrets).encrypt("A: canary\n"), 0o644)
    loader = DataLoader()
    loader.set_vault_secrets(secrets)
    assert operator_values.given({"values_file": str(path)}, {}, loader) == {"A": "canary"}
    other = DataLoader()
    other.set_vault_secrets([("default", VaultSecret(b"another"))])
    for wrong in (DataLoader(), other):
        with pytest.raises(ProvisionError, match=r"cannot be decrypted .*--ask-vault-pass"):
            operator_values.given({"values_file": str(path)}, {}, wrong)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("canary: [", "is not valid YAML"),
        ("- canary", "is not a mapping"),
        (b"\xffcanary", "is not valid YAML"),
        ("A: 7", "is not text"),
    ],
    ids=range(4),
)
def test_a_malformed_file(write: Write, content: bytes | str, message: str) -> None:
    with pytest.raises(ProvisionError, match=message) as caught:
        operator_values.given({"values_file": str(write(content))}, {}, DataLoader())
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("option", ["values_file", "env_file"])
def test_a_file_that_others_may_read_or_that_is_not_there(write: Write, option: str, tmp_path: Path) -> None:
    with pytest.raises(ProvisionError, match="mode 0600"):
        operator_values.given({option: str(write("A=1", 0o640))}, {}, DataLoader())
    with pytest.raises(ProvisionError, match="cannot be read: No such file"):
        operator_values.given({option: str(tmp_path / "none")}, {}, DataLoader())
    link = tmp_path / "link"
    link.symlink_to(write("A=1"))
    with pytest.raises(ProvisionError, match="regular file"):
        operator_values.given({option: str(link)}, {}, DataLoader())


def test_a_dotenv(write: Write) -> None:
    path = write("A=1\nexport B='two words'\nC=\n")
    assert operator_values.of_env(path) == {"A": "1", "B": "two words", "C": ""}
    assert operator_values.given({"env_file": str(path)}, {}, DataLoader()) == {"A": "1", "B": "two words"}
    path.write_text("B='two words'\n")
    assert operator_values.given({"env_file": str(path)}, {}, DataLoader(), ["docker_run"]) == {"B": "'two words'"}
    for content, message in (("canary without sense", "line 1 is neither"), (b"A=\xff", "is not UTF-8")):
        with pytest.raises(ProvisionError, match=message) as caught:
            operator_values.of_env(write(content))
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "text"),
    [("canary\n", "canary"), ("canary", "canary"), ("a\nb\n", "a\nb"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("", "")],
)
def test_one_text(write: Write, content: str, text: str) -> None:
    assert operator_values.of_text(write(content)) == text


def test_one_text_that_is_none(write: Write) -> None:
    with pytest.raises(ProvisionError, match="is not UTF-8"):
        operator_values.of_text(write(b"\xff"))
