# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh.verbose_output import read

ONE, TWO = "SHA256:one+/1", "SHA256:two"
OFFERED = "debug1: Offering public key: /tmp/key.pub ED25519 {} explicit agent\n"
TAKEN = "debug1: Server accepts key: /tmp/key.pub ED25519 {} explicit agent\n"
STARTED = "debug1: Authenticating to web1:22 as 'deploy'\n"
PROXY, DIRECT = "debug1: Executing proxy command: exec x\n", "debug1: Connecting to jump [192.0.2.9] port 22.\n"
BEHIND = 'Authenticated to web1 (via proxy) using "publickey".\n'
IN = 'Authenticated to web1 ([192.0.2.1]:22) using "publickey".\n'


def test_a_login_by_the_key() -> None:
    verdict = read(
        ["OpenSSH_10.0p2\n", OFFERED.format(ONE), TAKEN.format(ONE), IN, "debug1: Entering interactive session.\n"]
    )
    assert verdict.is_in_by(ONE)
    assert (verdict.accepts(ONE), verdict.accepts(TWO), verdict.denied, verdict.reason) == (True, None, False, "")


def test_a_login_by_another_one_is_none_by_this() -> None:
    verdict = read([OFFERED.format(ONE), OFFERED.format(TWO), TAKEN.format(TWO), IN])
    assert not verdict.is_in_by(ONE)
    assert verdict.accepts(ONE) is False
    assert verdict.by == TWO


def test_refused() -> None:
    verdict = read([OFFERED.format(ONE), "deploy@web1: Permission denied (publickey).\n"])
    assert (verdict.logged_in, verdict.accepts(ONE), verdict.denied) == (False, False, True)
    assert verdict.reason == "deploy@web1: Permission denied (publickey)."


def test_taken_but_a_second_factor_is_missing() -> None:
    verdict = read([OFFERED.format(ONE), TAKEN.format(ONE), "deploy@web1: Permission denied (keyboard-interactive).\n"])
    assert (verdict.logged_in, verdict.accepts(ONE), verdict.is_in_by(ONE)) == (False, True, False)


def test_a_jump_hosts_login_comes_first() -> None:
    verdict = read([OFFERED.format(TWO), TAKEN.format(TWO), IN, OFFERED.format(ONE), TAKEN.format(ONE), IN])
    assert verdict.is_in_by(ONE)
    refused = read(
        [OFFERED.format(TWO), TAKEN.format(TWO), IN, OFFERED.format(ONE), "x@y: Permission denied (publickey)."]
    )
    assert not refused.logged_in


def test_another_method_than_a_key() -> None:
    assert read(['Authenticated to web1 ([192.0.2.1]:22) using "gssapi-with-mic".']).by == "gssapi-with-mic"


@pytest.mark.parametrize(
    "message", ["ssh: connect to host web1 port 22: No route to host", "Host key verification failed."]
)
def test_a_host_that_does_not_answer(message: str) -> None:
    verdict = read(["debug1: Connecting to web1\n", message + "\n"])
    assert (verdict.logged_in, verdict.accepts(ONE), verdict.denied, verdict.reason) == (False, None, False, message)


GOES_ON = "debug1: Authentications that can continue: publickey,password\n"


class TestWhatIsNoRefusal:
    """A key that was offered and not answered may be accepted all the same."""

    @pytest.mark.parametrize(
        "end",
        [
            [],
            ["Connection closed by 192.0.2.1 port 22\n"],
            ["Timeout, server web1 not responding.\n"],
            ["kex_exchange_identification: read: Connection reset by peer\n"],
        ],
    )
    def test_the_host_went_away(self, end: list[str]) -> None:
        verdict = read([GOES_ON, OFFERED.format(ONE), *end])
        assert (verdict.accepts(ONE), verdict.is_unanswered(ONE)) == (None, True)

    def test_an_answer_to_another_offer(self) -> None:
        verdict = read([OFFERED.format(TWO), GOES_ON, OFFERED.format(ONE), "Connection closed by 192.0.2.1 port 22\n"])
        assert (verdict.accepts(TWO), verdict.accepts(ONE)) == (False, None)
        assert (verdict.is_unanswered(TWO), verdict.is_unanswered("SHA256:never")) == (False, False)

    def test_what_a_jump_host_refused(self) -> None:
        """It may be offered there too; only the host itself can refuse it."""
        jump = [PROXY, DIRECT, STARTED, OFFERED.format(ONE), GOES_ON, OFFERED.format(TWO), TAKEN.format(TWO), IN]
        for rest in ([], [STARTED, "Connection closed\n"], [STARTED, OFFERED.format(ONE), "Connection closed\n"]):
            verdict = read([*jump, *rest])
            assert (verdict.accepts(ONE), verdict.accepts(TWO), verdict.logged_in) == (None, None, False)
        for at in (3, 4, 6):
            verdict = read([*jump[:at], "ci@jump: Permission denied (publickey).\n"])
            assert (verdict.accepts(ONE), verdict.denied) == (None, False)
            assert verdict.reason == "ci@jump: Permission denied (publickey)."
        assert read([*jump, STARTED, OFFERED.format(ONE), GOES_ON]).accepts(ONE) is False
        verdict = read([*jump, STARTED, OFFERED.format(ONE), TAKEN.format(ONE), BEHIND])
        assert verdict.is_in_by(ONE)

    def test_what_the_second_of_two_jump_hosts_refused(self) -> None:
        first = [PROXY, PROXY, DIRECT, STARTED, OFFERED.format(TWO), TAKEN.format(TWO), IN]
        second = [STARTED, OFFERED.format(ONE), GOES_ON, OFFERED.format(TWO), TAKEN.format(TWO), BEHIND]
        assert read([*first, *second]).accepts(ONE) is None
        assert read([*first, *second, STARTED, OFFERED.format(ONE), GOES_ON]).accepts(ONE) is False

    def test_a_proxy_that_is_no_ssh(self) -> None:
        assert read([PROXY, STARTED, OFFERED.format(ONE), GOES_ON]).accepts(ONE) is False


@pytest.mark.parametrize(
    "answer",
    [
        GOES_ON,
        "deploy@web1: Permission denied (publickey).\n",
        "Received disconnect from 192.0.2.1 port 22:2: Too many authentication failures\n",
        OFFERED.format(TWO) + "\n" + TAKEN.format(TWO) + "\n" + IN,
        IN.replace("publickey", "password"),
    ],
)
def test_what_is_a_refusal(answer: str) -> None:
    verdict = read([OFFERED.format(ONE), *answer.splitlines()])
    assert (verdict.accepts(ONE), verdict.is_unanswered(ONE)) == (False, False)
