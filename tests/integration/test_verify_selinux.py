# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WPS204 by the file's own attribute and the real matchpathcon over a policy's real table.

No kernel here enforces SELinux. The host's Python runs in a mount namespace in which the kernel's sign of it and the
table stand where a host that does has them; everything that is read there is read as on such a host.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.forensics import host_facts
from sandbox import sshd
from tests import planted
from tests.integration.harness import Lab
from tests.integration.verify_lab import VERIFY, outcomes

MATCHPATHCON = sshd.find("matchpathcon")
ATTRIBUTE = "security.selinux"
RIGHT, WRONG = "system_u:object_r:app_secret_t:s0", "system_u:object_r:etc_t:s0"
ENTER = """\
set -e
mount -t tmpfs none /sys/fs
mkdir /sys/fs/selinux
echo 1 > {enforce}
mount --bind {policy} /etc/selinux
PATH={programs}:$PATH exec "$@"
"""


def unavailable() -> str | None:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        return "not root, or no unshare"
    if os.path.exists(host_facts.SELINUX):
        return "this machine has SELinux, whose policy is not the test's"
    if not MATCHPATHCON or not Path("/etc/selinux").is_dir():
        return "no matchpathcon (package selinux-utils)"
    return None


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(unavailable()), reason=f"{unavailable()}: no SELinux context was judged"),
]


@pytest.fixture
def table(lab: Lab) -> Path:
    """The table of the policy that the one host finds."""
    policy = lab.directory / "selinux"
    table = policy / "test" / "contexts" / "files" / "file_contexts"
    table.parent.mkdir(parents=True)
    (policy / "config").write_text("SELINUX=enforcing\nSELINUXTYPE=test\n")
    (host,) = lab.add_hosts(1)
    host.env_file.write_text("A='1'\n")
    host.env_file.chmod(0o600)
    enter = lab.directory / "enter"
    programs = Path(str(MATCHPATHCON)).parent
    enter.write_text(ENTER.format(enforce=host_facts.SELINUX, policy=policy, programs=programs))
    python = lab.connection["ansible_python_interpreter"]
    # A script of the account's own, as a wrapper that nobody knows is not an interpreter.
    wrapper = lab.directory / "python3"
    wrapper.write_text(f'#!/bin/sh\nexec unshare --mount sh {enter} {python} "$@"\n', encoding="utf-8")
    wrapper.chmod(0o755)
    lab.host_vars[host.name]["ansible_python_interpreter"] = str(wrapper)
    return table


@planted.mistakes("Hosts, by a whole run", planted.PLAYBOOK, rows={"another SELinux context of .env": "WPS204"})
def test_contexts(lab: Lab, table: Path) -> None:
    (host,) = lab.hosts
    rule = f"{re.escape(str(host.env_file))}\t"

    def verified(context: str = "", rules: str = "") -> tuple[int, str, str]:
        table.write_text(rules)
        if context:
            os.setxattr(host.env_file, ATTRIBUTE, context.encode() + b"\0")
        report = lab.directory / "report"
        given = {"verify_report_path": str(report), "verify_only": "WPS204"}
        run = lab.run("-e", json.dumps(given), playbook=VERIFY)
        (entry,) = outcomes(json.loads((report / "partial.json").read_text()), "WPS204")
        return run.code, entry["status"], entry["message"]

    assert verified(RIGHT, rule + RIGHT) == (0, "pass", f"context {RIGHT}")
    code, how, text = verified(WRONG, rule + RIGHT)
    planted.ended(code)
    assert how == "fail"
    assert text == f"context {WRONG} instead of {RIGHT}"
    message = "SELinux is enabled and "
    assert verified(WRONG, f"{rule}<<none>>") == (0, "not applicable", "the SELinux policy sets no context for it")
    os.removexattr(host.env_file, ATTRIBUTE)
    text = f"{message}the file's context cannot be read: No data available"
    assert verified() == (2, "not checked", text)
    lab.host_vars[host.name]["ansible_python_interpreter"] = lab.connection["ansible_python_interpreter"]
    assert verified() == (0, "not applicable", "SELinux is not enabled")
