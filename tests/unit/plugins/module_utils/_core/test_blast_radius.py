# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The closure over what reveals what, and that no wave makes anything new where a leaked exposer still reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.watchparty.secrets.plugins.module_utils._core import blast_radius
from ansible_collections.watchparty.secrets.plugins.module_utils._core.blast_radius import Impact
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError

Make = Callable[..., Catalog]
SETTINGS: dict[str, Any] = {
    "DATABASE_URL": {"group": "core", "type": "url", "sensitivity": "high"},
    "CACHE_URL": {"group": "core", "type": "url", "sensitivity": "medium"},
    "PASSWORD": {"parameter": "PASSWORD", "sensitivity": "medium"},
    "QUEUE_URL": {
        "compose": {"scheme": "redis", "host": "q", "password": {"setting": "PASSWORD"}},
        "sensitivity": "high",
    },
    "REPLICA_URL": {"compose": {"scheme": "redis", "host": "r", "password": {"secret": "replica-{environment}"}}},
    "PUBLIC": {"group": "core", "sensitivity": "low", "github": "variable"},
    "DEPLOY_KEY": {"secret": "ci-{environment}", "github": "secret", "sensitivity": "high"},
}
PLAIN: dict[str, Any] = {"PLAIN": {"value": "plain"}}
CREDENTIALS: dict[str, Any] = {
    "admin": {
        "kind": "postgresql_role",
        "server": {"address": "db"},
        "appears_in": [{"secret": "admin-{environment}", "key": "password"}],
    },
    "database": {"kind": "postgresql_role", "admin": "admin", "appears_in": [{"setting": "DATABASE_URL"}]},
    "cache": {"kind": "valkey_user", "appears_in": [{"setting": "CACHE_URL"}]},
    "queue": {"kind": "valkey_user", "appears_in": [{"parameter": "PASSWORD"}]},
    "replica": {"kind": "valkey_user", "appears_in": [{"secret": "replica-{environment}"}]},
    "public": {"kind": "note", "appears_in": [{"setting": "PUBLIC"}]},
    "key": {"kind": "ssh_key", "appears_in": [{"github": "DEPLOY_KEY"}]},
    "cloud": {"kind": "aws_access_key", "appears_in": [{"github": "AWS_KEY"}], "options": {"reads": ["admin-test"]}},
    "role": {"kind": "aws_role", "appears_in": [{"github": "AWS_ROLE"}]},
    "lone": {"kind": "token", "appears_in": [{"secret": "lone-{environment}"}], "exposes": ["cache"]},
}
HOSTS = ("web1", "web2")
IN_ENV = {"database", "cache", "queue", "replica", "public"}


@pytest.fixture(scope="module")
def made(catalog: Make) -> Catalog:
    return catalog(SETTINGS, credentials=CREDENTIALS)


def reached(impact: Impact) -> dict[str, int]:
    return {item.name: item.wave for item in impact.reached}


def test_the_longest_chain_of_the_kinds_that_there_are(catalog: Make) -> None:
    """As many waves as leak_response.yml has: hosts, then what reads stores from there, then who changes others."""
    credentials = {
        "deploy": {"kind": "ssh_key", "appears_in": [{"github": "DEPLOY_KEY"}]},
        "cloud": {"kind": "aws_access_key", "appears_in": [{"setting": "PUBLIC"}]},
        "admin": {
            "kind": "external",
            "server": {"address": "db"},
            "appears_in": [{"secret": "admin-{environment}", "key": "password"}],
        },
        "database": {"kind": "postgresql_role", "admin": "admin", "appears_in": [{"setting": "DATABASE_URL"}]},
    }
    impact = blast_radius.impact(catalog(SETTINGS, credentials=credentials), ["deploy"], HOSTS)
    assert impact.waves == (("deploy",), ("cloud",), ("admin",), ("database",))


def test_the_hosts_that_a_thief_may_be_on(made: Catalog) -> None:
    def hosts(*declared: str) -> tuple[str, ...]:
        return blast_radius.reached_hosts(made, blast_radius.impact(made, declared, HOSTS), HOSTS)

    assert hosts("database") == hosts("cloud") == ()
    assert hosts("host:web2") == ("web2",)
    assert hosts("key") == hosts("github") == hosts("all") == HOSTS


def test_the_administrators_that_a_replacement_needs(made: Catalog) -> None:
    def needed(*declared: str) -> tuple[str, ...]:
        return blast_radius.administrators(made, blast_radius.impact(made, declared, HOSTS))

    assert needed("database") == needed("host:web1") == ("admin",)
    assert needed("cache") == ()


class TestExposes:
    """What each thing reveals by itself."""

    @pytest.mark.parametrize(
        ("source", "why", "targets"),
        [
            ("all", "everything was declared as leaked", set(CREDENTIALS)),
            ("github", "holds it", {"public", "key", "cloud", "role"}),
            ("host:web1", "has it in .env", IN_ENV),
            ("secret:app/test/core", "holds it", {"database", "cache", "public"}),
            ("secret:ci-test", "", set()),
            ("admin", "may change it", {"database"}),
            ("key", "logs in to hosts that have it in .env", IN_ENV),
            ("cloud", "may read a store that holds it", {"admin"}),
            ("role", "may read a store that holds it", {"admin", "lone", *IN_ENV}),
            ("lone", "reveals it, as the catalog declares", {"cache"}),
            ("cache", "", set()),
        ],
    )
    def test_each_kind_of_thing(self, made: Catalog, source: str, why: str, targets: set[str]) -> None:
        edges = list(blast_radius.exposes(made, source))
        assert {edge.target for edge in edges} == targets
        assert {edge.why for edge in edges} <= {why}
        assert {edge.source for edge in edges} <= {source}

    def test_what_the_catalog_says_is_reported_once(self, catalog: Make) -> None:
        credentials = {**CREDENTIALS, "key": {**CREDENTIALS["key"], "exposes": ["cache", "admin"]}}
        edges = list(blast_radius.exposes(catalog(SETTINGS, credentials=credentials), "key"))
        assert len(edges) == len({edge.target for edge in edges})
        assert {edge.target: edge.why for edge in edges}["cache"] == "reveals it, as the catalog declares"

    @pytest.mark.parametrize("name", ["github", "all"])
    def test_a_credential_that_bears_such_a_name_reveals_its_own_too(self, catalog: Make, name: str) -> None:
        token = {"kind": "token", "appears_in": [{"secret": "t-{environment}"}], "exposes": ["lone"]}
        impact = blast_radius.impact(catalog(SETTINGS, credentials={**CREDENTIALS, name: token}), [name], HOSTS)
        assert {name, "lone", "cache", "key"} <= set(reached(impact))


class TestDeclared:
    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("host:web9", "^host:web9: the inventory has no such host; it has web1, web2$"),
            ("secret:core", r"^secret:core: no setting or credential of the catalog is in that secret$"),
            (
                "nobody",
                r"^nobody: is not a credential of the catalog; it has admin, cache, .*host:NAME, github, secret:NAME",
            ),
        ],
    )
    def test_what_nobody_knows(self, made: Catalog, name: str, message: str) -> None:
        with pytest.raises(RotationError, match=message):
            blast_radius.impact(made, ["cache", name], HOSTS)

    def test_nothing_to_name(self, catalog: Make) -> None:
        with pytest.raises(RotationError, match="it has none"):
            blast_radius.impact(catalog(PLAIN), ["host:web1"], ())
        with pytest.raises(RotationError, match=r"it has none. You can also declare"):
            blast_radius.impact(catalog(PLAIN), ["x"], ())

    def test_a_secret_that_only_a_credential_is_in(self, made: Catalog) -> None:
        assert set(reached(blast_radius.impact(made, ["secret:lone-test"], HOSTS))) == {"lone", "cache"}

    def test_how_it_is_reached(self, made: Catalog) -> None:
        impact = blast_radius.impact(made, ["cloud", "cloud", "host:web1"], HOSTS)
        via = {item.name: [edge.source for edge in item.via] for item in impact.reached}
        assert via["cloud"] == []
        assert via["admin"] == ["cloud"]
        assert via["database"] == ["host:web1", "admin"]

    def test_nothing_is_reached(self, made: Catalog) -> None:
        impact = blast_radius.impact(made, ["secret:ci-test"], HOSTS)
        assert (impact.reached, impact.waves, impact.severity, impact.cycles) == ((), (), "low", ())


class TestFirstOff:
    """Access keys that may read the places that their own replacement comes to."""

    @pytest.mark.parametrize(
        ("places", "reads", "is_off"),
        [
            ([{"secret": "cloud-{environment}", "key": "id"}], None, True),
            ([{"secret": "cloud-{environment}", "key": "id"}], ["cloud-test", "admin-test"], True),
            ([{"secret": "cloud-{environment}", "key": "id"}], ["admin-test"], False),
            ([{"secret": "cloud-{environment}", "key": "id"}], [], False),
            ([{"github": "AWS_KEY"}], None, False),
        ],
    )
    def test_by_what_it_reads(
        self, catalog: Make, places: list[dict[str, str]], reads: list[str] | None, is_off: bool
    ) -> None:
        options = {} if reads is None else {"options": {"reads": reads}}
        cloud = {"kind": "aws_access_key", "appears_in": places, **options}
        impact = blast_radius.impact(catalog(SETTINGS, credentials={**CREDENTIALS, "cloud": cloud}), ["cloud"], HOSTS)
        assert impact.first_off == (("cloud",) if is_off else ())

    def test_it_is_reported_where_something_else_reveals_it(self, catalog: Make) -> None:
        cloud = {"kind": "aws_access_key", "appears_in": [{"setting": "PUBLIC"}]}
        impact = blast_radius.impact(
            catalog(SETTINGS, credentials={**CREDENTIALS, "cloud": cloud}), ["host:web1"], HOSTS
        )
        assert impact.first_off == ("cloud",)

    @pytest.mark.parametrize(
        ("reads", "first_off", "cycles"),
        [
            (["ssh-test"], ("cloud",), (("cloud", "deploy"),)),
            (["admin-test"], (), ()),
        ],
    )
    def test_it_may_read_what_is_made_along_with_it(
        self, catalog: Make, reads: list[str], first_off: tuple[str, ...], cycles: tuple[tuple[str, ...], ...]
    ) -> None:
        """It opens a secret that holds the SSH key, which opens the hosts that hold it."""
        credentials = {
            **CREDENTIALS,
            "deploy": {"kind": "ssh_key", "appears_in": [{"secret": "ssh-{environment}", "key": "private_key"}]},
            "cloud": {"kind": "aws_access_key", "appears_in": [{"setting": "PUBLIC"}], "options": {"reads": reads}},
        }
        impact = blast_radius.impact(catalog(SETTINGS, credentials=credentials), ["deploy"], HOSTS)
        assert (impact.first_off, impact.cycles) == (first_off, cycles)

    def test_two_that_may_read_everything(self, catalog: Make) -> None:
        credentials = {
            name: {"kind": "aws_access_key", "appears_in": [{"secret": f"{name}-{{environment}}", "key": "id"}]}
            for name in ("mail", "storage")
        }
        impact = blast_radius.impact(catalog(SETTINGS, credentials=credentials), ["mail"], HOSTS)
        assert (impact.waves, impact.first_off) == ((("mail", "storage"),), ("mail", "storage"))

    def test_no_other_kind(self, made: Catalog) -> None:
        assert blast_radius.impact(made, ["all"], HOSTS).first_off == ()


class TestOrder:
    def test_exposers_first_and_the_rest_together(self, made: Catalog) -> None:
        impact = blast_radius.impact(made, ["cloud", "replica"], HOSTS)
        assert impact.waves == (("cloud",), ("admin",), ("database", "replica"))

    def test_by_severity_then_by_name(self, made: Catalog) -> None:
        impact = blast_radius.impact(made, ["host:web2"], HOSTS)
        # queue is in a place of its own, which no setting's sensitivity speaks of
        assert impact.waves == (("database", "queue", "replica", "cache", "public"),)
        assert {item.name: item.severity for item in impact.reached} == {
            "database": "high",
            "queue": "high",
            "replica": "high",
            "cache": "medium",
            "public": "low",
        }
        assert impact.severity == "high"
        assert blast_radius.impact(made, ["public"], HOSTS).severity == "low"

    def test_those_of_a_cycle_together(self, catalog: Make) -> None:
        def credential(*exposes: str) -> dict[str, Any]:
            return {"kind": "k", "appears_in": [{"secret": "s-{environment}"}], "exposes": list(exposes)}

        credentials = {"a": credential("b"), "b": credential("c"), "c": credential("b", "d"), "d": credential("d")}
        impact = blast_radius.impact(catalog(PLAIN, credentials=credentials), ["a"], HOSTS)
        assert impact.cycles == (("b", "c"),)
        assert impact.waves == (("a",), ("b", "c"), ("d",))


NAMES = st.sampled_from("abcdefghij")
GRAPHS = st.dictionaries(NAMES, st.lists(NAMES, max_size=4, unique=True), min_size=1)


@st.composite
def graphs(draw: st.DrawFn) -> tuple[dict[str, list[str]], list[str]]:
    """What reveals what, and what was declared."""
    drawn = draw(GRAPHS)
    graph = {name: [other for other in others if other in drawn] for name, others in drawn.items()}
    return graph, draw(st.lists(st.sampled_from(sorted(graph)), min_size=1, unique=True))


def of(graph: dict[str, list[str]], declared: list[str]) -> Impact:
    credentials = {name: Credential(name, "k", exposes=tuple(others)) for name, others in graph.items()}
    return blast_radius.impact(Catalog("app", "test", False, "/a", "/b", {}, credentials=credentials), declared, ())


def reachable(graph: dict[str, list[str]], start: set[str]) -> set[str]:
    """The least set that holds the start and whatever its members reveal."""
    results = set(start)
    while additions := {other for name in results for other in graph[name]} - results:
        results |= additions
    return results


class TestAnyGraph:
    @given(graphs())
    def test_the_closure_is_transitive_and_minimal(self, drawn: tuple[dict[str, list[str]], list[str]]) -> None:
        graph, declared = drawn
        impact = of(graph, declared)
        names = [item.name for item in impact.reached]
        assert len(names) == len(set(names))
        assert set(names) == reachable(graph, set(declared))
        assert {(edge.source, edge.target) for edge in impact.edges} == {
            (name, other) for name in names for other in graph[name]
        }
        assert len(impact.edges) == len(set(impact.edges))
        for item in impact.reached:
            messages = {edge.source for edge in item.via}
            assert messages == (
                set() if item.name in declared else {name for name in names if item.name in graph[name]}
            )

    @given(graphs())
    def test_cycles_are_found(self, drawn: tuple[dict[str, list[str]], list[str]]) -> None:
        graph, declared = drawn
        impact = of(graph, declared)
        mutual = {
            frozenset(other for other in reachable(graph, {name}) if name in reachable(graph, {other}))
            for name in reachable(graph, set(declared))
        }
        assert {frozenset(cycle) for cycle in impact.cycles} == {group for group in mutual if len(group) > 1}

    @given(graphs())
    def test_waves_respect_every_edge_outside_of_a_cycle(self, drawn: tuple[dict[str, list[str]], list[str]]) -> None:
        impact = of(*drawn)
        wave = reached(impact)
        together = {frozenset((name, other)) for cycle in impact.cycles for name in cycle for other in cycle}
        for edge in impact.edges:
            if edge.source == edge.target:
                continue
            if frozenset((edge.source, edge.target)) in together:
                assert wave[edge.source] == wave[edge.target]
            else:
                assert wave[edge.source] < wave[edge.target]
        assert [item.wave for item in impact.reached] == sorted(item.wave for item in impact.reached)
        assert sorted(set(wave.values())) == list(range(len(impact.waves))), "no wave is empty"
        assert [name for each in impact.waves for name in each] == [item.name for item in impact.reached]

    @given(graphs())
    def test_what_reveals_nothing_shares_the_last_rollout(self, drawn: tuple[dict[str, list[str]], list[str]]) -> None:
        graph, declared = drawn
        impact = of(graph, declared)
        for name, wave in reached(impact).items():
            assert set(graph[name]) - {name} or wave == len(impact.waves) - 1
