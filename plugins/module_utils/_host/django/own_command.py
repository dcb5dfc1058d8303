# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ends sessions by the application's own command. Standard library only; Python 3.8."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import trusted_imports

ENGINE = "command"
SECONDS = 300


def ended(command: Sequence[str], *, check: bool) -> dict[str, Any]:
    """Raises HostError. The command's output is not reported: it may show settings."""
    if not check:
        _run(command)
    return {"changed": True, "engine": ENGINE, "only_the_key": False}


def _run(command: Sequence[str]) -> None:
    try:
        if os.geteuid() == 0:
            trusted_imports.check(command[0], {0}, set())
        # No pipe: whatever the command starts may keep its output open.
        code = subprocess.call(  # pylint: disable=ansible-bad-function
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS,
        )
    except trusted_imports.Untrusted as error:
        changeable = str(error)[len(trusted_imports.UNTRUSTED) :]
        raise HostError(
            "%s would run as root, and another account may change %s. Set django_become_user to the application's "
            "account" % (command[0], changeable)
        ) from None
    except subprocess.TimeoutExpired:
        raise HostError("%s did not end within %d s. Run it by hand to see why" % (command[0], SECONDS)) from None
    except OSError as error:
        raise HostError("%s cannot be run: %s" % (command[0], error.strerror or error)) from None
    if code:
        raise HostError(
            "%s failed with exit code %d. Run it by hand to see its output, which is not shown here"
            % (command[0], code)
        )
