# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/runbooks/by-hand.md, command by command: rotations that were killed are finished and rolled back without this
collection, and what it finds afterwards is in order.

`make chaos` does it at every step in both directions; otherwise it is done at some of them.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound
from tests.integration.by_hand import BEGIN, Operator, blocks, missing_programs, names_set
from tests.integration.rotation_lab import ALL, CORE, JOURNAL, RotationLab, Values, rotation_lab

CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
BOTH = "database,cache"
REMOVE, TIDY = "Remove (revoke, withdraw)", "Tidy up (record, discard)"
ACTS = {
    "create": "create",
    "created": "kinds create",
    "set": "postgresql_login present",
    "deploy": "Deliver the .env and verify",
    "promote": "promote",
    "promoted": "gate",
    "revoke": "postgresql_login revoked",
    "record": "tidy",
    "close": "close",
    "abort": "undo",
    "withdraw": "postgresql_login revoked",
}
"""The task of rotate.yml, or the act of its engine, that a run is killed at, by what is under way then."""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(missing_programs()), reason=f"needs {', '.join(missing_programs())}"),
]


def steps(often: str, rarely: str) -> list[Any]:
    return [*often.split(), *(pytest.param(step, marks=pytest.mark.long) for step in rarely.split())]


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        yield made


@pytest.fixture(scope="module")
def operator(lab: RotationLab) -> Operator:
    return Operator(lab)


def killed(lab: RotationLab, step: str, *messages: str) -> None:
    arguments = [word for message in ("rotation_force=true", *messages) for word in ("-e", message)]
    environment = {
        "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
        "ANSIBLE_CALLBACKS_ENABLED": "kill_in",
        "KILL_IN": ACTS[step],
    }
    run = lab.rotate(*arguments, environment=environment)
    assert run.code == -signal.SIGKILL, run.output
    assert lab.journal_state().rotation is not None


def settled(lab: RotationLab, *old: Values) -> None:
    """Nothing is left, and the collection goes on from there: a deploy proves the hosts."""
    lab.assert_closed()
    lab.assert_consistent()
    lab.assert_one_login_each()
    for host in lab.hosts:
        assert host.healthy(), host.name
        assert host.values()["DATABASE_URL"] == lab.content()["DATABASE_URL"]
    lab.deploy("-e", "env_deploy_serial=100%")
    lab.assert_settled(*old)


def test_the_first_block_is_what_the_tests_replace(operator: Operator) -> None:
    assert names_set(blocks()["Begin"][0]) == names_set(operator.variables())


FIRST = dict.fromkeys(("create", "created"), "Create") | dict.fromkeys(("record", "close"), TIDY) | {"revoke": REMOVE}


@pytest.mark.parametrize("step", steps("create", "created revoke set deploy promote record close"))
def test_finished(lab: RotationLab, operator: Operator, step: str) -> None:
    old = lab.ready()
    killed(lab, step, f"rotation_credentials={BOTH}")
    operator.finish(FIRST.get(step, step.capitalize()))
    new = lab.values()
    assert (new.database[0] != old.database[0], new.cache[1] != old.cache[1]) == (True, True)
    settled(lab, old)
    assert {lab.journal_state().rotated[name].who for name in BOTH.split(",")} == {"ann@by-hand"}
    run = lab.rotated("-e", f"rotation_credentials={BOTH}")
    assert "are skipped: 0 days old" in run.text


@pytest.mark.parametrize("step", steps("promoted", "create created set deploy promote"))
def test_rolled_back(lab: RotationLab, operator: Operator, step: str) -> None:
    old = lab.ready()
    killed(lab, step, f"rotation_credentials={BOTH}")
    operator.undo()
    assert lab.values() == old
    settled(lab)
    assert lab.entries()[-1]["step"] == "aborted"


@pytest.mark.parametrize("step", steps("", "withdraw abort record"))
def test_rolled_back_during_the_rollback(lab: RotationLab, operator: Operator, step: str) -> None:
    old = lab.ready()
    killed(lab, "promote", f"rotation_credentials={BOTH}")
    killed(lab, step, "rotation_abort=true")
    operator.undo()
    assert lab.values() == old
    settled(lab)


@pytest.mark.parametrize("way", steps("", "finish undo"))
def test_djangos_key_too(lab: RotationLab, operator: Operator, way: str) -> None:
    """Two phases; the previous key stays as a fallback, and as a pending task in the journal."""
    old = lab.ready()
    killed(lab, "set" if way == "finish" else "promote", f"rotation_credentials={ALL}")
    getattr(operator, way)()
    settled(lab, *([old] if way == "finish" else []))
    assert (lab.values() == old) is (way == "undo")
    if way == "finish":
        assert lab.values().fallbacks.split(",")[0] == old.django_key
        rotation = lab.entries()[-1]["rotation"]
        (left,) = (
            pending_task
            for pending_task in lab.journal_state().pending_tasks.values()
            if pending_task.rotation == rotation
        )
        assert (left.credential, left.act) == ("django_key", "drop_fallback")


def test_entries_are_read_and_appended(lab: RotationLab, operator: Operator) -> None:
    """As the collection reads and appends them; and another's that came first is not lost."""
    lab.ready()
    before = lab.journal_state()
    answer = {"rotation": "r-1", "who": "ann", "at": "2026-01-02T03:04:05Z"}
    rotated = {f"mailbox_{number}": answer for number in range(80)}
    lab.append(**answer, rotated=rotated)
    listing = operator.bash(
        operator.commands("Begin.2", "Find the open step"),
        "rotation=by-hand",
        """append closed "$(jq -c '{rotated: last.rotated | map_values(.who = "bob")}' journal.json)" """,
        """append closed '{"discharged": []}'""",
        "stale=$etag; entries() { etag=$stale; }; if append closed; then echo WRITTEN; fi",
    )
    assert f"{before.head + 1}  2026-01-02T03:04:05Z  r-1  closed" in listing
    assert "PreconditionFailed" in listing
    assert "WRITTEN" not in listing
    after = lab.journal_state()  # it checks that each entry carries the digest of the one before
    assert (after.head, after.rotation) == (before.head + 3, None)
    assert {after.rotated[name].who for name in rotated} == {"bob"}


def test_a_deleted_journal_is_restored(lab: RotationLab, operator: Operator) -> None:
    lab.ready()
    names = {"Bucket": JOURNAL.bucket, "Key": JOURNAL.key}
    store = lab.moto.client("s3")
    store.put_bucket_versioning(Bucket=JOURNAL.bucket, VersioningConfiguration={"Status": "Enabled"})
    lab.append(prepared=["note"])
    before = lab.journal_state()
    store.delete_object(**names)
    refused = lab.run()
    assert refused.code != 0
    assert "does not exist" in refused.text
    assert "restore its newest version (docs/runbooks/lost-journal.md)" in refused.text
    listing = operator.blocks["Commands"][1].rstrip()
    restore = operator.commands("Restore the journal.2")
    operator.bash(operator.commands("Begin.2"), f"version=$({listing} | head -n 1 | cut -f 1)", restore)
    assert lab.journal_state() == before
    lab.deploy()


@pytest.mark.long
def test_the_collection_may_go_on_instead(lab: RotationLab, operator: Operator) -> None:
    """Held by hand, no run goes on with it but one that takes it over by name."""
    old = lab.ready()
    killed(lab, "set", "rotation_credentials=database")
    rotation = lab.entries()[-1]["rotation"]
    operator.run("stays=new goes=old")
    refused = lab.rotate("-e", "rotation_credentials=database")
    assert refused.code != 0
    assert f"rotation_resume={rotation}" in refused.text
    lab.rotated("-e", "rotation_credentials=database", "-e", f"rotation_resume={rotation}")
    lab.assert_settled(old)


def test_a_whole_file(lab: RotationLab, operator: Operator) -> None:
    """A host that has no file gets the same values as by a deploy."""
    lab.ready()
    host = lab.hosts[0]
    before = {name: value for name, value in host.values().items() if value}
    for path in host.directory.glob(".env*"):
        path.unlink()
    whole = operator.commands("A whole .env").replace("web4", host.name)
    operator.bash(operator.commands(*BEGIN), operator.commands("Deploy.1"), whole)
    assert {name: value for name, value in host.values().items() if value} == before
    assert host.env_file.stat().st_mode & 0o777 == 0o600
    assert host.healthy()
    lab.deploy()
    lab.assert_settled()


@pytest.mark.long
def test_without_the_collection_for_good(lab: RotationLab, operator: Operator) -> None:
    """The journal and the marks go; the database's login rotates by the page alone; the collection can come back."""
    old = lab.ready()
    first, second, plan = operator.blocks["Stop using this collection"]
    operator.bash(operator.commands(*BEGIN), first, second)
    with pytest.raises(NotFound):
        lab.entries()
    assert [path.name for host in lab.hosts for path in host.directory.glob(".env*")] == [".env", ".env"]
    assert not [host.name for host in lab.hosts if host.mark]
    JOURNAL.make(lab.moto.client)  # as provisioning does, for whoever comes back
    sections = ("Lock the rotation.3", "Create", "Set", "Test", "Deploy", "Promote", REMOVE, TIDY)
    operator.bash(operator.commands(*BEGIN), plan, operator.commands(*sections))
    new = lab.values()
    assert new.database[0] != old.database[0]
    assert (new.cache, new.django_key) == (old.cache, old.django_key)
    settled(lab, old)
    lab.rotated("-e", "rotation_credentials=database", "-e", "rotation_force=true")
    lab.assert_settled(old, new)
    assert "AWSCURRENT" in lab.stages(CORE)
