# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The summary before a leak response is confirmed is true for its mode and its credentials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.confirmation_text import UNDECLARED, Ahead, lines
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.temporary_credentials import DenialPlan

PAGE = "https://provider.example/keys"
GRACEFUL = Ahead("production", [["deploy_ssh"], ["cache", "database"]], takes_down=["cache", "database"], rollouts=1)
IMMEDIATE = replace(GRACEFUL, immediate=True)
ALONE = Ahead(
    "production", [["twitch"]], elsewhere=["twitch"], refused={"twitch": "its provider issues it"}, needs=["twitch"]
)


def line(ahead: Ahead, start: str) -> str:
    (text,) = [name for name in lines(ahead) if name.startswith(start)]
    return text


class TestNoticed:
    def test_graceful(self) -> None:
        message = "the application stays up, and its hosts restart batch by batch; all users are logged out"
        assert line(GRACEFUL, "what users notice") == f"what users notice: {message}"

    def test_immediate(self) -> None:
        text = line(IMMEDIATE, "what users notice")
        assert (
            "the application is down from the revocation of cache, database until its hosts have the new values; "
            in text
        )
        assert "all hosts restart at the same time" in text

    @pytest.mark.parametrize(
        "ahead", [replace(IMMEDIATE, takes_down=[]), replace(IMMEDIATE, refused={"cache": "no", "database": "no"})]
    )
    def test_immediate_without_an_outage(self, ahead: Ahead) -> None:
        assert "the application stays up" in line(ahead, "what users notice")

    def test_a_signing_key_reaches_all_hosts_at_once(self) -> None:
        text = line(replace(GRACEFUL, signing=["django_key"]), "what users notice")
        assert "stays up, except while all its hosts restart at the same time for django_key; all users" in text

    def test_nothing_restarts(self) -> None:
        assert line(ALONE, "what users notice").startswith("what users notice: the application stays up; all users")

    def test_nobody_is_logged_out(self) -> None:
        kept = replace(GRACEFUL, logs_out=False)
        assert "no user is logged out on purpose" in line(kept, "what users notice")
        signing = replace(kept, signing=["django_key"])
        message = "all users are logged out, since django_key keeps no previous key"
        assert message in line(signing, "what users notice")
        refused = replace(signing, refused={"django_key": "its value contains a comma, which"})
        assert "no user is logged out on purpose" in line(refused, "what users notice")

    def test_an_application_without_sessions(self) -> None:
        none = replace(GRACEFUL, sessions={"declared": False, "ends": False, "against": ""})
        text = line(none, "what users notice")
        assert text.endswith(f"; no session is ended, because {UNDECLARED}")
        assert "logged out" not in text
        assert "no user is logged out on purpose" in line(replace(none, logs_out=False), "what users notice")
        declared = replace(GRACEFUL, sessions={"declared": True, "ends": True, "against": ""})
        assert lines(declared) == lines(GRACEFUL)

    def test_sessions_that_the_run_could_not_end(self) -> None:
        known = replace(GRACEFUL, sessions={"declared": True, "ends": True, "against": "web1: set django_chdir"})
        message = "sessions cannot be ended, so the leak will stay open: web1: set django_chdir"
        assert line(known, "sessions cannot") == message
        assert message not in lines(replace(known, logs_out=False))

    def test_caches(self) -> None:
        assert line(replace(GRACEFUL, purge={"valkey": ["cache"]}), "what users notice").endswith(
            "; caches start empty"
        )
        kept = replace(GRACEFUL, purge={"valkey": ["cache"]}, logs_out=False)
        message = "; caches start empty, and sessions that Django keeps only there (engine cache) end too"
        assert line(kept, "what users notice").endswith(message)


class TestThePointOfNoReturn:
    def test_graceful(self) -> None:
        message = "the old values of deploy_ssh are revoked, once every host is healthy on the new ones"
        assert line(GRACEFUL, "point of no return") == f"point of no return: {message}"

    def test_immediate(self) -> None:
        text = line(IMMEDIATE, "point of no return")
        assert (
            "the old values of deploy_ssh are revoked, seconds after the new ones were tested and before any host"
            in text
        )

    def test_what_can_be_disabled_goes_first(self) -> None:
        ahead = replace(IMMEDIATE, blocks=["cache", "deploy_ssh"], first_off=["cache"])
        assert line(ahead, "disabled before new values are made: deploy_ssh, cache. If a new value cannot")
        assert not [text for text in lines(ahead) if text.startswith("cache: its key may read new values")]
        message = "point of no return: the leaked values of deploy_ssh are disabled, the first act of this run"
        assert line(ahead, "point of no return") == message
        assert line(ahead, "no abort later") == "no abort later: run the same command again to finish"
        graceful = replace(ahead, immediate=False)
        assert not [text for text in lines(graceful) if text.startswith("disabled before")]
        assert line(graceful, "point of no return").endswith("once every host is healthy on the new ones")

    def test_a_wave_that_removes_nothing_is_not_the_first(self) -> None:
        ahead = replace(GRACEFUL, refused={"deploy_ssh": "no host can be reached"})
        assert "the old values of cache, database are revoked, once" in line(ahead, "point of no return")

    def test_nothing_is_removed(self) -> None:
        nothing = "this run revokes no value"
        assert line(ALONE, "point of no return") == f"point of no return: sessions end; {nothing}"
        purged = replace(ALONE, purge={"valkey": ["cache"]})
        assert line(purged, "point of no return").endswith(f": caches are purged and sessions end; {nothing}")
        for none in (replace(ALONE, logs_out=False), replace(ALONE, sessions={"declared": False})):
            assert line(none, "point of no return") == f"point of no return: none; {nothing}"


class TestThoseThatRevealEachOther:
    """Their wave takes the old ones away first, whatever the mode; another wave does not."""

    CYCLE = replace(
        GRACEFUL,
        waves=[["deploy_ssh", "uploads"], ["cache"]],
        takes_down=["uploads", "cache"],
        cycles=[["deploy_ssh", "uploads"]],
    )

    def test_the_application_is_down_without_them_alone(self) -> None:
        text = line(self.CYCLE, "what users notice")
        assert "down from the revocation of uploads until" in text
        assert "stays up" in line(replace(self.CYCLE, cycles=[]), "what users notice")

    def test_what_cannot_be_undone_comes_before_any_host_has_them(self) -> None:
        assert "before any host has them" in line(self.CYCLE, "point of no return")

    def test_what_a_thief_sees(self) -> None:
        assert line(self.CYCLE, "deploy_ssh, uploads: ").endswith(
            "Until the revocation an intruder can read the present values"
        )


class TestAbort:
    @pytest.mark.parametrize("ahead", [GRACEFUL, IMMEDIATE])
    def test_by_words_that_can_be_typed(self, ahead: Ahead) -> None:
        assert line(ahead, "to abort now") == "to abort now: answer anything but yes; nothing has changed yet"
        later = line(ahead, "to abort later, before that revocation: Ctrl-C, then ")
        assert (
            "watchparty.secrets.rotate -e app_environment=production -e rotation_abort=true, which deploys "
            "the old values"
        ) in later
        assert (
            "watchparty.secrets.leak_response -e app_environment=production -e leak_false_alarm=true. After the "
            "revocation, run the same command again" in later
        )

    def test_with_the_inventory(self) -> None:
        text = line(replace(GRACEFUL, inventories=["hosts.yml", "a b"]), "to abort later")
        for playbook in ("rotate", "leak_response"):
            assert f"ansible-playbook -i hosts.yml -i 'a b' watchparty.secrets.{playbook} -e app_env" in text

    def test_where_nothing_is_removed(self) -> None:
        assert line(ALONE, "to abort later").startswith(
            "to abort later: Ctrl-C, then ansible-playbook watchparty.secrets.leak_response -e"
        )


class TestByHand:
    def by_hand(self, **extra: Any) -> list[str]:
        return [name for name in lines(replace(GRACEFUL, **extra)) if name.startswith("by hand")]

    def test_a_value_that_is_asked_for(self) -> None:
        (result,) = self.by_hand(
            needs=["twitch"], refused={"twitch": "x"}, elsewhere=["twitch"], pages={"twitch": PAGE}
        )
        assert result.startswith(
            f"by hand: twitch: issue a new value at {PAGE}; the run asks for it at the end at a terminal"
        )
        assert result.endswith("-e leak_revoked=twitch")

    def test_a_value_that_was_given_is_still_to_be_revoked(self) -> None:
        (result,) = self.by_hand(elsewhere=["twitch"], pages={"twitch": PAGE})
        assert result == f"by hand: twitch: revoke the old value at {PAGE}, then confirm it by -e leak_revoked=twitch"
        (result,) = self.by_hand(elsewhere=["twitch"])
        assert "revoke the old value where it was issued, then" in result

    def test_one_that_is_refused(self) -> None:
        assert self.by_hand(refused={"cache": "no token is there"}) == ["by hand: cache: no token is there"]

    def test_temporary_credentials_that_nobody_asked_to_deny(self) -> None:
        (result,) = self.by_hand(denial=DenialPlan(reasons={"role host": ""}))
        assert result == (
            "by hand: role host: temporary credentials that an intruder got from AWS work until they expire. To deny "
            "them first, add -e leak_deny_sessions=true, with credentials that may write IAM policies"
        )

    def test_temporary_credentials_that_the_run_cannot_deny(self) -> None:
        denial = DenialPlan(("user shop",), {"role respond": "this run uses it"})
        (own,) = self.by_hand(denial=denial)
        remedy = "see docs/runbooks/by-hand.md (An access key)"
        assert own.endswith(f"The run cannot deny them, because this run uses it; {remedy}")

    def test_nothing(self) -> None:
        assert self.by_hand() == []


def test_what_is_removed_beside_the_leaked_values() -> None:
    message = "unexplained SSH keys, access keys and logins"
    assert line(replace(GRACEFUL, evicts=True), "removed with the leaked values (leak_evict)").endswith(message)
    assert not [text for text in lines(GRACEFUL) if "evict" in text]


def test_what_a_denial_of_temporary_credentials_costs() -> None:
    text = line(replace(GRACEFUL, denial=DenialPlan(("role host", "user shop"))), "denied first")
    assert text.startswith("denied first (leak_deny_sessions): all temporary credentials of role host, user shop that")
    assert text.endswith("on EC2 for up to 6 hours, or until you stop and start the instance")
    assert not [text for text in lines(GRACEFUL) if "temporary" in text]


class TestBesideAnOpenRotation:
    """Its end comes before the leak's own waves."""

    ENDS = {"removes": ["database"], "first": False, "past": False, "restarts": True}
    BESIDE = replace(GRACEFUL, open_rotation="first, r", ends=ENDS, replaced=["database"])

    def test_what_it_removes_is_the_first_removal(self) -> None:
        assert line(self.BESIDE, "point of no return").endswith(
            "the old values of database are revoked, once every host is healthy on the new ones"
        )
        assert "before that revocation: Ctrl-C, then ansible-playbook watchparty.secrets.rotate" in line(
            self.BESIDE, "to abort later"
        )

    def test_one_that_removes_first_takes_the_application_down(self) -> None:
        hastened = replace(self.BESIDE, ends={**self.ENDS, "first": True})
        assert "down from the revocation of database until" in line(hastened, "what users notice")
        assert "before any host has them" in line(hastened, "point of no return")
        assert "stays up" in line(self.BESIDE, "what users notice")

    def test_past_its_return(self) -> None:
        past = replace(self.BESIDE, ends={**self.ENDS, "past": True})
        assert line(past, "point of no return").endswith("is already revoking old values, and can only be finished")
        later = line(past, "to abort later")
        assert later.endswith("-e leak_false_alarm=true, if the open rotation has not ended by then")
        assert "rotation_abort" not in later
        own = line(replace(past, done="r can only go on"), "to abort later")
        assert own.startswith("to abort later: Ctrl-C. The leak stays declared, since r can only go on")

    def test_rolled_back_it_removes_nothing(self) -> None:
        back = replace(self.BESIDE, ends={**self.ENDS, "removes": []}, replaced=[])
        assert "the old values of deploy_ssh are revoked, once" in line(back, "point of no return")


class TestStartedAgain:
    """Of what was replaced since the leak was declared nothing is said but what is open."""

    AGAIN = replace(
        IMMEDIATE,
        signing=["cache"],
        elsewhere=["twitch"],
        replaced=["deploy_ssh", "cache", "twitch"],
        done="cache, deploy_ssh was replaced or revoked already",
    )
    DONE = replace(AGAIN, waves=[["deploy_ssh"], ["cache", "twitch"]], takes_down=["cache"], rollouts=0)

    def test_what_is_left_takes_the_application_down(self) -> None:
        text = line(self.AGAIN, "what users notice")
        assert "the application is down from the revocation of database until" in text
        assert "for cache" not in text
        assert "since cache keeps no previous key" not in line(replace(self.AGAIN, logs_out=False), "what users notice")

    def test_nothing_is_left(self) -> None:
        assert (
            line(self.DONE, "what users notice")
            == "what users notice: the application stays up; all users are logged out"
        )
        assert line(self.DONE, "point of no return").endswith("this run revokes no value")

    def test_the_first_removal_is_one_that_is_to_come(self) -> None:
        assert "the old values of database are revoked, seconds after" in line(self.AGAIN, "point of no return")

    def test_no_way_back_is_offered_that_is_refused(self) -> None:
        for ahead in (self.AGAIN, self.DONE):
            assert not any("leak_false_alarm=true" in name for name in lines(ahead))
            assert line(ahead, "to abort now") == "to abort now: answer anything but yes; this run then changes nothing"
            assert line(ahead, "to abort later").endswith(
                "The leak stays declared, since cache, deploy_ssh was replaced or revoked already, so it "
                "can no longer be closed as a false alarm. Run the same command again to finish"
            )
        assert "rotation_abort=true, which deploys the old values again" in line(self.AGAIN, "to abort later, before")
        assert "rotation_abort" not in line(self.DONE, "to abort later")

    def test_those_that_reveal_each_other(self) -> None:
        """The mode is the wave's, whatever is left of it."""
        cycle = replace(
            GRACEFUL,
            waves=[["deploy_ssh", "uploads"]],
            takes_down=["uploads"],
            cycles=[["deploy_ssh", "uploads"], ["cache"]],
            replaced=["deploy_ssh", "cache"],
            first_off=["cache"],
        )
        results = lines(cycle)
        assert any(name.startswith("uploads: the old values are revoked before") for name in results)
        assert not any(name.startswith(("cache: ", "deploy_ssh")) for name in results)
        assert "down from the revocation of uploads until" in line(cycle, "what users notice")

    def test_a_third_partys_old_value_stays_open_until_it_is_confirmed(self) -> None:
        assert line(self.AGAIN, "by hand").startswith("by hand: twitch: revoke the old value where it was issued, then")
        confirmed = replace(self.AGAIN, revoked=["twitch"])
        assert not any(name.startswith("by hand") for name in lines(confirmed))

    def test_one_that_is_revoked_and_not_replaced(self) -> None:
        text = line(replace(ALONE, revoked=["twitch"]), "by hand")
        assert (
            text
            == "by hand: twitch: issue a new value where it was issued; the run asks for it at the end at a terminal"
        )


def test_all_else() -> None:
    purge = {"invalidations": [{"name": "cdn", "distribution": "E1", "paths": ["/a", "/b"]}]}
    results = lines(
        replace(GRACEFUL, open_rotation="first, r", first_off=["key"], purge=purge, compromised=["web1"], contact="s@x")
    )
    assert results[0] == "first, r"
    assert "CloudFront drops its copies of /a, /b in E1 (cdn)" in results
    (off,) = [name for name in results if name.startswith("key: its key may read new values, so it is deactivated")]
    assert off.endswith("fail until its hosts have the new key")
    assert results[-2:] == ["web1 gets no new value and must be rebuilt", "security contact: s@x"]
    assert lines(GRACEFUL)[-1] == "security contact: not in the catalog (contacts.security)"
