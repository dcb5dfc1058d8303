# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the controller refuses before a value travels."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.watchparty.secrets.plugins.action.env_file import ActionModule, _unusable
from ansible_collections.watchparty.secrets.plugins.module_utils._core.dotenv_dialects import DEFAULT_READERS
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import external_health

SNAPSHOT = {"settings": {"KEY": "canary"}, "snapshot_id": "s", "journal": 7, "opened": {"deploy_ssh": ["web2", "web3"]}}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reached a host."""
    results: list[Any] = []
    monkeypatch.setattr(ActionModule, "_on_host", lambda _self, args, _vars: results.append(args) or {"changed": True})
    return results


def deliver(
    host: str, *, check: bool = False, delegate_to: str | None = None, groups: Sequence[str] = (), **args: Any
) -> dict[str, Any]:
    task: Any = SimpleNamespace(
        args={"path": "/srv/.env", "snapshot": "env_snapshot", **args},
        async_val=0,
        check_mode=check,
        diff=False,
        action="env_file",
        delegate_to=delegate_to,
    )
    connection = connection_loader.get("ssh", PlayContext(), "/dev/null")
    connection.set_options(var_options={"ansible_pipelining": True})
    action = ActionModule(task, connection, PlayContext(), None, SimpleNamespace(), None)  # type: ignore[arg-type]
    return action.run(task_vars={"inventory_hostname": host, "group_names": groups, "env_snapshot": SNAPSHOT})


class TestTheReaders:
    """A snapshot brings those of its catalog; the option goes before them."""

    def test_of_the_snapshot(self, sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(SNAPSHOT, "settings", {"KEY": "a canary"})
        monkeypatch.setitem(SNAPSHOT, "readers", ["docker_run"])
        deliver("web1")
        deliver("web1", readers=["shell"])
        assert [args["readers"] for args in sent] == [["docker_run"], ["shell"]]
        assert [args["content"].splitlines()[-1] for args in sent] == ["KEY=a canary", "KEY='a canary'"]

    def test_without_any(self, sent: list[Any]) -> None:
        deliver("web1")
        assert sent[0]["readers"] == list(DEFAULT_READERS)


def test_a_host_gets_its_own_files_alone(sent: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    file = {"name": "worker", "path": "worker", "format": "value", "settings": ["KEY"], "hosts": ["workers"]}
    monkeypatch.setitem(SNAPSHOT, "files", [file])
    deliver("job1", groups=["workers"])
    deliver("web1", groups=["web"])
    assert [args["file_contents"] for args in sent] == [{"worker": "canary"}, {}]
    assert [[file["path"] for file in args["files"]] for args in sent] == [["worker"], []]
    assert not [args for args in sent if "canary" in args["content"]]


class TestHealthAddresses:
    """An address that cannot be asked would be tried 31 times on every host."""

    @pytest.mark.parametrize(
        "url", ["", "shop.example.com/health/", "http://", "https://:443/", "http://h:x/", "ftp://h"]
    )
    def test_that_cannot_be_asked(self, sent: list[Any], url: str) -> None:
        problem = "is empty" if not url else "is not an http or https address"
        with pytest.raises(AnsibleActionFail, match=f"^Nothing was sent: env_deploy_health_url, or .* {problem}"):
            deliver("web1", services={"health_urls": ["http://127.0.0.1/", url]})
        with pytest.raises(AnsibleActionFail, match=f"^Nothing was sent: env_deploy_external_health_url {problem}"):
            deliver("web1", check=True, services={"health_urls": [], "external_health_url": url})
        assert sent == []

    def test_that_can(self, sent: list[Any]) -> None:
        deliver("web1", services={"health_urls": ["http://127.0.0.1:8000/"], "external_health_url": "https://[::1]/"})
        deliver("web1", services={"units": ["web.service"], "external_health_url": None})
        assert len(sent) == 2


OUTSIDE = {"units": ["web.service"], "external_health_url": "https://[::1]/"}
DELIVERED = {"changed": True, "restart_needed": True, "health": [], "delivery": "d1", "healthy": False}


class TestTheAddressFromOutside:
    """It is asked once the host's own are healthy, and before the file counts as healthy."""

    @pytest.fixture
    def answers(self, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Any], list[Any]]:
        """What the host answers, and what it was sent."""
        sent: list[Any] = []
        left: list[Any] = []

        def answer(_self: ActionModule, args: Any, _vars: Any) -> Any:
            sent.append(args)
            given = left.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        monkeypatch.setattr(ActionModule, "_on_host", answer)
        monkeypatch.setattr(external_health, "problem", lambda _services: "")
        return left, sent

    def test_healthy(self, answers: tuple[list[Any], list[Any]]) -> None:
        left, sent = answers
        left += [DELIVERED, {"changed": True, "healthy": True}]
        result = deliver("web1", services=OUTSIDE)
        assert (result["healthy"], result["health"]) == (True, [])
        assert sent[0]["services"]["record"] is False
        assert (sent[1]["state"], sent[1]["delivery"], "services" in sent[1]) == ("healthy", "d1", False)

    def test_not_healthy(self, answers: tuple[list[Any], list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
        left, sent = answers
        monkeypatch.setattr(external_health, "problem", lambda _services: "https://[::1]/: HTTP status 500")
        left.append(DELIVERED)
        result = deliver("web1", services=OUTSIDE)
        assert result["failed"]
        assert result["msg"] == "health check from the controller: https://[::1]/: HTTP status 500"
        assert (result["delivery"], "unusable" in result, len(sent)) == ("d1", False, 1)

    @pytest.mark.parametrize(
        ("answer", "extra"),
        [
            ({"changed": False, "restart_needed": False, "healthy": True}, {}),
            ({"failed": True, "msg": "no", "restart_needed": True, "health": []}, {}),
            ({"changed": True, "restored": True, "health": []}, {"state": "restored"}),
        ],
        ids=["nothing to restart", "failed before", "a rollback records nothing"],
    )
    def test_one_execution(self, answers: tuple[list[Any], list[Any]], answer: Any, extra: Any) -> None:
        left, sent = answers
        left.append(answer)
        deliver("web1", services=OUTSIDE, **extra)
        assert len(sent) == 1

    def test_a_host_that_is_lost(self, answers: tuple[list[Any], list[Any]]) -> None:
        """A failure, since Ansible runs no rescue for an unreachable host; and no fault of what was sent."""
        left, _sent = answers
        left.append(AnsibleConnectionFailure("no route"))
        result = deliver("web1")
        assert (result["failed"], result["lost"], "unusable" in result, "unreachable" in result) == (
            True,
            True,
            False,
            False,
        )
        assert result["msg"].startswith(
            "the host cannot be reached: no route. If the connection broke during the deploy"
        )

    def test_a_host_whose_key_is_not_known(self, answers: tuple[list[Any], list[Any]]) -> None:
        answers[0].append(AnsibleConnectionFailure("Failed to connect: Host key verification failed."))
        assert deliver("web1")["msg"].startswith(
            "the host cannot be reached: Failed to connect: Host key verification failed. "
            "Compare the host key: ansible-playbook watchparty.secrets.host_keys"
        )

    def test_a_host_that_is_lost_before_its_mark(self, answers: tuple[list[Any], list[Any]]) -> None:
        left, _sent = answers
        left += [DELIVERED, AnsibleConnectionFailure("no route")]
        result = deliver("web1", services=OUTSIDE)
        assert (result["failed"], result["lost"], result["delivery"]) == (True, True, "d1")
        assert "Its services are healthy, and the next deploy verifies them again" in result["msg"]


class TestTheTriesFromOutside:
    SERVICES = {"external_health_url": "https://[::1]/", "health_retries": 2, "health_delay": 1, "health_timeout": 5}

    @pytest.mark.parametrize(("fails", "slept", "expected"), [(0, 0, ""), (2, 2, ""), (5, 2, "HTTP status 500")])
    def test_how_many(self, monkeypatch: pytest.MonkeyPatch, fails: int, slept: int, expected: str) -> None:
        answers = ["HTTP status 500"] * fails + [""]
        monkeypatch.setattr(external_health, "problem_of", lambda _url, _seconds: answers.pop(0))
        pauses: list[float] = []
        assert external_health.problem(self.SERVICES, sleep=pauses.append) == expected
        assert pauses == [1.0] * slept


class TestAHostThatStillLetsALeakedKeyIn:
    @pytest.mark.parametrize(
        "extra",
        [{"host": "web2"}, {"host": "web2", "check": True}, {"host": "web1", "delegate_to": "web3"}],
        ids=["the host", "in check mode", "by delegation"],
    )
    def test_it_gets_nothing(self, sent: list[Any], extra: dict[str, Any]) -> None:
        with pytest.raises(AnsibleActionFail) as raised:
            deliver(**extra)
        host = extra.get("delegate_to") or extra["host"]
        assert str(raised.value) == (
            f"Nothing was sent: {host} still authorizes the leaked key of deploy_ssh. Run the same "
            f"leak response command again to remove the key there, or deploy without the host: --limit 'all:!{host}'"
        )
        assert sent == []

    def test_others_do(self, sent: list[Any]) -> None:
        assert deliver("web1")["changed"]
        assert "canary" in sent[0]["content"]

    def test_what_was_there_before_may_come_back(self, sent: list[Any]) -> None:
        assert deliver("web2", state="restored")["changed"]
        assert "content" not in sent[0]


@pytest.mark.parametrize(
    ("answer", "state", "expected"),
    [
        ({"failed": True, "msg": "x"}, "present", {"unusable": True}),
        ({"failed": True, "restart_needed": True}, "present", {}),
        ({"changed": True, "restart_needed": True}, "present", {}),
        ({"failed": True}, "restored", {}),
    ],
)
def test_a_host_that_never_had_the_file_is_unusable(
    answer: dict[str, Any], state: str, expected: dict[str, bool]
) -> None:
    assert _unusable(answer, state) == expected
