# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd host that fetches for itself by its instance's role: booted with the controller gone, and with AWS gone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from sandbox.aws import Moto
from sandbox.faults import Fault
from sandbox.hosts import Fleet, Plan, why_not
from sandbox.process import SandboxError, wait_until
from tests.integration import harness
from tests.integration.fetch_lab import ENCRYPTED, KEY_FILE, KMS_KEY, FetchLab, metadata

pytestmark = [
    pytest.mark.hosts,
    pytest.mark.skipif(bool(why_not()), reason=f"{why_not()}: no host that fetches for itself was booted"),
]


PLACES = [
    pytest.param("/srv/watchparty/.env", id="disk"),
    pytest.param("/run/shop-secrets/env", id="tmpfs", marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=PLACES)
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FetchLab]:
    place = tmp_path_factory.mktemp("fetch")
    with (
        Fleet(place / "fleet", Plan(count=1)) as fleet,
        Moto(place / "moto", host=fleet.gateway) as moto,
        metadata(fleet.gateway) as imds,
    ):
        yield FetchLab(fleet, moto, imds, place, request.param)


def on_disk(lab: FetchLab) -> bool:
    return not lab.path.startswith("/run/")


def canaries() -> list[str]:
    core = harness.layout().secrets["shop/production/core"]
    assert isinstance(core, dict)
    return [str(core[name]) for name in ("SECRET_KEY", "API_TOKEN")]


def status(lab: FetchLab, unit: str = "shop-secrets") -> str:
    return lab.shell(f"echo $(systemctl show -P ActiveState {unit}) $(systemctl show -P ExecMainStatus {unit})")


def test_the_role_installs_it_and_a_second_run_changes_nothing(lab: FetchLab) -> None:
    if on_disk(lab):
        looked = lab.run("host", "--check", "--diff")
        assert looked.returncode == 0, looked.stdout
        assert "shop-secrets" not in lab.shell("ls /opt /etc/systemd/system")
        assert "shipper" not in lab.shell("cat /etc/passwd")

    first = lab.run("host", "--diff")
    assert first.returncode == 0, first.stdout
    assert lab.generation() == "1"
    assert lab.shell(f"stat -c '%U %a' {lab.path}") == "watchparty 600"
    assert lab.shell(f"stat -c '%U %a' {KEY_FILE}; cat {KEY_FILE}; echo; ls /etc/shop").split() == [
        *("watchparty", "600", str(harness.layout().parameters["/shop/production/App/SIGNING_KEY"][1]), "signing.key")
    ]
    assert lab.shell("stat -c '%U %a' /opt/shop-secrets /opt/shop-secrets/fetch.pyz").split() == [
        "root",
        "755",
        "root",
        "644",
    ]
    packages = lab.shell("/opt/shop-secrets/venv/bin/python -m pip list --format=freeze")
    assert "boto3==" in packages
    assert "ansible" not in packages

    second = lab.run("host", "--diff")
    assert re.search(r"changed=0 .*failed=0", second.stdout), second.stdout
    assert re.search(r"Copy wheels\] \*+\s+skipping", second.stdout), second.stdout
    assert [value for value in canaries() if value in first.stdout + second.stdout] == []


def test_booted_with_the_controller_gone(lab: FetchLab) -> None:
    lab.store("2")
    lab.reboot()
    assert lab.generation() == "2"
    assert status(lab) == "active 0"
    assert lab.started_on_the_present_file()
    assert f"{lab.path} is written, mode 0600 (snapshot s-" in lab.log_text()


def test_booted_with_aws_gone(lab: FetchLab) -> None:
    lab.store("3")
    lab.moto.set_faults(Fault("close"))
    try:
        if on_disk(lab):
            lab.reboot()
            assert status(lab) == "active 75", "the unit says that something is wrong, and lets the application start"
            assert lab.generation() == "2"
            assert lab.started_on_the_present_file()
            assert re.search(f"AWS could not be reached .*\n.*{lab.path} stays as written at 20", lab.log_text())
            warnings = lab.shell("journalctl --boot --no-pager --output=cat --priority=warning --unit=shop-secrets")
            assert "AWS could not be reached" in warnings
        else:
            with pytest.raises(SandboxError, match=r"shop-secrets\.service"):
                lab.reboot()
            assert status(lab) == "failed 3"
            assert status(lab, "shop").startswith("inactive"), "it does not start without its settings"
            assert f"{lab.path}: does not exist either" in lab.log_text()
    finally:
        lab.moto.set_faults()


def test_aws_comes_back(lab: FetchLab) -> None:
    lab.store("3")
    lab.shell("systemctl start shop-secrets-refresh")
    assert lab.generation() == "3"
    if not on_disk(lab):
        assert wait_until(lambda: status(lab, "shop").startswith("active"), seconds=30), "nobody has to start it"
        assert lab.started_on_the_present_file()
    lab.shell("systemctl restart shop-secrets")
    assert lab.started_on_the_present_file(), "what the application needs was restarted, so it was too"


def test_a_deploy_knows_a_file_that_was_fetched(lab: FetchLab) -> None:
    before = lab.shell(f"stat -c '%i %Y' {lab.path}")
    first = lab.run("deploy")
    assert first.returncode == 0, first.stdout
    assert "services restarted and healthy" in first.stdout
    assert lab.shell(f"stat -c '%i %Y' {lab.path}") == before, "the bytes are the same, so they are not written again"
    assert "unchanged, healthy before" in lab.run("deploy").stdout
    lab.shell("systemctl start shop-secrets-refresh")
    mark = json.loads(lab.shell(f"cat '{atomic_file.state_of(lab.path)}/mark'"))
    entry = {**mark["healthy"], "delivery": mark["accepted"]["delivery"]}
    assert mark["accepted"] == entry, "nor does a fetch of the same take the proof away"


def test_an_encrypted_file_is_opened_at_boot(lab: FetchLab) -> None:
    """By the SDK in the host's own environment, within what the unit is allowed; no store is asked."""
    kms = lab.moto.client("kms")
    kms.create_alias(AliasName=KMS_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    lab.require("aws-encryption-sdk", "aws-cryptographic-material-providers")
    lab.variables["app_host_fetch_file"] = ENCRYPTED
    lab.put_encrypted("4", 0)
    installed = lab.run("host")
    assert installed.returncode == 0, installed.stdout
    lab.put_encrypted("5", 1)
    since = len(lab.moto.calls())
    lab.reboot()
    assert lab.generation() == "5"
    assert lab.moto.operations(since=since) == ["Decrypt"]
    assert lab.shell(f"stat -c '%U %a' {lab.path}") == "watchparty 600"
    assert status(lab) == "active 0"
    assert lab.started_on_the_present_file()
    assert f"{lab.path} is written, mode 0600 (snapshot enc-" in lab.log_text()


def test_booted_with_kms_gone(lab: FetchLab) -> None:
    lab.put_encrypted("6", 2)
    lab.moto.set_faults(Fault("close"))
    try:
        if on_disk(lab):
            lab.reboot()
            assert status(lab) == "active 75"
            assert lab.generation() == "5"
            assert lab.started_on_the_present_file()
            assert re.search(
                f"AWS could not be reached for kms:Decrypt .*\n.*{lab.path} stays as written at", lab.log_text()
            )
        else:
            with pytest.raises(SandboxError, match=r"shop-secrets\.service"):
                lab.reboot()
            assert status(lab) == "failed 3"
    finally:
        lab.moto.set_faults()
    assert f"{lab.path} is written, mode 0600 (snapshot enc-" in lab.refreshed()
    assert lab.generation() == "6"


def test_a_swapped_file_and_an_older_one_are_refused(lab: FetchLab) -> None:
    lab.put_encrypted("7", 3, environment="staging")
    assert "belongs to environment staging, and this run is for production" in lab.refreshed()
    lab.put_encrypted("5", 1)
    assert "already accepted one written at 2026-11-29T01:02:00Z" in lab.refreshed()
    assert lab.generation() == "6"


def test_no_value_is_anywhere_else(lab: FetchLab) -> None:
    places = "/etc /opt /var /srv /home /root /run /tmp"
    for value in canaries():
        parts = lab.shell(f"grep -rlIa -D skip -- '{value}' {places}", check=False).split()
        assert set(parts) <= {lab.path, f"{atomic_file.state_of(lab.path)}/healthy"}
        assert value not in lab.shell("journalctl --no-pager --output=verbose --all")
