# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A honeytoken is expected where the catalog says that it was planted, and a leak everywhere else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, honeytokens
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import planted
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import scan as scan_scan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import ScanReport
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import GitSource
from tests.unit.plugins.plugin_utils._provision.test_alert_resources import DECOY
from tests.unit.plugins.plugin_utils._scan.scan_world import git

DECOYS, OTHER = "Zq8-canary-77-of-the-honeytoken", "Xw3-canary-91-of-the-application"
NAMES = ("BACKUP_KEY_ID", "BACKUP_KEY", "TOKEN")


def catalog(**options: Any) -> Catalog:
    decoy = {**DECOY, "options": {**DECOY["options"], **options}}
    settings = {name: {"group": "core"} for name in NAMES}
    document = {"application": "shop", "alerts": {}, "settings": settings, "credentials": {"decoy": decoy}}
    return catalog_parser.parse(document, "test")


def scanned(where: Path, *also: Live) -> ScanReport:
    values = [Live("BACKUP_KEY", "previous", DECOYS), Live("TOKEN", "current", OTHER), *also]
    return planted.expected(
        scan_scan.scan([GitSource(str(where))], needles_for(values)),
        honeytokens.planted(catalog(planted=["ops/backup.ini"])),
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops/backup.ini").write_text(f"key = {DECOYS}\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "one")
    return tmp_path


def test_where_it_was_planted_it_is_expected(repository: Path) -> None:
    report = scanned(repository)
    assert report.clean
    assert {finding.path for finding in report.accepted} == {"ops/backup.ini"}
    assert {entry["reason"] for entry in report.data()["accepted"]} == {planted.REASON}


def test_elsewhere_it_leaked(repository: Path) -> None:
    (repository / "copy.ini").write_text(DECOYS)
    assert {finding.path for finding in scanned(repository).findings} == {"copy.ini"}


def test_another_value_in_the_same_file_leaked(repository: Path) -> None:
    (repository / "ops/backup.ini").write_text(f"key = {DECOYS}\ntoken = {OTHER}\n")
    assert {finding.rule for finding in scanned(repository).findings} == {"TOKEN"}
    assert not scanned(repository, Live("OTHER", "current", DECOYS)).clean, "a real setting has the same value"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"planted": "ops/backup.ini"}, "must be a list of paths"),
        ({"planted": ["a"], "honeytoken": False}, "is for honeytokens only"),
    ],
)
def test_what_may_be_planted(options: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError, match=message):
        catalog(**options)
