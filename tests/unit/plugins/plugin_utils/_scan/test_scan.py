# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A hundred values in a repository: all are found, and nothing where they are not."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import ansible
import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sarif as scan_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan_report
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding, ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import DirectorySource, GitSource
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_scan
from sandbox import application
from tests import planted
from tests.unit.plugins.plugin_utils._scan.scan_world import EACH, PLACES, World, git, made
from tests.unit.plugins.plugin_utils._verify import verify_facts

OWN = "no library"
ENGINES = ["hyperscan", OWN]
"""That the third one finds the same shows in test_stream_search.py."""


@pytest.fixture(scope="module")
def values() -> dict[str, list[Live]]:
    return made(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, values: dict[str, list[Live]]) -> Path:
    where = tmp_path_factory.mktemp("planted") / "repository"
    World(where, values)
    return where


@pytest.fixture(scope="module")
def reports(world: Path, values: dict[str, list[Live]]) -> Callable[[str], ScanReport]:
    """The scan by an engine, once each."""
    return cache(partial(scanned, world, values))


@pytest.fixture(scope="module")
def report(reports: Callable[[str], ScanReport]) -> ScanReport:
    return reports(OWN)


def scanned(where: Path, values: dict[str, list[Live]], prefer: str | None = None) -> ScanReport:
    results = [live for lives in values.values() for live in lives]
    return scan_scan.scan([GitSource(str(where))], needles_for(results), prefer=prefer)


def names(report: ScanReport) -> set[str]:
    return {name for finding in report.findings for name in (finding.rule, *finding.also)}


def of_history(findings: Sequence[Finding]) -> dict[str, Any]:
    """What a verification has of a scan that finds these alone."""
    only = ScanReport(tuple(findings), values=1, objects=1)
    return {**collect_scan._as_data(only), "values": 1, "left_out": {}, "objects": 1}


def of(report: ScanReport, place: str) -> list[Finding]:
    return [finding for finding in report.findings if finding.rule.rpartition(" ")[0] == place]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_value_is_found(reports: Callable[[str], ScanReport], values: dict[str, list[Live]], engine: str) -> None:
    if engine != OWN:
        pytest.importorskip(engine)
    results = names(reports(engine))
    all_names = {live.name for lives in values.values() for live in lives}
    assert len(all_names) == len(PLACES) * EACH
    assert all_names - results == set(), f"{len(results & all_names)} of {len(all_names)} found by {engine}"


def test_packed_it_is_found_as_well(tmp_path: Path, world: Path, values: dict[str, list[Live]]) -> None:
    copy = tmp_path / "packed"
    git(tmp_path, "clone", "-q", "--mirror", str(world), str(copy))
    git(copy, "repack", "-a", "-d", "-q")
    results = names(scanned(copy, values))
    gone = ("commit before a rebase", "unreachable commit", "index", "untracked file", "remote's URL")
    kept = {live.name for place, lives in values.items() if place not in gone for live in lives}
    assert kept - results <= {live.name for live in values["dropped stash"] + values["stash of an untracked file"]} | {
        live.name for live in values["stash"]
    }, "a clone takes branches and tags along"
    assert {live.name for place in ("first", "deleted file", "large binary") for live in values[place]} <= results


def test_the_same_repository_without_them(tmp_path: Path, values: dict[str, list[Live]]) -> None:
    World(tmp_path / "repository", made(2))
    report = scanned(tmp_path / "repository", values)
    assert report.findings == ()
    assert report.clean
    assert report.complete
    assert report.objects > 60


def django() -> Path:
    """The sample application's own."""
    path = application.python().parent.parent / "lib"
    return next(path.glob("python*/site-packages/django"))


@pytest.mark.parametrize(
    "sources",
    [
        # Its environment is for the tests with servers to fill.
        pytest.param(django, marks=pytest.mark.long, id="django"),
        pytest.param(lambda: Path(ansible.__file__).parent, id="ansible-core"),
    ],
)
def test_nothing_in_the_sources_of_others(sources: Callable[[], Path]) -> None:
    luck = random.Random(5)
    made = ["".join(luck.choices(string.ascii_letters + string.digits, k=luck.randint(10, 50))) for _ in range(200)]
    wanted = needles_for([Live(f"S{at}", "current", value) for at, value in enumerate(made)])
    report = scan_scan.scan([DirectorySource(str(sources()))], wanted)
    assert report.values == 200
    assert report.objects > 500
    assert report.findings == ()
    assert report.not_checked == ()


@planted.mistakes("A value in the repository", planted.REPOSITORY_FILES, checks="WPS103", by="place")
@pytest.mark.parametrize(
    ("place", "path", "reach"),
    [
        ("first", "first.py", "a branch"),
        ("branch that was merged", "merged.py", "a branch"),
        ("merge itself", "shared.py", "a branch"),
        ("commit before a rebase", "rebased.py", "a reflog or an older stash"),
        ("deleted file", "deleted.py", "a branch"),
        ("renamed file", "old name.py", "a branch"),
        ("tag without a branch", "tagged.py", "a tag only"),
        ("stash", "shared.py", "a reflog or an older stash"),
        ("stash of an untracked file", "new.py", "a stash or another ref"),
        ("dropped stash", "shared.py", "nothing any more"),
        ("unreachable commit", "lost.py", "nothing any more"),
        ("zip", "files.jar", "a branch"),
        ("tarball", "files.tar.gz", "a branch"),
        ("zip in a tarball", "nested.tar.xz", "a branch"),
        ("large binary", "large.bin", "a branch"),
        ("index", "staged.py", "the index only"),
        ("untracked file", "untracked.py", "the working tree"),
        ("commit message", "(commit message)", "a branch"),
        ("name of a file", "(name of a file)", ""),
        ("remote's URL", "(git's own files) config", ""),
    ],
)
def test_where_it_comes_from(report: ScanReport, place: str, path: str, reach: str) -> None:
    findings = of(report, place)
    assert len(findings) >= EACH
    assert {(finding.path, finding.reach) for finding in findings} == {(path, reach)}
    committed = place not in ("index", "untracked file", "name of a file", "remote's URL")
    assert {*verify_facts.judged("WPS103", history=of_history(findings))} == {"WPS103"}
    for finding in findings:
        assert (finding.author == "A Writer <writer@example.com>") == committed
        assert finding.date.startswith("2026-03-01T12:") == committed
        assert bool(finding.commit) == committed


def test_lines_members_and_paths(report: ScanReport, world: Path) -> None:
    first = sorted(of(report, "first"), key=lambda finding: finding.offset)
    assert first[0].line == 3
    assert [finding.line for finding in first] == sorted(finding.line for finding in first)
    assert {finding.inside for finding in of(report, "zip")} == {f"folder/member{at}.txt" for at in range(EACH)}
    assert {finding.inside for finding in of(report, "zip in a tarball")} == {
        f"inner.zip!folder/member{at}.txt" for at in range(EACH)
    }
    assert {finding.paths for finding in of(report, "renamed file")} == {2}
    for finding in of(report, "unreachable commit"):
        assert git(world, "cat-file", "-t", finding.commit) == "commit"
        assert git(world, "rev-parse", f"{finding.commit}:lost.py") == finding.blob


def test_versions_and_forms_are_named(report: ScanReport) -> None:
    assert {finding.stage for finding in report.findings} == {"current", "pending", "previous", "version 3"}
    forms = {finding.form for finding in report.findings}
    assert {
        *("unchanged", "URL-encoded", "JSON-escaped", "HTML-escaped", "base64", "hexadecimal", "UTF-16"),
        *("password part", "one line of it"),
    } <= forms


def test_no_value_is_reported(report: ScanReport, values: dict[str, list[Live]]) -> None:
    message = "\n".join(
        [
            json.dumps(report.data()),
            json.dumps(scan_sarif.log(report)),
            *scan_report.lines(report),
            repr(report),
        ]
    )
    for lives in values.values():
        for live in lives:
            core = live.value.partition("user:")[2].partition("@")[0] or live.value
            assert core not in message
            assert json.dumps(core)[1:-1] not in message
            assert all(line not in message for line in core.splitlines()[1:-1])
    assert "value='" not in repr(needles_for([live for lives in values.values() for live in lives]))


def test_fingerprints_are_stable_and_differ(reports: Callable[[str], ScanReport]) -> None:
    pytest.importorskip("hyperscan")
    prints = [[finding.fingerprint for finding in reports(name).findings] for name in ENGINES]
    assert set(prints[0]) == set(prints[1])
    assert len(set(prints[0])) == len(prints[0])
