# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A relative path starts where the command was started, also without PWD. The output has it in full."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from sandbox.aws import REGION
from sandbox.process import REPOSITORY
from tests.integration.harness import ENVIRONMENT, Lab, layout

PLAYBOOKS = REPOSITORY / "playbooks"
CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "fetch": (("env_fetch_path=out/relative.env",), "out/relative.env"),
    "fetch ": ((), ".env"),
    "env_example": ((), ".env.example"),
    "github_workflow": (("github_workflow_path=out/deploy.yml",), "out/deploy.yml"),
    "rotation_report": (("rotation_report_file=out/ages.json",), "out/ages.json"),
    "provision_values": (("app_environment=local",), ".env"),
    "import": (("import_file=given.env",), "secrets_catalog.draft.yml"),
    "verify": (("verify_report_path=out",), "out/verify.json"),
    "scan": (("scan_paths=logs", "scan_json_file=out/scan.json"), "out/scan.json"),
}
"""What a playbook gets, and the file that it writes."""
QUICK = ("fetch", "env_example")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    for name in ("out", "logs"):
        (folder / name).mkdir(parents=True)
    (folder / "logs" / "app.log").write_text("started\n", encoding="utf-8")
    (folder / "given.env").touch(mode=0o600)
    (folder / "given.env").write_text("MODE=production\n", encoding="utf-8")
    return folder


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


@pytest.mark.parametrize(
    "case", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CASES]
)
def test_a_relative_path(lab: Lab, place: Path, case: str) -> None:
    lab.add_hosts()
    lab.seed(layout())
    lab.catalog["environments"][ENVIRONMENT]["region"] = REGION
    lab.catalog["github"] = {"repository": "example/shop"}
    variables, written = CASES[case]
    before = files(PLAYBOOKS)
    arguments = [part for variable in variables for part in ("-e", variable)]
    done = lab.run(*arguments, playbook=PLAYBOOKS / f"{case.strip()}.yml", folder=place)
    # A verification of the laboratory finds something.
    assert done.code == 0 or case == "verify", done.output
    assert (place / written).is_file(), done.output
    assert str(place / written) in done.output, done.output
    assert files(PLAYBOOKS) == before
    if written.endswith(".env"):
        assert stat.S_IMODE((place / written).stat().st_mode) == 0o600
