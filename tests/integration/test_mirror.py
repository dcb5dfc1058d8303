# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The playbook of the mirror, against the stand-in: what it writes, refuses, reports and never shows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.faults import Fault
from tests import planted
from tests.integration.canaries import Canaries
from tests.integration.chaos import Chaos, Controller
from tests.integration.counts import Record, tried
from tests.integration.harness import Lab
from tests.integration.mirror_lab import (
    CORE,
    FULL,
    MIRROR,
    MIRRORED,
    PATH,
    change,
    edit,
    mirror,
    mirror_lab,
    parameters,
    secret,
    values,
    writes,
)

__all__ = ("mirror_lab",)


def test_only_what_changed_is_written(mirror_lab: Lab) -> None:
    """--check tells it and writes nothing; the first run writes, the second does not; then one key, and one write."""
    lab = mirror_lab
    before = values(lab)
    looked = mirror(lab, "--check", "--diff")
    assert writes(looked) == []
    assert "(is new)" in looked.text
    assert f"+parameter {PATH}/shared/API_TOKEN fingerprint " in looked.output
    assert values(lab) == before
    first = mirror(lab)
    assert writes(first) == ["PutParameter"] * 4  # the copy that was there is marked as one
    for name in MIRRORED:
        assert values(lab)[name] == secret(lab)[name.rpartition("/")[2]]
        assert parameters(lab)[name]["Type"] == "SecureString"
    assert lab.run(playbook="playbooks/validate.yml").code == 0  # a deploy reads the copies and finds them equal
    again = mirror(lab, "--limit", "web1")
    assert writes(again) == []
    assert again.operations.count("BatchGetSecretValue") == 1
    assert "4 parameters are unchanged" in again.text
    change(lab, API_TOKEN="another-token-of-twenty-characters")
    assert writes(mirror(lab)) == ["PutParameter"]
    assert values(lab)[f"{PATH}/shared/API_TOKEN"] == "another-token-of-twenty-characters"


def test_somebody_elses_change_is_reported_and_not_overwritten(mirror_lab: Lab) -> None:
    lab, name = mirror_lab, f"{PATH}/shared/API_TOKEN"
    lab.host_vars["web1"]["mirror_conflict"] = "overwrite"  # counts on the command line alone
    mirror(lab)
    edit(lab, name, "edited-in-the-console")
    change(lab, DATABASE_URL="postgresql://shop:changed-password@db.example.com/shop")
    run = mirror(lab, code=2)
    assert writes(run) == ["PutParameter"]  # the other one
    assert f"API_TOKEN: parameter {name} was changed by another writer (version 2; the mirror wrote 1)" in run.text
    assert "move the change into the secret, or give -e mirror_conflict=overwrite" in run.text
    assert values(lab)[name] == "edited-in-the-console"
    assert writes(mirror(lab, "-e", "mirror_conflict=overwrite")) == ["PutParameter"]
    assert values(lab)[name] == secret(lab)["API_TOKEN"]
    assert writes(mirror(lab)) == []


def test_only_its_own_parameters_are_deleted_and_not_many_at_once(mirror_lab: Lab) -> None:
    lab = mirror_lab
    mirror(lab)
    lab.catalog["mirror"] = {"deletes": 1}
    refused = mirror(lab, code=2)
    assert writes(refused) == []
    assert "3 parameters would be deleted, but only 1 may be; read the list with --check, then give" in refused.text
    assert "-e mirror_deletes=3" in refused.text
    before = set(values(lab))
    assert writes(mirror(lab, "-e", "mirror_deletes=3", "--check")) == []
    mirror(lab, "-e", "mirror_deletes=3")
    assert before - set(values(lab)) == {f"{PATH}/shared/{key}" for key in ("API_TOKEN", "DATABASE_URL", "SECRET_KEY")}


def test_a_parameter_that_became_a_source_is_never_deleted(mirror_lab: Lab) -> None:
    lab = mirror_lab
    mirror(lab)
    lab.catalog["settings"]["API_TOKEN"] = {"parameter": "shared/API_TOKEN", "sensitivity": "high"}
    assert writes(mirror(lab)) == []
    assert f"{PATH}/shared/API_TOKEN" in values(lab)


def test_an_open_rotation_keeps_its_parameters_and_staged_values_stay_away(mirror_lab: Lab) -> None:
    lab, held = mirror_lab, f"{PATH}/App/SECRET_KEY"
    mirror(lab)
    staged = {**secret(lab), "SECRET_KEY": "staged-key-which-no-parameter-may-hold"}
    lab.moto.client("secretsmanager").put_secret_value(
        SecretId=CORE, SecretString=json.dumps(staged), VersionStages=["AWSPENDING"]
    )
    plan = {"secrets": {CORE: "v"}, "parameters": {held: "1"}, "credentials": {}, "phases": 1}
    lab.journal(1, rotation="r7", step="create", at="2026-11-25T10:00:00Z", plan=plan)
    change(
        lab, SECRET_KEY="current-key-that-the-rotation-writes-itself", API_TOKEN="another-token-of-twenty-characters"
    )
    before = values(lab)[held]
    run = mirror(lab)
    assert f"parameter {held} was not changed: rotation r7" in run.text
    assert values(lab)[held] == before
    assert values(lab)[f"{PATH}/shared/API_TOKEN"] == "another-token-of-twenty-characters"
    assert "staged-key-which-no-parameter-may-hold" not in values(lab).values()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"content": "no-json"}, "secret shop/production/core: is not JSON"),
        ({"content": "{}" + " " * 9}, ""),
        ({"API_TOKEN": "x" * 5000}, "API_TOKEN: secret shop/production/core key API_TOKEN: has 5,000 bytes"),
        ({"API_TOKEN": "a-token-with-{{braces}}"}, "holds {{, which Parameter Store refuses"),
        ({"deleted": "yes"}, "secret shop/production/core: scheduled for deletion"),
    ],
    ids=["no JSON", "empty", "too long", "braces", "deleted"],
)
def test_bad_sources_are_refused_before_the_first_write(mirror_lab: Lab, broken: dict[str, str], words: str) -> None:
    lab, manager = mirror_lab, mirror_lab.moto.client("secretsmanager")
    if "content" in broken:
        manager.put_secret_value(SecretId=CORE, SecretString=broken["content"])
    elif "deleted" in broken:
        manager.delete_secret(SecretId=CORE)
    else:
        change(lab, **broken)
    run = mirror(lab, code=2 if words else 0)
    assert writes(run) == []
    assert words in run.text
    assert "no-json" not in run.output
    assert "x" * 50 not in run.output


def test_bad_arguments_are_refused_before_any_call(mirror_lab: Lab) -> None:
    lab = mirror_lab
    for argument, words in {
        "mirror_conflct=overwrite": "unknown extra variable mirror_conflct: give -e mirror_conflict=",
        "mirror_conflict=maybe": "conflict must be one of: report, overwrite",
        "mirror_deletes=many": "deletes",
    }.items():
        run = mirror(lab, "-e", argument, code=2)
        assert words in run.text
        assert run.operations == []
    lab.catalog["mirror"] = {"groups": {"nowhere": "shared"}}
    assert "mirror.groups.nowhere: no setting of this environment is in the group nowhere" in mirror(lab, code=2).text
    del lab.catalog["mirror"]
    assert "mirror: is missing; add mirror: {}" in mirror(lab, code=2).text
    refused = mirror(lab, "--tags", "any", code=2)
    assert refused.operations == []


@pytest.mark.slow
def test_values_are_nowhere_in_the_output(mirror_lab: Lab) -> None:
    """Sources, a copy that somebody edited, and a value whose write fails."""
    lab, canaries = mirror_lab, Canaries()
    change(lab, **{name: canaries.value("DATABASE_PASSWORD") for name in ("SECRET_KEY", "API_TOKEN")})
    edit(lab, f"{PATH}/App/SECRET_KEY", canaries.value("DATABASE_PASSWORD"))
    output = ""
    for arguments in (("--check",), (), ("-e", "mirror_conflict=overwrite"), ()):
        output += lab.run(*arguments, "-vvvv", "--diff", playbook=MIRROR).output
    assert "was not written by the mirror" in output
    lab.moto.set_faults(Fault("error", operation="PutParameter"))
    change(lab, API_TOKEN=canaries.value("DATABASE_PASSWORD"))
    output += mirror(lab, "-vvvv", "--diff", code=2).output
    assert "AWS failed at ssm:PutParameter" in output
    assert canaries.found(output.encode()) == set()


NOT_MIRRORED = {
    "a secret that the mirror has not copied": "WPS305",
    "a copy that another writer changed": "WPS305",
}


@planted.mistakes("AWS, by a whole run", planted.PLAYBOOK, planted.AWS, rows=NOT_MIRRORED)
def test_a_verification_uses_the_same_plan(mirror_lab: Lab) -> None:
    lab = mirror_lab

    def checked(code: int) -> str:
        run = lab.run("-e", "verify_only=WPS305", playbook="playbooks/verify.yml")
        assert run.code == code, run.output
        planted.ended(run.code)
        assert writes(run) == []
        return " ".join(run.text.split())

    mirror(lab)
    edit(lab, f"{PATH}/App/SECRET_KEY", secret(lab)["SECRET_KEY"])  # as a rotation writes it
    assert "drift pass WPS305" in checked(0)
    change(lab, DATABASE_URL="postgresql://shop:changed-password@db.example.com/shop")
    edit(lab, f"{PATH}/shared/API_TOKEN", "edited-in-the-console")
    output = checked(2)
    assert f"not mirrored yet: parameter {PATH}/shared/DATABASE_URL gets" in output
    assert f"API_TOKEN: parameter {PATH}/shared/API_TOKEN was changed by another writer" in output


def test_replica_regions_get_the_parameters_and_are_verified(mirror_lab: Lab) -> None:
    lab, region, name = mirror_lab, "eu-central-1", f"{PATH}/shared/API_TOKEN"
    lab.catalog.update(aws={"replicas": [region]}, mirror={**FULL, "replicas": True})
    lab.moto.client("secretsmanager").replicate_secret_to_regions(SecretId=CORE, AddReplicaRegions=[{"Region": region}])

    def there() -> dict[str, str]:
        return {name: one["Value"] for name, one in parameters(lab, region).items()}

    assert f"(is new) in {region}" in mirror(lab).text
    assert there() == {name: secret(lab)[name.rpartition("/")[2]] for name in MIRRORED}
    assert writes(mirror(lab)) == []
    lab.moto.client("ssm", region).put_parameter(Name=name, Value="edited-in-the-console", Overwrite=True)
    run = lab.run("-e", "verify_only=WPS305,WPS1001", playbook="playbooks/verify.yml")
    assert run.code == 2, run.output
    said = " ".join(run.text.split())
    assert f"API_TOKEN: parameter {name} was changed by another writer" in said
    assert f"secret shop/production/license: no replica in {region}" in said
    assert f"secret shop/production/core: no replica in {region}" not in said
    assert writes(mirror(lab, "-e", "mirror_conflict=overwrite")) == ["PutParameter"]
    assert there()[name] == secret(lab)["API_TOKEN"]


@pytest.mark.slow
def test_killed_at_every_write_and_run_again(mirror_lab: Lab, record_property: Record) -> None:
    """Each run is killed before one write; the next run completes it, and the one after that writes nothing."""
    lab: Any = mirror_lab
    chaos = Chaos(lab, Controller(lab, playbook=MIRROR, command=()))
    reached = []
    for name in sorted(MIRRORED):
        at = f"PutParameter {name}#1"
        assert chaos.kill(at, alive=False) is not None, at
        reached.append(at)
    lab.catalog["mirror"] = {}
    assert chaos.kill("DeleteParameters#1", alive=False) is not None
    lab.catalog["mirror"] = dict(FULL)
    mirror(lab)
    assert {name: values(lab)[name] for name in MIRRORED} == {
        name: secret(lab)[name.rpartition("/")[2]] for name in MIRRORED
    }
    assert all(parameters(lab)[name]["Version"] == 1 for name in MIRRORED if "/shared/" in name), "written twice"
    assert writes(mirror(lab)) == []
    tried(record_property, "mirror", reached)
