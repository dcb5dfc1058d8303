# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Lambda function outside of AWS: its zip, unpacked, in an interpreter that has boto3 and nothing else of ours.

moto delivers no event and runs no function, so a test gives the handler what AWS documents that EventBridge sends.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision.mirror_function import (
    package as mirror_package,
)
from sandbox.aws import ACCOUNT, REGION

RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3")
"""What AWS's Python has beside the standard library, as far as it matters here."""
PROGRAM = """
import json, sys, traceback
sys.path[:0] = sys.argv[1:3]
from mirror import handler
assert not [name for name in sys.modules if name == "ansible" or name.startswith("ansible.")]
for line in sys.stdin:
    try:
        handler(json.loads(line), None)
    except Exception:
        traceback.print_exc()
        print("FAILED")
    else:
        print("SUCCEEDED")
"""


@dataclass(frozen=True)
class Invocations:
    output: str
    """Everything that AWS would put into the log."""

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.output.splitlines() if line.startswith("{")]

    @property
    def outcomes(self) -> list[str]:
        return [line for line in self.output.splitlines() if line in ("FAILED", "SUCCEEDED")]


class BareFunction:
    """The function as its zip makes it."""

    def __init__(self, directory: Path, document: Mapping[str, Any], environment: str) -> None:
        self._code, self._runtime = directory / "function", directory / "runtime"
        self._runtime.mkdir()
        for name in RUNTIME:
            found = importlib.util.find_spec(name)
            assert found
            assert found.origin
            path = Path(found.origin)
            path = path.parent if path.name == "__init__.py" else path
            (self._runtime / path.name).symlink_to(path)
        self.deploy(document, environment)

    def deploy(self, document: Mapping[str, Any], environment: str) -> None:
        package = mirror_package(document, environment)
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            archive.extractall(self._code)

    def invoke(self, variables: Mapping[str, str], *events: Mapping[str, Any]) -> Invocations:
        """One invocation after another, as reserved concurrency 1 has it."""
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", PROGRAM, str(self._code), str(self._runtime)],
            input="".join(f"{json.dumps(event)}\n" for event in events),
            env={"PATH": os.environ["PATH"], **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Invocations(done.stdout + done.stderr)


def event(name: str, secret: str, **parameters: Any) -> dict[str, Any]:
    """A call to Secrets Manager as CloudTrail gives it to EventBridge."""
    return {
        "version": "0",
        "id": "6f87d04b-9f74-4f04-a780-7acf4b0a9b38",
        "detail-type": "AWS API Call via CloudTrail",
        "source": "aws.secretsmanager",
        "account": ACCOUNT,
        "time": "2026-11-25T10:00:00Z",
        "region": REGION,
        "resources": [],
        "detail": {
            "eventVersion": "1.08",
            "userIdentity": {"type": "AssumedRole", "accountId": ACCOUNT},
            "eventTime": "2026-11-25T10:00:00Z",
            "eventSource": "secretsmanager.amazonaws.com",
            "eventName": name,
            "awsRegion": REGION,
            "requestParameters": {"secretId": secret, **parameters},
            "responseElements": None,
            "readOnly": False,
            "eventType": "AwsApiCall",
            "managementEvent": True,
            "recipientAccountId": ACCOUNT,
            "eventCategory": "Management",
        },
    }


SCHEDULED: dict[str, Any] = {
    "version": "0",
    "detail-type": "Scheduled Event",
    "source": "aws.events",
    "account": ACCOUNT,
    "region": REGION,
    "time": "2026-11-25T10:00:00Z",
    "detail": {},
}
