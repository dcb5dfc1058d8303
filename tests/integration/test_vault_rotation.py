# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rotations and leak responses of credentials in Vault: real servers, and hosts that run the example."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from sandbox.openbao import Refused
from sandbox.seed import Layout, Seeded
from tests.integration.chaos import BACK, COMMAND, Chaos
from tests.integration.counts import Record, tried
from tests.integration.harness import ENVIRONMENT, Run
from tests.integration.leak_lab import newest_post_mortem, prepare, respond
from tests.integration.rotation_lab import ALL, CORE, RotationLab, Values, rotation_lab
from tests.integration.vault_lab import VaultLab

pytestmark = pytest.mark.servers


class VaultRotationLab(RotationLab):
    """The worked example, with its secret ``core`` in Vault; other secrets and parameters stay in AWS."""

    vault: VaultLab

    def use(self, vault: VaultLab) -> None:
        self.vault = vault
        self.catalog["stores"]["vault"] = vault.settings(**vault.approle())
        self.catalog.pop("mirror", None)  # it copies the group core, which is not in AWS then
        for name, setting in self.catalog["settings"].items():
            if setting.get("group") == "core":
                del setting["group"]
                setting.update({"vault": "watchparty/{environment}/core", "key": setting.get("key", name)})
        text = json.dumps(self.catalog["credentials"])
        self.catalog["credentials"] = json.loads(
            text.replace('"secret": "watchparty/{environment}/core"', '"vault": "watchparty/{environment}/core"')
        )

    def seed(self, wanted: Layout | None = None) -> Seeded:
        seeded = super().seed(wanted)
        core = RotationLab.content(self)
        self.moto.client("secretsmanager").delete_secret(SecretId=CORE, ForceDeleteWithoutRecovery=True)
        with suppress(Refused):
            self.vault.server.request("DELETE", f"secret/metadata/{CORE}")
        self.vault.put(CORE, **core)
        return seeded

    def content(self, name: str = CORE) -> dict[str, Any]:
        return self.vault.held(name) if name == CORE else super().content(name)

    def put(self, name: str = CORE, **keys: Any) -> str:
        if name != CORE:
            return super().put(name, **keys)
        return str(self.vault.put(name, **{**self.content(), **keys}))

    def assert_closed(self) -> None:
        super().assert_closed()
        custom = self.vault.metadata(CORE)["custom_metadata"] or {}
        assert [key for key in custom if "label" in key or "pending" in key] == []
        assert [path for path in self.vault.everything("watchparty/") if "-staged" in path] == []

    def assert_consistent(self) -> None:
        """The lab's own look knows AWS only; the playbook's is asked instead."""
        run = self.run("--check", playbook="playbooks/deploy.yml")
        assert run.code == 0, run.output


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultLab]:
    with VaultLab(tmp_path_factory.mktemp("vault")) as started:
        yield started


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any], vault: VaultLab) -> Iterator[VaultRotationLab]:
    class Prepared(VaultRotationLab):
        def add_hosts(self, *count: Any, **variables: Any) -> Any:
            self.use(vault)
            return super().add_hosts(*count, **variables)

    with rotation_lab(connection, hosts=1, kind=Prepared) as started:
        assert isinstance(started, VaultRotationLab)
        yield started


def secrets_in(*values: Values) -> list[str]:
    return [text for one in values for text in (one.database[1], one.cache[1], one.django_key)]


def test_a_rotation_its_check_and_what_it_leaves(lab: VaultRotationLab, vault: VaultLab) -> None:
    old = lab.ready()
    before, number = lab.everything(), vault.metadata(CORE)["current_version"]
    checked = lab.rotate("--check", "--diff", "-e", f"rotation_credentials={ALL}", "-vvvv")
    assert checked.code == 0, checked.output
    assert (lab.everything(), vault.metadata(CORE)["current_version"]) == (before, number)

    run = lab.rotated("-e", f"rotation_credentials={ALL}", "-vvvv")
    new = lab.values()
    lab.assert_settled(old)
    assert new.database != old.database
    assert new.django_key != old.django_key
    assert vault.metadata(CORE)["current_version"] == number + 1
    _assert_silent(vault, (checked, run), old, new)


def _assert_silent(vault: VaultLab, runs: tuple[Run, ...], *values: Values) -> None:
    secret_id = Path(vault.folder).glob("secret-id-*")
    words = [*secrets_in(*values), *(path.read_text().strip() for path in secret_id)]
    for run in runs:
        assert not [word for word in words if word in run.output]


SETTLED = "watchparty-version-* watchparty-pending-*"
"""The last patch of a promotion."""
WRITE = re.compile(r"Vault (post|patch|delete) secret/")


def _writes(chaos: Chaos) -> list[str]:
    """The writes to Vault of a whole run, each by its first occurrence."""
    return list(dict.fromkeys(f"{act.label}#1" for act in chaos.acts() if WRITE.match(act.label)))


def test_killed_again_and_again(lab: VaultRotationLab, record_property: Record) -> None:
    """Right before a third of the writes to Vault; test_vault_store has what is left of each. The last run ends it."""
    here = Chaos(lab)
    lab.ready()
    writes = _writes(here)
    assert len(writes) >= 7, writes
    old = lab.ready()
    reached = [at for at in writes[::3] if here.kill(at) is not None]
    tried(record_property, "rotation in Vault", reached)
    assert len(reached) >= 3, reached
    lab.rotated(*COMMAND)
    lab.assert_settled(old)
    assert lab.values().database != old.database


def test_an_abort_that_is_killed_before_every_write_to_vault(lab: VaultRotationLab, record_property: Record) -> None:
    here, old = Chaos(lab), lab.ready()
    number = lab.vault.metadata(CORE)["current_version"]
    assert here.kill(f"PutParameter /WatchParty/{ENVIRONMENT}/DB/URL#1"), "promoted in Vault, and not in AWS"
    reached = []
    for at in (
        f"Vault post secret/data/{CORE}-staged/*#1",
        f"Vault patch secret/metadata/{CORE} watchparty-pending-*#1",
        f"Vault post secret/data/{CORE}#1",
        f"Vault patch secret/metadata/{CORE} {SETTLED}#1",
        f"Vault delete secret/metadata/{CORE}-staged/*#1",
    ):
        reached += [at] if here.kill(at, *BACK) is not None else []
    tried(record_property, "abort in Vault", reached)
    assert len(reached) >= 3, reached
    lab.rotated(*COMMAND, *BACK)
    lab.assert_closed()
    lab.assert_hosts_run_on_it()
    assert lab.values() == old
    assert lab.vault.metadata(CORE)["current_version"] > number


def test_an_abort_after_a_kill_at_the_last_patch_of_the_promotion(lab: VaultRotationLab) -> None:
    here, old = Chaos(lab), lab.ready()
    assert here.kill(f"Vault patch secret/metadata/{CORE} {SETTLED}#1")
    lab.rotated(*COMMAND, *BACK)
    lab.assert_closed()
    lab.assert_hosts_run_on_it()
    assert lab.values() == old


def test_what_somebody_else_writes_meanwhile_stays(lab: VaultRotationLab) -> None:
    """The promotion is refused by the server, and merges."""
    here, old = Chaos(lab), lab.ready()
    with here.stopped(f"Vault post secret/data/{CORE}#1") as run:
        assert run.act is not None
        lab.put(EMAIL_HOST_PASSWORD="changed-meanwhile-" + "x" * 20)
        run.go_on()
        assert run.end().code == 0
    lab.deploy()
    lab.assert_settled(old)
    assert lab.content()["EMAIL_HOST_PASSWORD"].startswith("changed-meanwhile-")


def test_the_server_restarts_in_the_middle(lab: VaultRotationLab, vault: VaultLab) -> None:
    here, old = Chaos(lab), lab.ready()
    with here.stopped(f"Vault post secret/data/{CORE}#1") as run:
        vault.server.restart(unseal=False)
        run.go_on()
        ended = run.end()
    assert ended.code != 0
    assert "sealed" in ended.text
    assert "Traceback" not in ended.output
    vault.server.unseal()
    back = lab.rotate(*COMMAND)
    assert "was rolled back; the old values are in force" in back.text, back.output
    lab.assert_settled()
    assert lab.values() == old


def test_a_leak_response_destroys_what_leaked(lab: VaultRotationLab, vault: VaultLab) -> None:
    prepare(lab)
    old = lab.ready()
    number = vault.metadata(CORE)["current_version"]
    run = respond(lab, "-e", "leak_credentials=database", "-vvvv")
    assert run.code == 0, run.output
    new = lab.values()
    assert new.database != old.database
    assert not lab.accepts(old)["database"]
    versions = vault.metadata(CORE)["versions"]
    assert versions[str(number)]["destroyed"]
    assert not versions[str(vault.metadata(CORE)["current_version"])]["destroyed"]
    report = newest_post_mortem(lab)
    assert f"version {number} of secret vault:{CORE} is destroyed" in report, report
    _assert_silent(vault, (run,), old, new)
    assert not [word for word in secrets_in(old, new) if word in report]
