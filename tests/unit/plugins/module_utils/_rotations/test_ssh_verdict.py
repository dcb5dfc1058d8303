# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._rotations._ssh_verdict import read

ONE, TWO = "SHA256:one+/1", "SHA256:two"
OFFERED = "debug1: Offering public key: /tmp/key.pub ED25519 {} explicit agent\n"
TAKEN = "debug1: Server accepts key: /tmp/key.pub ED25519 {} explicit agent\n"
IN = 'Authenticated to web1 ([192.0.2.1]:22) using "publickey".\n'


def test_a_login_by_the_key() -> None:
    found = read(
        ["OpenSSH_10.0p2\n", OFFERED.format(ONE), TAKEN.format(ONE), IN, "debug1: Entering interactive session.\n"]
    )
    assert found.is_in_by(ONE)
    assert (found.accepts(ONE), found.accepts(TWO), found.denied, found.reason) == (True, None, False, "")


def test_a_login_by_another_one_is_none_by_this() -> None:
    found = read([OFFERED.format(ONE), OFFERED.format(TWO), TAKEN.format(TWO), IN])
    assert not found.is_in_by(ONE)
    assert found.accepts(ONE) is False
    assert found.by == TWO


def test_refused() -> None:
    found = read([OFFERED.format(ONE), "deploy@web1: Permission denied (publickey).\n"])
    assert (found.logged_in, found.accepts(ONE), found.denied) == (False, False, True)
    assert found.reason == "deploy@web1: Permission denied (publickey)."


def test_taken_but_a_second_factor_is_missing() -> None:
    found = read([OFFERED.format(ONE), TAKEN.format(ONE), "deploy@web1: Permission denied (keyboard-interactive).\n"])
    assert (found.logged_in, found.accepts(ONE), found.is_in_by(ONE)) == (False, True, False)


def test_a_jump_hosts_login_comes_first() -> None:
    found = read([OFFERED.format(TWO), TAKEN.format(TWO), IN, OFFERED.format(ONE), TAKEN.format(ONE), IN])
    assert found.is_in_by(ONE)
    refused = read(
        [OFFERED.format(TWO), TAKEN.format(TWO), IN, OFFERED.format(ONE), "x@y: Permission denied (publickey)."]
    )
    assert not refused.logged_in


def test_another_method_than_a_key() -> None:
    assert read(['Authenticated to web1 ([192.0.2.1]:22) using "gssapi-with-mic".']).by == "gssapi-with-mic"


@pytest.mark.parametrize(
    "words", ["ssh: connect to host web1 port 22: No route to host", "Host key verification failed."]
)
def test_a_host_that_does_not_answer(words: str) -> None:
    found = read(["debug1: Connecting to web1\n", words + "\n"])
    assert (found.logged_in, found.accepts(ONE), found.denied, found.reason) == (False, None, False, words)
