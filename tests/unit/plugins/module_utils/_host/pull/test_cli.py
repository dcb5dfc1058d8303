# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The program itself, as a host runs it: one file, an interpreter without Ansible, and exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import cli as pull_cli
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import fetch as pull_fetch
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle
from sandbox.aws import Moto

CATALOG = {"application": "app", "settings": {"MODE": {"value": "test"}, "KEY": {"group": "core"}}}
AWS = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
AWS["AWS_MAX_ATTEMPTS"] = "1"
BLOCKED = (
    "import sys; sys.modules['ansible'] = None; sys.path.insert(0, sys.argv[1]); sys.argv[0:2] = ['fetch'];"
    "import runpy; runpy.run_path(sys.path[0], run_name='__main__')"
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "fetch.pyz").write_bytes(program_bundle.zipped("_host.pull.cli"))
    (tmp_path / "catalog.json").write_text(json.dumps(CATALOG))
    (tmp_path / "fetch.json").write_text(
        json.dumps({"environment": "test", "path": str(tmp_path / ".env"), "patience": 0, "region": "eu-west-3"})
    )
    return tmp_path


def files(place: Path) -> list[str]:
    return [f"--config={place / 'fetch.json'}", f"--catalog={place / 'catalog.json'}"]


def run(place: Path, *, python: str = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-I", "-c", BLOCKED, str(place / "fetch.pyz"), *files(place)],
        env={**AWS, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_aws_and_without_a_file_it_fails(place: Path) -> None:
    done = run(place)
    assert done.returncode == 3
    assert done.stderr.startswith("AWS could not be reached")
    assert "does not exist either" in done.stderr
    assert done.stdout == ""


def test_with_a_file_it_is_a_warning_to_the_systemd_journal(place: Path) -> None:
    (place / ".env").write_text("KEY=canary\n")
    done = run(place, JOURNAL_STREAM="8:1")
    assert done.returncode == 75
    assert all(line.startswith("<4>") for line in done.stderr.splitlines())
    assert "canary" not in done.stderr


def test_wrong_files_are_named(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    (place / "catalog.json").write_text("{")
    assert pull_cli.main(files(place)) == 2
    assert capsys.readouterr().err.startswith(f"<3>{place}/catalog.json is not valid JSON")
    (place / "catalog.json").unlink()
    assert pull_cli.main(files(place)) == 2
    assert "catalog.json cannot be read: No such file" in capsys.readouterr().err
    (place / "fetch.json").write_text("[]")
    assert pull_cli.main(files(place)) == 2


def test_an_interpreter_without_boto3(place: Path) -> None:
    bare = place / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(bare)], check=True)
    done = run(place, python=str(bare / "bin" / "python"))
    assert done.returncode == 2
    assert "boto3 is not installed for" in done.stderr


def test_main_says_what_came_of_it(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        pull_fetch, "fetch", lambda *_, **__: pull_fetch.FetchResult(pull_fetch.GOOD, ("one", "two\nthree"))
    )
    monkeypatch.setenv("JOURNAL_STREAM", "8:1")
    assert pull_cli.main(files(place)) == 0
    assert capsys.readouterr().err == "<6>one\n<6>two\n<6>three\n"


@pytest.mark.servers
def test_an_encrypted_file_is_opened_with_the_packages_of_the_interpreter(place: Path) -> None:
    """As the unit starts it: no package is importable before the first client is made."""
    catalog = {**CATALOG, "aws": {"kms_key": "alias/app-test"}}
    context = encrypted_env.context_of(catalog_parser.parse(catalog, "test"))
    (place / "catalog.json").write_text(json.dumps(catalog))
    config = json.loads((place / "fetch.json").read_text())
    (place / "fetch.json").write_text(json.dumps({**config, "file": str(place / "test.env.enc")}))
    with Moto(place) as moto:
        kms = moto.client("kms")
        kms.create_alias(AliasName="alias/app-test", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        file_key = env_keys.new_file_key()
        wrapped = env_keys.wrapped(env_keys.KmsKeys("alias/app-test", (), lambda _region: kms), context, file_key)
        made = encrypted_env.written(
            {"KEY": "canary"},
            context=context,
            journal=1,
            written_at="2026-11-29T01:00:00Z",
            file_key=file_key,
            wrapped_key=wrapped,
        )
        (place / "test.env.enc").write_bytes(made)
        argv = [sys.executable, "-I", "-S", str(place / "fetch.pyz"), *files(place)]
        since = moto.count()
        done = subprocess.run(argv, env=moto.env(), capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        assert moto.operations(since=since) == ["Decrypt"]
    assert "is written, mode 0600 (snapshot enc-" in done.stderr
    assert "canary" not in done.stderr
    assert (place / ".env").read_text().endswith("KEY='canary'\n")
