# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is read once for every client of a process and of those forked from it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ProfileNotFound
from botocore.loaders import JSONFileLoader

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import boto3_sessions

WHERE = {"region_name": "eu-west-3", "aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "none"}


def test_a_client_of_a_store_reads_no_description_again(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    load = JSONFileLoader.load_file
    monkeypatch.setattr(JSONFileLoader, "load_file", lambda self, path: read.append(path) or load(self, path))
    for service in ("secretsmanager", "ssm"):
        client = boto3_sessions.session(None).client(service, **WHERE)
        assert client.meta.endpoint_url == f"https://{service}.eu-west-3.amazonaws.com"
    assert read == []


def test_other_services_can_be_had() -> None:
    assert (
        boto3_sessions.session(None).client("kms", **WHERE).meta.endpoint_url == "https://kms.eu-west-3.amazonaws.com"
    )


def test_a_profile_is_its_own_session(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[profile ops]\nregion = eu-north-1\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    assert boto3_sessions.session("ops").region_name == "eu-north-1"
    assert boto3_sessions.session(None).region_name != "eu-north-1"
    with pytest.raises(ProfileNotFound):
        boto3_sessions.session("nobody").client("ssm")


def test_a_wrong_configuration_does_not_keep_a_plugin_from_loading(tmp_path: Path) -> None:
    """It is reported by whoever makes a client."""
    config = tmp_path / "config"
    config.write_text("this is not a configuration", encoding="utf-8")
    for name, value in (("AWS_PROFILE", "nobody"), ("AWS_CONFIG_FILE", str(config))):
        command = [sys.executable, "-c", f"import {boto3_sessions.__name__}"]
        path = os.pathsep.join(name for name in sys.path if name)
        done = subprocess.run(
            command, env={**os.environ, "PYTHONPATH": path, name: value}, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_forks_do_not_collect_what_they_inherit() -> None:
    script = f"import gc, {boto3_sessions.__name__}; raise SystemExit(not gc.get_freeze_count())"
    path = os.pathsep.join(name for name in sys.path if name)
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0
