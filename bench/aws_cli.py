# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The real AWS command line, in its own environment under ``.cache``, installed again if its pin changes."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.process import REPOSITORY, SandboxError, alone

REQUIREMENTS = Path(__file__).resolve().parent / "aws-cli.txt"
ENVIRONMENT = REPOSITORY / ".cache" / "aws-cli"


def program() -> Path:
    with alone("aws-cli"):
        return _installed()


def _installed() -> Path:
    wanted = hashlib.sha256(sys.version.encode() + REQUIREMENTS.read_bytes()).hexdigest()
    stamp, interpreter = ENVIRONMENT / ".stamp", ENVIRONMENT / "bin" / "python"
    if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        pip = ["pip", "--disable-pip-version-check", "--python", str(interpreter)]
        for command in (
            ["venv", "--without-pip", str(ENVIRONMENT)],
            [*pip, "install", "-q", "-r", str(REQUIREMENTS)],
        ):
            answer = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
            if answer.returncode:
                raise SandboxError(f"The AWS command line cannot be installed:\n{answer.stderr.strip()}")
        stamp.write_text(wanted, encoding="utf-8")
    return ENVIRONMENT / "bin" / "aws"
