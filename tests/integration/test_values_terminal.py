# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody sits at a terminal: is asked once for what is needed, unseen, and for one setting that changes."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping

import pytest

from tests.integration.harness import LONGEST, Lab
from tests.integration.values_lab import PROVISION, SET, Account

pytestmark = pytest.mark.slow
TYPED = {
    "Value of API_TOKEN": "api-token-of-the-partner",
    "Value of ALLOWED_HOSTS": "shop.example.com",
    "Value of admin.username": "root",
    "Value of admin.password": "admin-password-of-somebody",
}
BESIDE = {
    "Value, or nothing, of SECRET_KEY_FALLBACKS": "",
    "Value, or nothing, of MAIL_USER": "mailer@example.com",
    "Value, or nothing, of MAIL_PASSWORD": "mail-password-of-ours",
}


def typed(lab: Lab, playbook: str, answers: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """A run at a terminal, where each question is answered as it comes; its exit code and what is seen."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        lab.command(*arguments, playbook=playbook),
        cwd=lab.root,
        env={**lab.environment(), "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # prompts want it to be the controlling one
    )
    os.close(terminal)
    seen, left, end = "", dict(answers), time.monotonic() + LONGEST
    with contextlib.suppress(OSError):
        while time.monotonic() < end:
            if not select.select([master], [], [], 1)[0]:
                continue
            seen += os.read(master, 65536).decode(errors="replace")
            question = next((one for one in left if f"{one}: " in seen), None)
            if question:
                time.sleep(0.3)
                os.write(master, f"{left.pop(question)}\r".encode())
    os.close(master)
    code = process.wait(timeout=30)
    assert not left, seen
    return code, re.sub(r"\s+", " ", seen)


def test_asked_once(lab: Lab) -> None:
    account = Account(lab)
    lab.add_hosts()
    code, seen = typed(lab, PROVISION, {**TYPED, **BESIDE}, "-e", "secret_provision_optional=true")
    assert code == 0, seen
    account.assert_complete()
    assert account.parameter("/shop/production/Mail/USER") == "mailer@example.com"
    assert account.secret("shop/production/integrations") == {"MAIL_PASSWORD": "mail-password-of-ours"}
    for value in ("api-token-of-the-partner", "admin-password-of-somebody", "mail-password-of-ours"):
        assert value not in seen
    assert "not set, and not needed: SECRET_KEY_FALLBACKS" in seen
    code, seen = typed(lab, PROVISION, {})
    assert code == 0, seen
    assert "every value that is known is there already" in seen

    code, seen = typed(lab, SET, {"New value of API_TOKEN": "canary-of-a-new-token"}, "-e", "name=API_TOKEN")
    assert code == 0, seen
    assert "canary-of-a-new-token" not in seen
    assert account.secret("shop/production/core")["API_TOKEN"] == "canary-of-a-new-token"


def test_a_malformed_answer_writes_nothing(lab: Lab) -> None:
    account = Account(lab)
    lab.add_hosts()
    code, seen = typed(lab, PROVISION, {**TYPED, "Value of ALLOWED_HOSTS": "https://shop.example.com"})
    assert code != 0
    assert "ALLOWED_HOSTS: is a list of hosts, and item 1 is none" in seen
    assert account.state() == {}
