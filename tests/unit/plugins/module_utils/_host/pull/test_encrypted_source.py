# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A .env.enc on the host in the place of the stores."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull.fetch import (
    GOOD,
    INVALID,
    KEPT,
    NO_ACCESS,
    NotConfigured,
    wanted_of,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from tests.unit.plugins.module_utils._host.pull.fetching_host import (
    CANARY,
    CATALOG,
    CLIENTS,
    OTHER,
    Host,
    client,
)

FILE_CATALOG: Mapping[str, Any] = {**CATALOG, "aws": {"kms_key": "alias/app-test"}}


@pytest.fixture
def file(host: Host) -> Path:
    host.catalog = dict(FILE_CATALOG)
    kms = CLIENTS["kms"] = client("kms")
    kms.create_alias(AliasName="alias/app-test", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    path = host.directory / "test.env.enc"
    write(path, CANARY)
    return path


def write(path: Path, value: str, *, journal: int = 5, minute: int = 0, environment: str = "test") -> None:
    catalog = catalog_parser.parse(FILE_CATALOG, environment)
    context = encrypted_env.context_of(catalog)
    keys = env_keys.kms_keys(catalog, lambda _region: CLIENTS["kms"])
    file_key = env_keys.new_file_key()
    path.write_bytes(
        encrypted_env.written(
            {"KEY": value, "PORT": "1"},
            context=context,
            journal=journal,
            written_at=f"2026-11-29T01:{minute:02}:00Z",
            file_key=file_key,
            wrapped_key=env_keys.wrapped(keys, context, file_key),
        )
    )


def test_it_writes_what_the_file_holds_and_asks_no_store(host: Host, file: Path) -> None:
    from_stores = host.fetch()
    assert from_stores.code == GOOD
    stores = host.path.read_bytes()
    host.path.unlink()
    CLIENTS.update({"ssm": None, "secretsmanager": None, "s3": None, "sts": None})
    first = host.fetch(file=str(file))
    assert first.code == GOOD, first.messages
    assert host.path.read_bytes() == stores, "the bytes of a deploy"
    assert host.path.stat().st_mode & 0o777 == 0o600
    assert "(snapshot enc-" in first.messages[-1]
    assert host.mark["accepted"]["journal"] == 5
    assert not host.fetch(file=str(file)).changed


def test_kms_is_gone_and_the_last_file_stays(host: Host, file: Path) -> None:
    host.fetch(file=str(file))
    before = host.path.read_bytes()
    write(file, OTHER, journal=6)
    host.gone = 9
    kept = host.fetch(file=str(file))
    assert kept.code == KEPT
    assert kept.messages[0] == "AWS could not be reached"
    assert f"{host.path} stays as written at" in kept.messages[1]
    assert host.path.read_bytes() == before
    host.path.unlink()
    gone = host.fetch(file=str(file), patience=10)
    assert gone.code == NO_ACCESS
    assert host.slept


def test_an_older_file_is_refused(host: Host, file: Path) -> None:
    """Whoever may write the checkout brings back no value that was rotated away."""
    write(file, OTHER, journal=6)
    old = file.read_bytes()
    write(file, CANARY, journal=7)
    assert host.fetch(file=str(file)).code == GOOD
    file.write_bytes(old)
    refused = host.fetch(file=str(file))
    assert refused.code == KEPT
    assert "already has the .env of a newer journal (number 7; this run read number 6)" in refused.messages[0]
    assert host.values()["KEY"] == CANARY


def test_a_file_from_before_another_value_was_set_is_refused(host: Host, file: Path) -> None:
    """The journal's number stays in that case."""
    write(file, OTHER, minute=1)
    old = file.read_bytes()
    write(file, CANARY, minute=2)
    assert host.fetch(file=str(file)).code == GOOD
    file.write_bytes(old)
    refused = host.fetch(file=str(file))
    assert refused.code == KEPT
    older = "written at 2026-11-29T01:01:00Z, but this host already accepted one written at 2026-11-29T01:02:00Z"
    assert older in refused.messages[0]
    assert host.values()["KEY"] == CANARY
    host.path.unlink()
    assert host.fetch(file=str(file)).code == INVALID, "nor where there is no .env any more"


@pytest.mark.parametrize(
    ("attack", "message"),
    [
        (lambda file: file.unlink(), "does not exist"),
        (
            lambda file: (file.rename(file.with_suffix(".x")), file.symlink_to(file.with_suffix(".x"))),
            "symbolic link",
        ),
        (lambda file: (file.unlink(), os.mkfifo(file)), "is not a regular file"),
        (lambda file: file.write_bytes(file.read_bytes()[:-5]), "the file ends too early"),
        (lambda file: file.write_bytes(file.read_bytes().replace(b"journal=5", b"journal=9")), "was changed after"),
        (
            lambda file: file.write_bytes(file.read_bytes().replace(b"written=2026", b"written=2027")),
            "was changed after",
        ),
        (lambda file: file.write_bytes(b"x" * (5 << 20)), "is larger than 4 MiB"),
        (lambda file: write(file, OTHER, environment="staging"), "belongs to environment staging"),
    ],
)
def test_a_hostile_file_is_refused_and_the_last_one_stays(
    host: Host, file: Path, attack: Callable[[Path], Any], message: str
) -> None:
    host.fetch(file=str(file))
    before = host.path.read_bytes()
    attack(file)
    kept = host.fetch(file=str(file))
    assert kept.code == KEPT
    assert message in kept.messages[0]
    assert str(file) in kept.messages[0]
    assert host.path.read_bytes() == before


def test_another_catalog_is_refused(host: Host, file: Path) -> None:
    host.catalog = {**FILE_CATALOG, "settings": {"KEY": {"group": "other"}}}
    assert "was written with another catalog" in host.fetch(file=str(file)).messages[0]


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(NotConfigured, match="file must be absolute"):
        wanted_of({"environment": "test", "path": "/x", "file": "test.env.enc"})
