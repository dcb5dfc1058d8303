# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core import timestamps
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied, NoAccess
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, MISSING, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore

Stub = tuple[ParameterStore, Stubber]
Live = tuple[ParameterStore, Any, list[str]]
BY_PATH, BY_NAME = "get_parameters_by_path", "get_parameters"
ASKED = {"Path": "/p", "Recursive": True, "WithDecryption": True, "MaxResults": 10}


@pytest.fixture
def stub(stubbed: Callable[[str], tuple[Any, Stubber]]) -> Stub:
    client, stubber = stubbed("ssm")
    return ParameterStore(client), stubber


@pytest.fixture
def live(moto: Callable[[str], tuple[Any, list[str]]]) -> Live:
    client, calls = moto("ssm")
    return ParameterStore(client), client, calls


def parameter(name: str, version: int = 1, kind: str = "SecureString") -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Value": f"canary-{name}-{version}", "Version": version}


def reading(name: str, version: int = 1, *, plain: bool = False) -> Reading:
    return Reading("ssm", name, str(version), f"canary-{name}-{version}", plain=plain)


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (9, 1), (11, 2), (25, 3)])
def test_a_page_for_every_ten(live: Live, count: int, pages: int) -> None:
    store, client, asked = live
    names = [f"/App/production/Group{number % 3}/P{number}" for number in range(count)]
    for name in names:
        client.put_parameter(Name=name, Value=f"canary-{name}", Type="SecureString")
    client.put_parameter(Name="/App/production-2/X", Value="other", Type="String")
    asked.clear()
    contents = store.read(["/App/production", "/App/production"])
    assert asked == ["GetParametersByPath"] * pages
    assert {name: item.value for name, item in contents.readings.items()} == {name: f"canary-{name}" for name in names}
    assert "canary" not in repr(contents).replace("canary-/App", "")


def test_pinned_versions(live: Live) -> None:
    store, client, asked = live
    for value in ("one", "two"):
        for name in ("/p/A", "/p/B"):
            client.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)
    asked.clear()
    readings = store.read(["/p"], pins={"/p/A": "1", "/p/B": "2"}).readings
    assert {name: (item.version, item.value) for name, item in readings.items()} == {
        "/p/A": ("1", "one"),
        "/p/B": ("2", "two"),
    }
    assert asked == ["GetParametersByPath", "GetParameters"], "only what moved is asked again"


def test_short_and_empty_pages_are_followed_to_the_end(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_response(BY_PATH, {"Parameters": [parameter("/p/A")], "NextToken": "1"}, ASKED)
    stubber.add_response(BY_PATH, {"Parameters": [], "NextToken": "2"}, {**ASKED, "NextToken": "1"})
    stubber.add_response(BY_PATH, {"Parameters": [parameter("/p/B/C", 3, "String")]}, {**ASKED, "NextToken": "2"})
    assert store.read(["/p"]).readings == {"/p/A": reading("/p/A"), "/p/B/C": reading("/p/B/C", 3, plain=True)}


def test_a_denied_path_is_a_failure_of_its_own_and_leaves_no_half(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_response(BY_PATH, {"Parameters": [parameter("/p/A")], "NextToken": "1"}, ASKED)
    stubber.add_client_error(BY_PATH, "AccessDeniedException", "no policy")
    stubber.add_response(BY_PATH, {"Parameters": [parameter("/q/A")]}, {**ASKED, "Path": "/q"})
    contents = store.read(["/p", "/q"])
    assert contents.readings == {"/q/A": reading("/q/A")}
    assert contents.failures["/p"].reason == DENIED
    assert contents.failures["/p"].detail == "no policy"


def test_other_refusals_stop_the_read(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_client_error(BY_PATH, "ThrottlingException", "aws says")
    with pytest.raises(NoAccess, match="still throttles ssm:GetParametersByPath on /p"):
        store.read(["/p"])


def test_a_pinned_version_that_is_gone_is_never_answered_by_the_current_one(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_response(BY_PATH, {"Parameters": [parameter("/p/A", 5), parameter("/p/B", 5)]}, ASKED)
    stubber.add_response(
        BY_NAME, {"Parameters": [], "InvalidParameters": ["/p/A:3"]}, {"Names": ["/p/A:3"], "WithDecryption": True}
    )
    contents = store.read(["/p"], pins={"/p/A": "3"})
    assert contents.readings == {"/p/B": reading("/p/B", 5)}
    assert (contents.failures["/p/A"].reason, contents.failures["/p/A"].detail) == (MISSING, "version /p/A:3")


def test_a_pinned_parameter_that_the_path_lacks_is_asked_by_name(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_response(BY_PATH, {"Parameters": []}, ASKED)
    stubber.add_response(BY_NAME, {"Parameters": [parameter("/p/A", 2)]}, {"Names": ["/p/A:2"], "WithDecryption": True})
    assert store.read(["/p"], pins={"/p/A": "2"}).readings == {"/p/A": reading("/p/A", 2)}


def test_pinned_versions_go_ten_a_call(stub: Stub) -> None:
    store, stubber = stub
    names = [f"/p/P{number:02}" for number in range(11)]
    stubber.add_response(BY_PATH, {"Parameters": []}, ASKED)
    for part in (names[:10], names[10:]):
        stubber.add_response(
            BY_NAME,
            {"Parameters": [parameter(name, 2) for name in part]},
            {"Names": [f"{name}:2" for name in part], "WithDecryption": True},
        )
    assert set(store.read(["/p"], pins=dict.fromkeys(names, "2")).readings) == set(names)


def test_denied_versions_name_the_operation(stub: Stub) -> None:
    store, stubber = stub
    stubber.add_response(BY_PATH, {"Parameters": []}, ASKED)
    stubber.add_client_error(BY_NAME, "AccessDeniedException", "no policy")
    with pytest.raises(Denied, match="AWS denies ssm:GetParameters on /p/A:2"):
        store.read(["/p"], pins={"/p/A": "2"})


def test_each_version_of_a_parameter_has_its_date(live: Live) -> None:
    store, client, _asked = live
    for text in ("canary-1", "canary-2"):
        client.put_parameter(Name="/p/a", Value=text, Type="SecureString", Overwrite=True)
    written = {
        row["Version"]: row["LastModifiedDate"] for row in client.get_parameter_history(Name="/p/a")["Parameters"]
    }
    assert store.read([], pins={"/p/a": "1"}).readings["/p/a"].written == timestamps.stamp(written[1])
    assert store.read(["/p"]).readings["/p/a"].written == timestamps.stamp(written[2])
