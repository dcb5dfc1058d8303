# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every store of numbered parameters does: Parameter Store as moto plays it, and the twin in memory."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import MISSING

URL = "/p/URL"


@pytest.fixture
def url(parameters: Any) -> Any:
    """The store, in which the parameter is at version 2."""
    parameters.write(URL, "canary-1")
    parameters.write(URL, "canary-2")
    return parameters.store


def history(store: Any, name: str = URL) -> list[str]:
    results = []
    while True:
        reading = store.read([], pins={name: str(len(results) + 1)}).readings.get(name)
        if reading is None:
            return results
        results.append(reading.value)


class TestHistory:
    def test_every_version_the_oldest_first(self, url: Any) -> None:
        result = url.history(URL)
        assert [(item.name, item.version, item.value) for item in result] == [
            (URL, "1", "canary-1"),
            (URL, "2", "canary-2"),
        ]
        assert "canary" not in repr(result)

    def test_one_that_is_not_there(self, parameters: Any) -> None:
        with pytest.raises(NotFound, match="/p/NONE does not exist"):
            parameters.store.history("/p/NONE")


class TestOverwrite:
    def test_the_next_version(self, url: Any) -> None:
        assert url.overwrite(URL, "canary-3", instead_of=2) == 3
        reading = url.read(["/p"]).readings[URL]
        assert (reading.value, reading.version, reading.plain) == ("canary-3", "3", False)

    def test_the_same_again_is_fine(self, url: Any) -> None:
        for _time in range(2):
            assert url.overwrite(URL, "canary-3", instead_of=2) == 3
        assert history(url) == ["canary-1", "canary-2", "canary-3"]

    def test_the_value_that_is_there_is_written_too(self, url: Any) -> None:
        assert url.overwrite(URL, "canary-2", instead_of=2) == 3

    @pytest.mark.parametrize("kind", ["String", "StringList", "SecureString"])
    def test_its_type_stays(self, parameters: Any, kind: str) -> None:
        parameters.write("/p/A", "canary-1", kind)
        parameters.store.overwrite("/p/A", "canary-2", instead_of=1)
        assert parameters.store.read(["/p"]).readings["/p/A"].plain == (kind != "SecureString")

    def test_somebody_wrote_before(self, parameters: Any, url: Any) -> None:
        parameters.write(URL, "canary-theirs")
        with pytest.raises(Conflict, match=f"parameter {URL} is at version 3 instead of 2") as error:
            url.overwrite(URL, "canary-3", instead_of=2)
        assert "canary" not in str(error.value)
        assert history(url) == ["canary-1", "canary-2", "canary-theirs"]

    def test_somebody_wrote_between_our_two_times(self, parameters: Any, url: Any) -> None:
        parameters.write(URL, "canary-theirs")
        parameters.write(URL, "canary-3")
        with pytest.raises(Conflict, match="is at version 4 instead of 2"):
            url.overwrite(URL, "canary-3", instead_of=2)

    def test_a_version_that_is_yet_to_come(self, url: Any) -> None:
        with pytest.raises(Conflict, match="is at version 2 instead of 3"):
            url.overwrite(URL, "canary-2", instead_of=3)

    def test_a_lost_answer_makes_two_versions_of_one_write(self, parameters: Any, url: Any) -> None:
        parameters.twice("PutParameter")
        assert url.overwrite(URL, "canary-3", instead_of=2) == 4
        assert url.overwrite(URL, "canary-3", instead_of=2) == 4, "and the same again is fine"
        assert history(url) == ["canary-1", "canary-2", "canary-3", "canary-3"]

    def test_more_copies_than_a_client_makes_are_not_taken_for_ours(self, parameters: Any, url: Any) -> None:
        for _time in range(11):
            parameters.write(URL, "canary-3")
        with pytest.raises(Conflict, match="is at version 13 instead of 2"):
            url.overwrite(URL, "canary-3", instead_of=2)

    # AWS cannot compare before it writes: what was written in between is restored.
    def test_somebody_writes_in_the_same_moment(self, parameters: Any, url: Any) -> None:
        parameters.meanwhile("PutParameter", lambda: parameters.write(URL, "canary-theirs"))
        with pytest.raises(Conflict, match=r"version 4 was written instead of 3.*was restored as version 5") as e:
            url.overwrite(URL, "canary-3", instead_of=2)
        assert "canary" not in str(e.value)
        assert history(url)[2:] == ["canary-theirs", "canary-3", "canary-theirs"]

    def test_somebody_writes_in_the_same_moment_and_our_answer_is_lost(self, parameters: Any, url: Any) -> None:
        parameters.meanwhile("PutParameter", lambda: parameters.write(URL, "canary-theirs"))
        parameters.twice("PutParameter")
        with pytest.raises(Conflict, match=r"version 5 was written instead of 3.*was restored as version 6"):
            url.overwrite(URL, "canary-3", instead_of=2)
        assert sorted(history(url)[2:5]) == ["canary-3", "canary-3", "canary-theirs"]
        assert history(url)[5:] == ["canary-theirs"]

    def test_somebody_writes_the_same_in_the_same_moment(self, parameters: Any, url: Any) -> None:
        parameters.meanwhile("PutParameter", lambda: parameters.write(URL, "canary-3"))
        assert url.overwrite(URL, "canary-3", instead_of=2) == 4

    def test_somebody_makes_it_anew_in_the_same_moment(self, parameters: Any, url: Any) -> None:
        def anew() -> None:
            parameters.delete(URL)
            parameters.write(URL, "canary-theirs")

        parameters.meanwhile("PutParameter", anew)
        with pytest.raises(Conflict, match=r"version 2 was written instead of 3.*write it again by hand"):
            url.overwrite(URL, "canary-3", instead_of=2)

    def test_a_parameter_that_is_not_there(self, parameters: Any) -> None:
        with pytest.raises(NotFound, match=f"parameter {URL}"):
            parameters.store.overwrite(URL, "canary", instead_of=1)
        assert parameters.store.read(["/p"]).readings == {}

    @pytest.mark.parametrize(("tier", "limit"), [("Standard", 4096), ("Advanced", 8192)])
    def test_what_aws_would_not_take_is_refused_before_the_call(self, parameters: Any, tier: str, limit: int) -> None:
        parameters.write("/p/A", "canary", tier=tier)
        for value in ("", "x" * (limit + 1), "é" * (limit // 2 + 1)):
            with pytest.raises(
                StoreError, match=rf"/p/A would hold [\d,]+ bytes.* 1 to {limit:,} in its tier \({tier}"
            ):
                parameters.store.overwrite("/p/A", value, instead_of=1)
        assert history(parameters.store, "/p/A") == ["canary"]
        assert parameters.store.overwrite("/p/A", "x" * limit, instead_of=1) == 2


class TestCreate:
    def test_a_plain_parameter(self, parameters: Any) -> None:
        parameters.store.create("/j/1", "entry")
        reading = parameters.store.read(["/j"]).readings["/j/1"]
        assert (reading.value, reading.version, reading.plain) == ("entry", "1", True)

    @pytest.mark.parametrize("value", ["entry", "other"])
    def test_once(self, parameters: Any, value: str) -> None:
        parameters.store.create("/j/1", "entry")
        with pytest.raises(AlreadyExists, match="parameter /j/1 already exists"):
            parameters.store.create("/j/1", value)
        assert history(parameters.store, "/j/1") == ["entry"]

    def test_again_once_it_is_gone(self, parameters: Any) -> None:
        parameters.store.create("/j/1", "entry")
        parameters.store.delete(["/j/1"])
        parameters.store.create("/j/1", "other")
        assert history(parameters.store, "/j/1") == ["other"]

    @pytest.mark.parametrize("value", ["", "x" * 4097])
    def test_what_aws_would_not_take_is_refused_before_the_call(self, parameters: Any, value: str) -> None:
        with pytest.raises(StoreError, match=r"parameter /j/1 would hold [\d,]+ bytes, but AWS accepts 1 to 4,096"):
            parameters.store.create("/j/1", value)


class TestDelete:
    @pytest.mark.parametrize("count", [0, 1, 10, 11, 25])
    def test_any_number(self, parameters: Any, count: int) -> None:
        names = [f"/j/{number}" for number in range(count)]
        for name in [*names, "/j/stays"]:
            parameters.store.create(name, "entry")
        parameters.store.delete(names)
        assert list(parameters.store.read(["/j"]).readings) == ["/j/stays"]

    def test_what_is_not_there_is_fine(self, parameters: Any) -> None:
        parameters.store.create("/j/1", "entry")
        parameters.store.delete(["/j/0", "/j/1"])
        parameters.store.delete(["/j/0", "/j/1"])
        assert parameters.store.read(["/j"]).readings == {}


class TestRead:
    def test_what_lies_below_a_path(self, parameters: Any) -> None:
        for name in ("/p/A", "/p/B/C", "/pp/A"):
            parameters.write(name, "canary")
        assert set(parameters.store.read(["/p", "/p"]).readings) == {"/p/A", "/p/B/C"}
        assert parameters.store.read(["/q"]).readings == {}

    def test_pinned_versions(self, parameters: Any, url: Any) -> None:
        parameters.write("/p/A", "canary-A")
        readings = url.read(["/p"], pins={URL: "1", "/p/A": "1"}).readings
        assert {name: item.value for name, item in readings.items()} == {URL: "canary-1", "/p/A": "canary-A"}

    def test_a_version_that_is_not_there_is_never_answered_by_another(self, url: Any) -> None:
        result = url.read(["/p"], pins={URL: "7", "/p/none": "1"})
        assert result.readings == {}
        assert {name: failure.reason for name, failure in result.failures.items()} == {URL: MISSING, "/p/none": MISSING}
