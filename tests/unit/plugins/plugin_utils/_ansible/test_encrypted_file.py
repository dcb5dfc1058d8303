# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The write of a .env.enc: killed at each step it leaves the old file or the new one, and a second run is enough."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    EncryptedEnvError,
    HostError,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.env_keys import KmsKeys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import encrypted_file

CATALOG = {
    "application": "shop",
    "settings": {"KEY": {"group": "core"}},
    "encrypted_env": {"file": "{environment}.env.enc"},
}
OLD, NEW = {"KEY": "canary-old"}, {"KEY": "canary-new"}


class Killed(BaseException):
    """As SIGKILL would: nothing catches it on purpose."""


@pytest.fixture
def catalog() -> Catalog:
    return catalog_parser.parse(CATALOG, "test")


@pytest.fixture
def keys(catalog: Catalog) -> Iterator[KmsKeys]:
    with mock_aws():
        kms = boto3.client("kms", region_name="eu-west-3", aws_access_key_id="x", aws_secret_access_key="x")
        kms.create_alias(AliasName="alias/shop-test", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        yield env_keys.kms_keys(catalog, lambda _region: kms)


def encrypt(path: Path, values: dict[str, str], catalog: Catalog, keys: KmsKeys, journal: int = 1) -> bool:
    with encrypted_file.held(str(path), write=True) as file:
        present = file.found.content if file.found else None
        plan = encrypted_file.plan(present, str(path), values, catalog, journal, keys, new_key=False)
        assert "canary" not in repr(plan)
        if plan.changed:
            file.write(encrypted_file.content(plan, keys))
        return plan.changed


def read(path: Path, catalog: Catalog, keys: KmsKeys) -> dict[str, str]:
    return encrypted_file.read(str(path), catalog, keys)[1]


@pytest.mark.parametrize("step", ["open", "write", "fchmod", "fsync", "rename", "unlink"])
@pytest.mark.parametrize("first", [True, False], ids=["a new file", "a renewal"])
def test_killed_at_each_step(
    tmp_path: Path, catalog: Catalog, keys: KmsKeys, monkeypatch: pytest.MonkeyPatch, step: str, first: bool
) -> None:
    path = tmp_path / "test.env.enc"
    if not first:
        encrypt(path, OLD, catalog, keys)
    real: Callable[..., Any] = getattr(os, step)

    def killed(*arguments: Any, **more: Any) -> Any:
        writes = step != "open" or (len(arguments) > 1 and arguments[1] & os.O_CREAT)
        if writes:
            raise Killed
        return real(*arguments, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, step, killed)
        with pytest.raises(Killed):
            encrypt(path, NEW, catalog, keys)
    if path.exists():
        assert read(path, catalog, keys) in ((NEW,) if first else (OLD, NEW))
    else:
        assert first
    (tmp_path / "test.env.enc.tmp-0123456789abcdef").write_text("half")  # a real kill leaves it
    encrypt(path, OLD, catalog, keys)
    assert encrypt(path, NEW, catalog, keys)
    assert read(path, catalog, keys) == NEW
    assert not encrypt(path, NEW, catalog, keys)
    assert [one.name for one in tmp_path.iterdir()] == ["test.env.enc"]


def test_a_file_of_a_lower_journal_number_is_raised(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    """A host that accepted 20 refuses a file of 12, whatever its values are."""
    path = tmp_path / "test.env.enc"
    encrypt(path, OLD, catalog, keys, journal=12)
    before = path.read_text().splitlines()
    assert encrypt(path, OLD, catalog, keys, journal=20)
    after = path.read_text().splitlines()
    assert "journal=20" in after[0]
    assert [at for at, line in enumerate(after) if line != before[at]] == [0, len(after) - 1]
    assert not encrypt(path, OLD, catalog, keys, journal=20)


def test_a_run_that_was_killed_before_the_renewal_is_known_by_the_file(
    tmp_path: Path, keys: KmsKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "test.env.enc"
    catalog = catalog_parser.parse({**CATALOG, "encrypted_env": {"file": str(path)}}, "test")
    assert not encrypted_file.is_behind(catalog, 5), "it is kept elsewhere"
    encrypt(path, OLD, catalog, keys, journal=5)
    assert not encrypted_file.is_behind(catalog, 5)
    assert encrypted_file.is_behind(catalog, 6)
    path.write_text("<<<<<<< HEAD\n")
    assert encrypted_file.is_behind(catalog, 5), "the renewal says why it cannot be read"
    assert not encrypted_file.is_behind(catalog_parser.parse({**CATALOG, "encrypted_env": None}, "test"), 5)


def test_each_write_is_later_than_the_one_before(
    tmp_path: Path, catalog: Catalog, keys: KmsKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also within a second, and where the clock of this machine is behind."""
    path = tmp_path / "test.env.enc"
    moments = []
    for now, values in ((100, OLD), (100, NEW), (40, OLD), (40, OLD), (200, NEW)):
        monkeypatch.setattr(encrypted_file.time, "time", lambda now=now: float(now))
        encrypt(path, values, catalog, keys)
        moments.append(path.read_text().partition("written=")[2][14:19])
    assert moments == ["01:40", "01:41", "01:42", "01:42", "03:20"]


def test_a_break_glass_key_opens_and_does_not_write_alone(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    """Hosts may use the main key only, and could not open what was written without it."""
    kms = keys.client("")
    spare, new = (kms.create_key()["KeyMetadata"]["Arn"] for _at in range(2))
    both = replace(keys, further=(spare,))
    path = tmp_path / "test.env.enc"
    encrypt(path, OLD, catalog, both)
    before = path.read_bytes()
    kms.delete_alias(AliasName="alias/shop-test")
    assert read(path, catalog, both) == OLD
    with pytest.raises(SecretsError, match="alias/shop-test"):
        encrypt(path, NEW, catalog, both)
    assert path.read_bytes() == before
    kms.create_alias(AliasName="alias/shop-test", TargetKeyId=new)
    assert encrypt(path, NEW, catalog, both)
    assert read(path, catalog, keys) == NEW
    assert not encrypt(path, NEW, catalog, both)


def test_a_slower_run_replaces_no_newer_file(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    path = tmp_path / "test.env.enc"
    encrypt(path, NEW, catalog, keys, journal=20)
    before = path.read_bytes()
    with pytest.raises(
        EncryptedEnvError,
        match=r"another run wrote it with a newer journal \(number 20; this run read number 12\)",
    ):
        encrypt(path, OLD, catalog, keys, journal=12)
    assert path.read_bytes() == before


def test_a_mode_that_somebody_chose_stays(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    path = tmp_path / "test.env.enc"
    encrypt(path, OLD, catalog, keys)
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    encrypt(path, NEW, catalog, keys)
    assert path.stat().st_mode & 0o777 == 0o640


def test_links_pipes_and_folders_are_refused(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    target = tmp_path / "target"
    encrypt(target, OLD, catalog, keys)
    before = target.read_bytes()
    path = tmp_path / "test.env.enc"
    for make in (lambda: path.symlink_to(target), lambda: os.mkfifo(path), path.mkdir):
        make()
        for act in (lambda: encrypt(path, NEW, catalog, keys), lambda: read(path, catalog, keys)):
            with pytest.raises(HostError, match=str(path)):
                act()
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    assert target.read_bytes() == before


def test_a_file_that_cannot_be_opened_names_the_way_out(tmp_path: Path, catalog: Catalog, keys: KmsKeys) -> None:
    path = tmp_path / "test.env.enc"
    path.write_text("<<<<<<< HEAD\n")
    with pytest.raises(EncryptedEnvError, match="To replace the file without reading it: -e encrypt_new_key=true"):
        encrypt(path, NEW, catalog, keys)
    plan = encrypted_file.plan(path.read_bytes(), str(path), NEW, catalog, 1, keys, new_key=True)
    assert plan.changed
    assert plan.added == ["KEY"]
