# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bad input: an error that names setting, store, id and remedy and holds no value; nothing is changed on a host.

What each kind of bad value is called is decided without Ansible, and tested in tests/unit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import pytest

from sandbox.aws import ACCOUNT
from sandbox.faults import Fault
from sandbox.process import free_port
from sandbox.seed import Layout
from tests.integration.harness import JOURNAL, Lab, calls, catalog, layout

CORE = "shop/production/core"
VALUES = ("value-of-generation", "canary")


def parameter(name: str, kind: str, value: str) -> Callable[[Layout], Layout]:
    return lambda wanted: replace(wanted, parameters={**wanted.parameters, f"/shop/production/{name}": (kind, value)})


def secret(name: str, content: Any) -> Callable[[Layout], Layout]:
    return lambda wanted: replace(wanted, secrets={**wanted.secrets, f"shop/production/{name}": content})


def without(name: str) -> Callable[[Layout], Layout]:
    return lambda wanted: replace(wanted, secrets={key: v for key, v in wanted.secrets.items() if key != name})


def key(name: str, value: str) -> Callable[[Layout], Layout]:
    return lambda wanted: replace(wanted, secrets={**wanted.secrets, CORE: {**wanted.secrets[CORE], name: value}})


def together(*changes: Callable[[Layout], Layout]) -> Callable[[Layout], Layout]:
    return lambda wanted: reduce(lambda layout, change: change(layout), changes, wanted)


@dataclass(frozen=True)
class Bad:
    """What is wrong, and the words that must be said of it."""

    messages: tuple[str, ...]
    stores: Callable[[Layout], Layout] = lambda wanted: wanted
    catalog: Mapping[str, Any] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    environment: Mapping[str, str | None] = field(default_factory=dict)
    prepare: Callable[[Lab], None] = lambda lab: None
    variables: Mapping[str, Any] = field(default_factory=dict)
    operations: list[str] | None = None


CASES = {
    "wrong account": Bad(
        (f"to AWS account {ACCOUNT}", "expects 999999999999", "expected_account_id", "AWS_PROFILE"),
        catalog=catalog(environments={"production": {"expected_account_id": "999999999999"}}),
        operations=["GetCallerIdentity"],
    ),
    "malformed catalog": Bad(
        ("secrets_catalog", "settings.ZERO.type"),
        catalog=catalog(extra={"ZERO": {"parameter": "App/ZERO", "type": "number"}}),
        operations=[],
    ),
    "denied secret": Bad(
        (f"secret {CORE}: denied", "allow the role in use to read it"),
        faults=(Fault("refuse_ids", ids=(CORE,)),),
    ),
    "denied parameters": Bad(
        ("parameters below /shop/production: denied", "allow the role in use to read it"),
        faults=(Fault("deny", "GetParametersByPath", target="/shop/production"),),
    ),
    "denied journal": Bad(
        (f"the journal s3://{JOURNAL.target} cannot be read", "allow s3:GetObject"),
        faults=(Fault("deny", "GetObject", target=JOURNAL.target),),
    ),
    "missing secret": Bad(
        ("API_TOKEN: is missing", f"secret {CORE} is missing"),
        stores=without(CORE),
    ),
    "several settings": Bad(
        (
            *("API_TOKEN: is empty", CORE, "watchparty.secrets.set -e set_names=API_TOKEN"),
            *(
                f"SECRET_KEY: secret {CORE}",
                "/shop/production/App/SECRET_KEY hold different values",
                "store the right one in both",
            ),
            "DATABASE_URL: ",
            *("SIGNING_KEY: has high sensitivity", "/shop/production/App/SIGNING_KEY", "SecureString"),
        ),
        stores=together(
            key("API_TOKEN", ""),
            key("DATABASE_URL", "mysql://u:canary@h/d"),
            parameter("App/SECRET_KEY", "SecureString", "canary" * 10),
            parameter("App/SIGNING_KEY", "String", "canary" * 5),
        ),
    ),
    "binary secret": Bad((f"secret {CORE}: is binary", "store a SecretString"), stores=secret("core", b"\0canary")),
    "no spelling": Bad(
        ("LICENSE_TEXT: its value cannot be read back", "django_environ", "set readers:"),
        stores=secret("license", "canary\nINJECTED=1"),
    ),
    "endpoint down": Bad(
        ("AWS could not be reached", "sts:GetCallerIdentity"),
        environment={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"},
        operations=[],
    ),
    "no credentials": Bad(
        ("No AWS credentials were found", "AWS_PROFILE"),
        environment={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None},
        operations=[],
    ),
    "no region": Bad(
        ("No AWS region was found", "AWS_REGION", "into the catalog"),
        environment={"AWS_REGION": None, "AWS_DEFAULT_REGION": None},
        operations=[],
    ),
    "a word that is not understood": Bad(
        ("Nothing was read: env_deploy_restart: 'ture' is neither yes nor no; give true or false",),
        variables={"env_deploy_restart": "ture"},
        operations=[],
    ),
    "open rotation": Bad(
        ("rotation r7 of ops@example.com", "is open and has no snapshot for hosts yet", "watchparty.secrets.rotate"),
        prepare=lambda lab: lab.journal(1, rotation="r7", step="create"),
        operations=list(calls(secrets=0, parameters=0)),
    ),
    "no journal entry": Bad(
        ("line 1 of the journal's entries is not a journal entry",),
        prepare=lambda lab: JOURNAL.put(lab.moto.client, "notes"),
    ),
    "no journal": Bad(
        (
            f"the journal s3://{JOURNAL.target} does not exist",
            "create it: ansible-playbook watchparty.secrets.provision",
        ),
        prepare=lambda lab: lab.moto.client("s3").delete_object(Bucket=JOURNAL.bucket, Key=JOURNAL.key),
    ),
}


@pytest.mark.parametrize("bad", CASES.values(), ids=CASES)
def test_bad_input_is_named_and_nothing_is_changed(lab: Lab, bad: Bad) -> None:
    (host,) = lab.add_hosts(**bad.variables)
    if bad.catalog:
        lab.catalog = dict(bad.catalog)
    lab.seed(bad.stores(layout()))
    bad.prepare(lab)
    lab.moto.set_faults(*bad.faults)
    before = lab.state()
    run = lab.run(environment=bad.environment)
    assert run.code != 0
    for message in bad.messages:
        assert message in run.text, run.output
    for value in VALUES:
        assert value not in run.output
    assert "Traceback" not in run.output
    assert lab.state() == before
    assert host.service == {}
    if bad.operations is not None:
        assert sorted(run.operations) == sorted(bad.operations)


def test_what_is_wrong_with_a_host_is_named_and_nothing_is_changed(lab: Lab) -> None:
    """On each host something else."""
    lab.add_hosts(env_deploy_path="/nonexistent/shop/.env")
    lab.add_hosts(env_deploy_owner="nobody-of-that-name")
    linked = lab.add_hosts()[-1]
    linked.env_file.symlink_to(lab.directory / "ansible.cfg")
    lab.seed()
    before = lab.state()
    run = lab.run("-e", "env_deploy_serial=100%")
    assert run.code != 0
    for message in (
        *("the directory /nonexistent/shop does not exist", "web1"),
        *("owner nobody-of-that-name does not exist on this host", "create it first", "web2"),
        *(".env: is a symbolic link", "remove it, or give the path that it points to", "web3"),
    ):
        assert message in run.text, run.output
    assert [run.result(host.name)["failed"] for host in lab.hosts] == [1, 1, 1], run.output
    assert not [value for value in VALUES if value in run.output]
    assert "Traceback" not in run.output
    assert lab.state() == before
    assert [host.service for host in lab.hosts] == [{}, {}, {}]


def test_throttling_that_recovers_is_waited_for(lab: Lab) -> None:
    lab.add_hosts()
    lab.seed()
    lab.moto.set_faults(
        Fault("throttle", "BatchGetSecretValue", calls=(1, 2)), Fault("throttle", "GetObject", calls=(1,))
    )
    assert sorted(lab.deploy("--check").operations) == sorted(calls(journal=2, secrets=3))


def test_a_missing_secret_that_nothing_requires_is_a_warning(lab: Lab) -> None:
    (host,) = lab.add_hosts()
    lab.seed(without("shop/production/license")(layout()))
    run = lab.deploy("-e", "env_deploy_restart=false")
    assert "secret shop/production/license: missing" in run.text
    assert "LICENSE_TEXT" not in host.values()


def test_an_open_rotation_prescribes_the_snapshot(lab: Lab) -> None:
    """The journal pins the previous version of the secret and of a parameter; both are delivered."""
    (host,) = lab.add_hosts()
    former = lab.seed(layout("1"))
    lab.seed(layout("2"))
    parameters = ("/shop/production/App/SECRET_KEY", "/shop/production/App/GENERATION")
    pins = {
        "secrets": {CORE: former.versions[CORE]},
        "parameters": {path: former.versions[path] for path in parameters},
    }
    lab.journal(3, rotation="r7", step="deploy", prescribes=pins)
    run = lab.deploy()
    assert "rotation r7 of ops@example.com" in run.text
    assert host.values()["API_TOKEN"].startswith("api-token-value-of-generation-1-")
    assert host.values()["LICENSE_TEXT"].startswith("license-text-value-of-generation-2-")
    host.assert_healthy("1")
    assert host.mark["healthy"]["journal"] == 3


def test_a_host_refuses_a_snapshot_read_under_a_lower_journal_number(lab: Lab) -> None:
    """An old, slow deploy comes after a newer one: the host stays on what it has."""
    (host,) = lab.add_hosts()
    lab.seed(layout("2"))
    lab.journal(4)
    lab.journal(5)
    lab.deploy()
    JOURNAL.put(lab.moto.client, JOURNAL.lines(lab.moto.client)[0])
    lab.seed(layout("1"))
    before = lab.state()
    run = lab.run()
    assert run.code != 0
    assert "has the .env of a newer journal (number 5; this run read number 4)" in run.text
    assert "deploy again" in run.text
    assert lab.state() == before
    host.assert_healthy("2")
