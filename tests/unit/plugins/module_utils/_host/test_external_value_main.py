# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A value is tried at a provider that listens on this machine; of its answers only the status is ever shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import external_value_main as external_value
from sandbox.process import free_port
from tests.integration.provider import Provider, running


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


@pytest.mark.parametrize("form", [False, True])
def test_a_new_value_that_is_let_in(provider: Provider, form: bool) -> None:
    assert external_value.problems(provider.tries("canary-new", form=form), 5) == []
    assert provider.asked == [("POST" if form else "GET", "/me?a=b", "canary-new")]


def test_one_that_is_not_is_reported_by_its_status_alone(provider: Provider) -> None:
    where = f"http://127.0.0.1:{provider.server_port}/me"
    problems = external_value.problems(provider.tries("canary-wrong"), 5)
    assert problems == [f"the new value is refused: {where} answers HTTP 401"]
    provider.broken = 503
    problems = external_value.problems(provider.tries("canary-new"), 5)
    assert problems == [
        (f"the new value could not be tried: {where} answers HTTP 503, which neither accepts nor rejects the value")
    ]


def test_a_redirect_is_no_acceptance(provider: Provider) -> None:
    provider.broken = 302
    (message,) = external_value.problems(provider.tries("canary-new"), 5)
    assert message.endswith("answers HTTP 302, which neither accepts nor rejects the value")


def test_nobody_answers() -> None:
    url = f"http://127.0.0.1:{free_port()}/me"
    request = {"url": url, "headers": {}, "form": {}, "status": [200], "refused": [401]}
    (message,) = external_value.problems([{"server": "http", "what": "", "current": request}], 2)
    assert message.startswith(f"the new value could not be tried: {url}: no answer: ")


class TestFormer:
    def tried(self, provider: Provider, *former: str) -> tuple[str, str]:
        result = external_value.try_values(provider.tries("canary-new", *former), 5)["r1/mail"]
        assert "canary" not in repr(result)
        return result["state"], result["message"]

    def test_one_that_is_refused(self, provider: Provider) -> None:
        state, message = self.tried(provider, "canary-old")
        assert (state, message.startswith("rejected now at http://127.0.0.1:")) == ("refused", True)

    def test_one_that_still_works(self, provider: Provider) -> None:
        provider.keys.add("canary-old")
        assert self.tried(provider, "canary-old")[0] == "accepted"

    def test_a_refusal_beside_a_refusal_proves_nothing(self, provider: Provider) -> None:
        provider.keys.clear()
        assert self.tried(provider, "canary-old")[0] == "neither"

    def test_a_provider_that_is_down_proves_nothing(self, provider: Provider) -> None:
        provider.broken = 500
        assert self.tried(provider, "canary-old")[0] == "untried"


def test_of_several_servers_the_worst_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that lets the old value in is enough; one that could not be asked takes the proof away."""

    def server(name: str, answers: dict[str, Any]) -> dict[str, Any]:
        def log_in(_timeout: int, value: str) -> Any:
            if isinstance(answers[value], Exception):
                raise answers[value]
            return answers[value], name

        monkeypatch.setitem(external_value._SERVERS, name, log_in)
        return {"id": "r1/root", "what": f" at {name}", "server": name, "current": "new", "former": ["old"]}

    refuses = server("one", {"new": "accepted", "old": "refused"})
    accepts = server("two", {"new": "accepted", "old": "accepted"})
    is_down = server("three", {"new": HostError("is down"), "old": HostError("is down")})
    for order in ([refuses, accepts, is_down], [is_down, accepts, refuses], [accepts, refuses, is_down]):
        assert external_value.try_values(order, 5)["r1/root"]["state"] == "accepted"
    for order in ([refuses, is_down], [is_down, refuses]):
        assert external_value.try_values(order, 5)["r1/root"]["state"] == "untried"
    assert external_value.try_values([refuses], 5)["r1/root"]["state"] == "refused"
    assert external_value.problems([refuses, is_down], 5) == ["the new value could not be tried at three: is down"]
