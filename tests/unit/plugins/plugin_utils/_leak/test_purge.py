# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a purge ends with, the response goes on and says so."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.valkey import purge_main
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import environment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import purge_on, purge_request
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak

URL = {"group": "core", "type": "url"}
CATALOG: dict[str, Any] = {
    "application": "app",
    "settings": {
        "CACHE_URL": URL,
        "SESSION_URL": URL,
        "CELERY_BROKER_URL": URL,
        "CELERY_RESULT_BACKEND": URL,
        "OTHER_URL": {**URL, "broker": True},
        "CHANNEL_URL": {**URL, "broker": False},
    },
    "purge": {
        "cache": {"setting": "CACHE_URL", "keys": [":1:*"]},
        "sessions": {"setting": "SESSION_URL", "keys": ["s:*"]},
    },
}
VALUES = {
    "CACHE_URL": "redis://:canary-cache@h/0",
    "SESSION_URL": "redis://:canary-sessions@h/0",
    "CELERY_BROKER_URL": "redis://:canary-broker@h/1",
    "OTHER_URL": "redis://:canary-other@h/2",
    "CHANNEL_URL": "redis://:canary-channel@h/3",
}
BOTH = ("cache", "sessions")


class TestRequest:
    """What is handed to the host: the entries of the kinds, the brokers, and their URLs."""

    @staticmethod
    def of(*kinds: str, values: dict[str, str] = VALUES) -> dict[str, Any]:
        return purge_request(catalog_parser.parse(CATALOG, "test"), values, kinds)

    def test_both_kinds(self) -> None:
        result = self.of(*BOTH)
        assert [item["name"] for item in result["chosen"]] == ["cache", "sessions"]
        assert result["spared_sessions"] == []
        assert result["brokers"] == ["CELERY_BROKER_URL", "OTHER_URL"]
        assert sorted(result["urls"]) == ["CACHE_URL", "CELERY_BROKER_URL", "OTHER_URL", "SESSION_URL"]

    def test_sessions_that_are_not_asked_for_are_spared(self) -> None:
        result = self.of("cache")
        assert result["chosen"] == [{"name": "cache", "kind": "cache", "setting": "CACHE_URL", "keys": [":1:*"]}]
        assert [spared_session["name"] for spared_session in result["spared_sessions"]] == ["sessions"]
        without = {name: url for name, url in VALUES.items() if name != "SESSION_URL"}
        assert self.of("cache", values=without)["spared_sessions"] == []

    def test_a_setting_without_a_value(self) -> None:
        with pytest.raises(NotFound, match=r"purge\.sessions: SESSION_URL has no value in test"):
            self.of(*BOTH, values={"CACHE_URL": VALUES["CACHE_URL"]})


@pytest.fixture
def purged(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Callable[[Any], tuple[Any, list[Any]]]:
    """A purge on a host that answers so, and what the host was asked."""
    document = {**CATALOG, "purge": {name: CATALOG["purge"][name] for name in getattr(request, "param", BOTH)}}
    catalog = catalog_parser.parse(document, "test")
    read = SimpleNamespace(catalog=catalog, resolution=SimpleNamespace(values=VALUES))
    monkeypatch.setattr(environment, "read", lambda _request, _connection: read)

    def result(answer: Any) -> tuple[Any, list[Any]]:
        asked = []

        def execute(program: Any, **options: Any) -> Any:
            asked.append((program, options["args"]["chosen"][0]["name"], options["packages"]))
            if isinstance(answer, Exception):
                raise answer
            return answer

        host: Any = SimpleNamespace(execute=execute)
        connection: Any = None
        args = {"catalog": CATALOG, "environment": "test"}
        return purge_on(host, connection, args)(("cache",)), asked

    return result


def test_the_program_is_asked_for_these_kinds(purged: Any) -> None:
    assert purged({"count": 3}) == ({"count": 3}, [(purge_main, "cache", True)])


@pytest.mark.parametrize("purged", [("sessions",)], indirect=True)
def test_without_entries_of_the_kind_no_host_is_asked(purged: Any) -> None:
    assert purged(RotationError("web1 cannot be reached")) == ({"count": 0, "milliseconds": 0, "purged": []}, [])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RotationError("web1 cannot be reached"), "web1 cannot be reached"),
        (RotationError(f"said {VALUES['CACHE_URL']}"), "said ********"),
        (AnsibleActionFail("Nothing was sent: pipelining is off"), "Nothing was sent: pipelining is off"),
        (ValueError("redis://:canary@h/0"), "unexpected error: ValueError"),
    ],
)
def test_a_failure_is_an_answer(purged: Any, error: Exception, words: str) -> None:
    assert purged(error)[0] == {"msg": words}


def test_no_value_of_the_stores_is_in_an_answer(purged: Any) -> None:
    assert "canary" not in str(purged({"count": 1, "purged": [VALUES["CACHE_URL"]]})[0])


class TestStep:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [({"msg": "web1 cannot\nbe reached"}, "web1 cannot be reached"), ({}, "no answer")],
    )
    def test_that_were_not_purged_stay_open(self, leak: Leak, answer: dict[str, Any], message: str) -> None:
        leak.purged = answer
        response, result = leak.following(leak.response("verify_skipped", purge={"valkey": ["cache"]}))
        assert (response.failures, result["next"]) == (
            [f"caches in Valkey were NOT purged: {message}"],
            "copies",
        )

    def test_at_cloudfront(self, leak: Leak) -> None:
        copies = [{"name": name, "distribution": f"E-{name}", "paths": ["/*"]} for name in ("cdn", "img")]
        batches = []

        class CloudFront:
            def create_invalidation(self, DistributionId: str, InvalidationBatch: dict[str, Any]) -> None:  # noqa: N803
                batches.append(InvalidationBatch)
                if DistributionId == "E-img":
                    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not\nyou"}}, "CreateInvalidation")

        leak.connection = SimpleNamespace(bounded_client=lambda _service, _seconds: CloudFront())
        purge = {"valkey": [], "invalidations": copies}
        response, result = leak.following(leak.response("session_tries", purge=purge))
        assert result["next"] == "copies"
        reference = f"{leak.incident.id}-cdn"
        assert batches[0] == {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": reference}
        assert leak.incident.about("invalidated") == ["cdn"]
        (failure,) = response.failures
        message = "CloudFront was NOT invalidated: /* of E-img: AWS denies cloudfront:CreateInvalidation"
        assert failure.startswith(message)
        assert "\n" not in failure

    def test_no_client_of_cloudfront_stops_nothing(self, leak: Leak) -> None:
        def no_client(_service: str, _seconds: float) -> Any:
            raise AnsibleActionFail("no client of cloudfront can be created")

        leak.connection = SimpleNamespace(bounded_client=no_client)
        copies = [{"name": "cdn", "distribution": "E-cdn", "paths": ["/*"]}]
        purge = {"valkey": [], "invalidations": copies}
        response, result = leak.following(leak.response("session_tries", purge=purge))
        message = "CloudFront was NOT invalidated: /* of E-cdn: no client of cloudfront can be created"
        remedy = "Correct the cause, then run the same command again"
        assert (response.failures, result["next"]) == ([f"{message}. {remedy}"], "copies")
