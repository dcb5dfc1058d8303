# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whatever a purge ends with, the response goes on and says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from botocore.exceptions import ClientError

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.purge import purge_on
from tests.unit.plugins.plugin_utils._leak.leak_world import Leak


@pytest.fixture
def leak() -> Leak:
    made = Leak()
    made.declare("token")
    return made


def purged(answer: Any) -> tuple[Any, list[Any]]:
    asked = []

    def run_alone(module: str, **options: Any) -> Any:
        asked.append((module, options))
        if isinstance(answer, Exception):
            raise answer
        return answer

    return purge_on(SimpleNamespace(run_alone=run_alone))(("cache",)), asked  # type: ignore[arg-type]


def test_the_module_is_asked_for_these_kinds() -> None:
    assert purged({"count": 3}) == ({"count": 3}, [("valkey_purge", {"kinds": ["cache"]})])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RotationError("web1 cannot be reached"), "web1 cannot be reached"),
        (AnsibleActionFail("Nothing was sent: pipelining is off"), "Nothing was sent: pipelining is off"),
        (ValueError("redis://:canary@h/0"), "unexpected error: ValueError"),
    ],
)
def test_a_failure_is_an_answer(error: Exception, words: str) -> None:
    assert purged(error)[0] == {"msg": words}


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
