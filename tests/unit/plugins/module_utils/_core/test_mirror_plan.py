# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The mirror's plan: what follows from each state of a parameter, and that a run always ends in nothing to do."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, mirror_plan
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.mirror_plan import (
    MirrorMark,
    MirrorPlan,
    MirrorSources,
    PresentCopy,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Contents, Failure, Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER

CORE = "shop/production/core"
HOST, TOKEN = "/shop/production/shared/HOST", "/shop/production/shared/TOKEN"
VALUES = {"TOKEN": "a-token-of-the-secret", "HOST": "db.example.com"}


def catalog(**over: Any) -> Catalog:
    document = {
        "application": "shop",
        "settings": {"TOKEN": {"group": "core"}, "HOST": {"group": "core", "sensitivity": "low"}},
        "mirror": {"groups": {"core": "shared"}},
        "environments": {"production": {"production": False}},
    }
    return catalog_parser.parse({**document, **over}, "production")


def wanted(version: str = "v1", *, of: Catalog | None = None, **values: str) -> MirrorSources:
    reading = Reading(SECRETS_MANAGER, CORE, version, json.dumps({**VALUES, **values}))
    return mirror_plan.sources(of or catalog(), Contents({CORE: reading}))


def written(plan: MirrorPlan, present: Mapping[str, PresentCopy]) -> dict[str, PresentCopy]:
    """What is present after the plan."""
    gone = {one.copy.parameter for one in plan.deletes}
    after = {name: one for name, one in present.items() if name not in gone}
    for put in plan.puts:
        copy, number = put.copy, (put.before.number if put.before else 0) + 1
        after[copy.parameter] = PresentCopy(copy.parameter, copy.value, number, copy.secure, copy.mark(number))
    return after


def standing() -> dict[str, PresentCopy]:
    return written(mirror_plan.plan(wanted(), {}), {})


def edited(copy: PresentCopy, value: str = "edited") -> PresentCopy:
    return replace(copy, value=value, number=copy.number + 1)


def test_sensitivity_gives_the_type() -> None:
    assert {name: copy.secure for name, copy in wanted().copies.items()} == {TOKEN: True, HOST: False}


def test_a_mark_is_read_back_and_nothing_else_is_one() -> None:
    mark = MirrorMark("secret shop/production/core key TOKEN", "v1", 3)
    assert MirrorMark.of(str(mark)) == mark
    assert MirrorMark.of(f"{mark} and more") is None
    assert MirrorMark.of("Token of the shop") is None
    assert MirrorMark.of(str(MirrorMark("secret \x1b[31m", "v1", 3))) is None


def test_a_new_version_with_the_same_value_is_not_written() -> None:
    assert mirror_plan.plan(wanted("v2"), standing()) == MirrorPlan(unchanged=2)
    plan = mirror_plan.plan(wanted("v2", TOKEN="another"), standing())
    assert [put.copy.parameter for put in plan.puts] == [TOKEN]
    assert plan.differences == plan.lines


def test_a_write_of_the_same_value_by_somebody_else_renews_the_mark() -> None:
    """A rotation writes copies too; without a new mark the next change of the secret would be a conflict."""
    present = {**standing(), TOKEN: edited(standing()[TOKEN], VALUES["TOKEN"])}
    plan = mirror_plan.plan(wanted("v2"), present)
    assert [(put.copy.parameter, put.reason) for put in plan.puts] == [
        (TOKEN, "already holds the value; it gets the mark of a copy")
    ]
    assert plan.differences == []  # whoever reads it has the value
    assert mirror_plan.plan(wanted("v2"), written(plan, present)) == MirrorPlan(unchanged=2)


@pytest.mark.parametrize("mark", [True, False], ids=["edited", "foreign"])
def test_another_value_is_a_conflict_until_it_may_be_overwritten(mark: bool) -> None:
    copy = edited(standing()[TOKEN])
    present = {**standing(), TOKEN: copy if mark else replace(copy, mark=None)}
    plan = mirror_plan.plan(wanted(), present)
    assert plan.puts == ()
    assert [line.partition(" parameter")[0] for line in plan.conflicts] == ["TOKEN:"]
    plan = mirror_plan.plan(wanted(), present, conflict=mirror_plan.OVERWRITE)
    assert ([put.copy.parameter for put in plan.puts], plan.conflicts) == ([TOKEN], ())


def test_another_type_stays_a_conflict() -> None:
    present = {**standing(), TOKEN: replace(standing()[TOKEN], secure=False)}
    for conflict in (mirror_plan.REPORT, mirror_plan.OVERWRITE):
        plan = mirror_plan.plan(wanted(), present, conflict=conflict)
        assert plan.puts == ()
        assert "is a String, but must be a SecureString" in plan.conflicts[0]


def test_a_parameter_goes_only_if_the_mirror_wrote_it_last() -> None:
    without = catalog(mirror={})
    present = standing()
    strange = {**present, TOKEN: edited(present[TOKEN]), HOST: replace(present[HOST], mark=None)}
    assert [one.copy.parameter for one in mirror_plan.plan(wanted(of=without), present).deletes] == [HOST, TOKEN]
    plan = mirror_plan.plan(wanted(of=without), strange)
    assert plan.deletes == ()
    assert [line.partition(" is")[0] for line in plan.conflicts] == [f"parameter {TOKEN}"]


def test_a_key_that_left_its_secret_goes_and_an_unread_secret_leaves_all() -> None:
    empty = mirror_plan.sources(
        catalog(), Contents({CORE: Reading(SECRETS_MANAGER, CORE, "v2", '{"HOST": "", "X": "1"}')})
    )
    assert len(mirror_plan.plan(empty, standing()).deletes) == 2
    unread = mirror_plan.sources(catalog(), Contents({}, {CORE: Failure(SECRETS_MANAGER, CORE, "denied")}))
    assert mirror_plan.plan(unread, standing()) == MirrorPlan()
    assert (
        "HOST, TOKEN: secret shop/production/core: denied. The mirror does not change the parameters of these settings"
        in unread.problems[0]
    )


def test_parameters_of_an_open_rotation_are_left() -> None:
    plan = mirror_plan.plan(wanted("v2", TOKEN="another", HOST="other.example.com"), standing(), rotating={TOKEN})
    assert ([put.copy.parameter for put in plan.puts], plan.held) == ([HOST], (TOKEN,))


def test_no_text_of_a_plan_has_a_value() -> None:
    present = {TOKEN: PresentCopy(TOKEN, "edited-by-hand", 1, True), HOST: standing()[HOST]}
    plan = mirror_plan.plan(wanted(), present)
    text = f"{plan!r} {plan.lines} {plan.conflicts} {wanted()!r}"
    assert "a-token-of-the-secret" not in text
    assert "edited-by-hand" not in text


@pytest.mark.parametrize("key", ["x" * 1000, "a\nb"], ids=["long", "line break"])
def test_a_key_that_no_description_can_name(key: str) -> None:
    odd = catalog(settings={"TOKEN": {"group": "core", "key": key, "copies": [{"parameter": "T"}]}}, mirror={})
    found = mirror_plan.sources(
        odd, Contents({CORE: Reading(SECRETS_MANAGER, CORE, "v1", json.dumps({key: "a-token"}))})
    )
    assert "has a name that does not fit into the description of /shop/production/T" in found.problems[0]
    assert found.copies == {}


def test_more_deletes_than_allowed() -> None:
    one = catalog(mirror={"deletes": 1})
    plan = mirror_plan.plan(wanted(of=one), standing())
    assert "2 parameters would be deleted, but only 1 may be" in mirror_plan.too_many_deletes(one, plan, None)
    assert mirror_plan.too_many_deletes(one, plan, 2) == ""


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"replicas": True}, "mirror.replicas: needs the regions in aws.replicas"),
        ({"function": {"alarm_hours": 1, "schedule_minutes": 90}}, "mirror.function: alarm_hours is shorter"),
        ({"function": {"alarm_hours": 25}}, "mirror.function.alarm_hours: CloudWatch"),
        ({"function": {}}, "mirror.function: has no parameters to mirror"),
        ({"groups": {"core": "a b"}}, "is not a valid parameter name"),
        ({"groups": {"other": "x"}}, "mirror.groups.other: no setting of this environment"),
        ({"groups": {"core": "/x"}}, "must be a path below /shop/production"),
    ],
)
def test_a_catalog_that_cannot_be_mirrored(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(CatalogError, match=re.escape(problem)):
        catalog(mirror=section)


VALUE = st.sampled_from(["a", "b", "c"])
COPY = st.builds(
    lambda value, number, secure, mark, at: PresentCopy(
        TOKEN, value, number, secure, MirrorMark("secret x", "v0", at) if mark else None
    ),
    *(VALUE, st.integers(1, 3), st.booleans(), st.booleans(), st.integers(1, 3)),
)


@given(value=VALUE, copy=st.none() | COPY, conflict=st.sampled_from([mirror_plan.REPORT, mirror_plan.OVERWRITE]))
def test_a_second_run_has_nothing_to_do(value: str, copy: PresentCopy | None, conflict: str) -> None:
    """Whatever stands there, the plan after the plan is empty, and a reported conflict is as it was."""
    source, present = wanted(TOKEN=value), {**standing(), **({TOKEN: copy} if copy else {})}
    first = mirror_plan.plan(source, present, conflict=conflict)
    after = written(first, present)
    second = mirror_plan.plan(source, after, conflict=conflict)
    assert (second.puts, second.deletes, second.conflicts) == ((), (), first.conflicts)
    if first.conflicts:
        assert after.get(TOKEN) == copy
