# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The holder of one leaked credential makes its replacement fail, which rolls the rotation of its wave back."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.response import Response
from tests.unit.plugins.plugin_utils._leak.leak_world import IMPACT, Leak
from tests.unit.plugins.plugin_utils._leak.test_steps import ended

TOGETHER = [{"credentials": ["token", "database"]}, {"credentials": ["django"]}]
ROLLED_BACK = {"step": "discard", "reason": "test database: no connection is left"}


def after(leak: Leak, *rotations: dict[str, Any], **extra: Any) -> tuple[Response, dict[str, Any]]:
    impact = {**IMPACT, "waves": [wave["credentials"] for wave in TOGETHER]}
    response = leak.response("wave", **{"waves": TOGETHER, "impact": impact, **extra})
    for rotation in rotations:
        response, result = leak.following(response, rotation)
        response = Response.of(result["carried"]) if "carried" in result else response
    return response, result


def test_each_of_the_wave_is_replaced_alone(leak: Leak) -> None:
    response, result = after(leak, ended("token", "database", **ROLLED_BACK))
    assert (result["next"], result["wave"]["credentials"], response.results) == ("wave", ["token"], {})
    assert leak.warnings == ["the rotation was rolled back, so token, database are replaced one by one"]
    response, result = after(leak, ended("token", "database", **ROLLED_BACK), ended("token"))
    assert (result["next"], result["wave"]["credentials"], response.replaced) == ("wave", ["database"], ["token"])


def test_one_that_fails_alone_stops_no_other_but_later_waves(leak: Leak) -> None:
    failed = ended("token", **ROLLED_BACK)
    response, result = after(leak, ended("token", "database", **ROLLED_BACK), failed)
    assert (result["next"], result["wave"]["credentials"]) == ("wave", ["database"])
    response, result = after(leak, ended("token", "database", **ROLLED_BACK), failed, ended("database"))
    assert (result["next"], response.replaced) == ("copies", ["database"])
    assert response.results["token"]["why"] == ROLLED_BACK["reason"]


def test_a_rotation_that_stays_open_is_not_begun_again(leak: Leak) -> None:
    response, result = after(leak, ended("token", "database", closed=False, step="deploy", stopped="web1 is away"))
    assert (result["next"], {*response.results}) == ("copies", {"token", "database"})


def test_a_part_that_stays_open_is_not_taken_for_the_next_one(leak: Leak) -> None:
    stays = ended("token", closed=False, step="deploy", stopped="web1 is away")
    response, result = after(leak, ended("token", "database", **ROLLED_BACK), stays)
    assert (result["next"], {*response.results}) == ("copies", {"token"})


def test_a_part_follows_a_rotation_that_ended_in_its_place(leak: Leak) -> None:
    divided = ended("token", "database", **ROLLED_BACK)
    response, result = after(leak, divided, ended("mail"))
    assert (result["next"], result["wave"]["credentials"], response.replaced) == ("wave", ["token"], ["mail"])
    response, _result = after(leak, divided, ended("mail"), ended("token"))
    assert response.wave.credentials == ["database"]


def test_those_that_reveal_each_other_stay_together(leak: Leak) -> None:
    impact = {**IMPACT, "waves": [["token", "database"]], "cycles": [["token", "database"]]}
    response, result = after(leak, ended("token", "database", **ROLLED_BACK), impact=impact)
    assert (result["next"], {*response.results}) == ("copies", {"token", "database"})


def test_an_open_rotation_of_other_credentials_is_not_begun_again(leak: Leak) -> None:
    other = [{"credentials": ["mail", "queue"]}, *TOGETHER]
    _response, result = after(leak, ended("mail", "queue", **ROLLED_BACK), waves=other)
    assert result["next"] == "copies"
