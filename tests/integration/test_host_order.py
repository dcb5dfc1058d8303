# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which hosts a playbook reaches does not depend on the order of a set, which Python draws anew for each process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.process import REPOSITORY, clean_environment

SEEDS = ("3", "4")
"""Under the first a set of these names begins with the group, under the second with a host."""
UNORDERED = re.compile(r"\b(?:union|difference|intersect|symmetric_difference)\(")
"""Filters of Ansible that make a set of a list."""


@pytest.mark.parametrize(
    ("playbook", "message"),
    [("rotate", "rotation_skip_hosts=web2,web3"), ("leak_response", "leak_compromised_hosts=web2,web3")],
)
def test_hosts_that_are_left_out(playbook: str, message: str) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    argv = [program, "-i", "web1,web2,web3,web4", REPOSITORY / "playbooks" / f"{playbook}.yml", "--list-hosts"]
    for seed in SEEDS:
        done = subprocess.run(
            [str(part) for part in (*argv, "-e", "app_hosts=all", "-e", message)],
            env=clean_environment(PYTHONHASHSEED=seed, LC_ALL="C.UTF-8"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert set(re.findall(r"^ +(web\d)$", done.stdout, re.MULTILINE)) == {"web1", "web4"}, done.stdout


def test_no_list_is_made_of_a_set() -> None:
    """Names are reported, asked for and recorded in the order of the inventory and of the catalog."""
    files = [*(REPOSITORY / "roles").rglob("*.yml"), *(REPOSITORY / "playbooks").glob("*.yml")]
    strs = {str(file.relative_to(REPOSITORY)) for file in files if UNORDERED.search(file.read_text(encoding="utf-8"))}
    assert strs == set()
