# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No old or new value of a rotation is anywhere but in ``.env`` and the last healthy file: a search of every byte."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.process import REPOSITORY
from sandbox.seed import random_value
from tests import background, state
from tests.integration.canaries import Canaries, Watch, in_files, observers
from tests.integration.harness import Run
from tests.integration.held import own_kind
from tests.integration.provider import running
from tests.integration.rotation_lab import ALL, CORE, RotationLab, rotation_lab

MAIL = {"mail": {"kind": "external", "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}]}}
REPEATS = """\
text=$(cat)
printf '%s\\n' "$text" >&2
printf '{"message": "%s"}' "$(printf %s "$text" | tr -d '"')"
"""
"""An own kind that answers with all that it was given."""
TWITCH = {"kind": "repeating", "appears_in": [{"setting": "TWITCH_CLIENT_SECRET"}]}
LOGINS = ("database", "cache")
SHORTEST = 16
"""What is shorter is a name, a number or an address."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with rotation_lab(connection) as made:
        # Whatever a statement holds is in the server's log, then.
        made.postgres.execute("ALTER SYSTEM SET log_statement = 'all';")
        made.postgres.execute("SELECT pg_reload_conf();")
        yield made
        made.postgres.execute("ALTER SYSTEM RESET log_statement;")
        made.postgres.execute("SELECT pg_reload_conf();")


@dataclass
class Search:
    """Runs under the eyes of everything that could keep a value, and looks for it afterwards."""

    lab: RotationLab
    canaries: Canaries = field(default_factory=Canaries)
    known: dict[str, str] = field(default_factory=dict)
    """What they are, by the values that are looked for."""
    journal: set[str] = field(default_factory=set)
    """Every entry that was ever seen."""

    def run(self, *arguments: str, credentials: str = ALL) -> tuple[Run, list[str]]:
        def rotated(variables: Mapping[str, str]) -> Run:
            run = self.lab.rotate(*self._arguments(credentials), *arguments, environment=variables)
            ages = ("-vvvv", "-e", f"rotation_report_file={self.lab.directory / 'ages.json'}")
            outcome = {"WATCHPARTY_SECRETS_RESULT_FILE": str(self.lab.directory / "ages-outcome")}
            report = self.lab.run(*ages, playbook="playbooks/rotation_report.yml", environment={**variables, **outcome})
            return replace(run, output=run.output + report.output)

        return self.watched(rotated)

    def watched(self, act: Callable[[Mapping[str, str]], Run]) -> tuple[Run, list[str]]:
        lab = self.lab
        for name in ("output", "journal", "records", "ages.json", "CHANGELOG.md", "audit.jsonl"):
            (lab.directory / name).unlink(missing_ok=True)
        variables = observers(lab.directory)
        self._learn_the_present()
        folders = [lab.directory / name for name in ("local-temp", "remote-temp", "tmp")]
        with background.running(self._learn_the_new), Watch(self.canaries, folders) as watch:
            run = act(variables)
        assert watch.rounds > 5
        self._write_down("output", run.output)
        self._keep_the_journal()
        self._write_down("journal", "\n".join(self.journal))
        assert len(self.journal) > 5
        self._write_down("records", json.dumps(lab.audit_records()))
        for name in ("output", "log", "dump"):
            assert (lab.directory / name).stat().st_size > 5000, f"{name} was not written"
        outcomes = [json.loads(path.read_text(encoding="utf-8")) for path in lab.directory.glob("*outcome")]
        assert {name for outcome in outcomes for name in outcome["results"]} & {"leak", "rotation"}
        allowed = [path for host in lab.hosts for path in (host.env_file, state.backup(host.env_file))]
        states = [state.directory(host.env_file) for host in lab.hosts]
        roots = [*states, lab.directory, lab.moto.directory, lab.postgres.log, lab.valkey.directory]
        hits = in_files(roots, self.canaries, allowed=[*allowed, lab.directory / "new-values.yml"])
        return run, sorted({*hits, *watch.hits})

    def _arguments(self, credentials: str) -> list[str]:
        directory = self.lab.directory
        files = {"rotation_changelog": directory / "CHANGELOG.md", "rotation_audit_path": directory / "audit.jsonl"}
        chosen = {"rotation_credentials": credentials, "rotation_force": "true", **files}
        return ["-vvvv", "--diff", *(f"--extra-vars={name}={value}" for name, value in chosen.items())]

    def _learn_the_present(self) -> None:
        """Every value of every secret, the administrators' included; a URL by its password."""
        for secret in self.lab.secret_names():
            for key, value in self.lab.content(secret).items():
                if key == "username":
                    continue
                text = str(value).partition("://")[2].partition("@")[0].rpartition(":")[2] or str(value)
                if len(text) >= SHORTEST and "@" not in text and "." not in text and not text.startswith("watchparty_"):
                    self._learn(f"old {secret} {key}", text)

    def _learn_the_new(self, over: threading.Event) -> None:
        """While a rotation's own secret is there, which is for several seconds."""
        manager = self.lab.moto.client("secretsmanager")
        while not over.wait(1):
            self._keep_the_journal()
            for name in self.lab.secret_names():
                if not name.startswith("watchparty-rotation-logins/"):
                    continue
                try:
                    document = json.loads(manager.get_secret_value(SecretId=name)["SecretString"])
                except manager.exceptions.ClientError:
                    continue
                for credential, login in document["credentials"].items():
                    self._learn(f"new {credential}", login["password"])

    def _learn(self, name: str, value: str) -> None:
        if value not in self.known:
            self.known[value] = name
            self.canaries.add(name, value)

    def _keep_the_journal(self) -> None:
        """Its entries, before they are no longer kept."""
        self.journal.update(self.lab.journal_state().lines)

    def _write_down(self, name: str, text: str) -> None:
        (self.lab.directory / name).write_text(text, encoding="utf-8")


def test_no_value_is_anywhere_else(lab: RotationLab) -> None:
    """One rotation of everything succeeds; the next is rolled back at a host that cannot run on it."""
    old = lab.ready()
    search = Search(lab)
    issued = random_value()
    place = "value: generated\nruns_on: rotation_host"
    path = own_kind(lab, "repeating", REPEATS, "check", "set", "test", "revoke", "verify_revoked", kind=place)
    with running() as provider, lab.with_catalog(**MAIL, twitch=TWITCH) as catalog:
        provider.keys = {issued}  # its answers repeat what they were sent
        catalog["credentials"]["mail"]["test"] = {"url": f"{provider.url}/me", "headers": {"X-Key": "{value}"}}
        search._learn("new mail by file", issued)
        arguments = ("-e", lab.values_file(mail=issued), "-e", f"rotation_kinds_path={path}")
        run, hits = search.run(*arguments, credentials=f"{ALL},mail,twitch")
        assert run.code == 0, run.output[-5000:]
        for verb in ("set", "test", "revoke"):
            assert f"{{verb: {verb}, credential: twitch," in run.output
        assert hits == []
        assert len(provider.asked) == 2, "before the rotation, and in it"
        lab.assert_settled(old)
        assert lab.content()["EMAIL_HOST_PASSWORD"] == issued
        (lab.directory / "new-values.yml").unlink()
    new = lab.values()
    looked_for = set(search.known)
    assert {old.database[1], new.database[1], old.cache[1], new.cache[1], old.django_key, new.django_key} <= looked_for
    assert {
        lab.content(f"watchparty/production/{name}-admin")["password"] for name in ("database", "cache")
    } <= looked_for
    # What is not a secret stays readable.
    for message in (f"changes secret {CORE} key DATABASE_URL", "web1", "production", old.database[0], new.database[0]):
        assert message in run.output

    with lab.hosts[1].runs_only_on_the_present_file():
        run, hits = search.run("-e", "env_deploy_health_retries=4", credentials="cache,database")
    assert run.code != 0
    assert "The rotation was rolled back: web2: " in run.text, run.text[-3000:]
    assert hits == []
    lab.assert_settled()
    assert lab.values() == new
    last = lab.audit_records()[-1]
    assert (last["outcome"], "web2" in last["reason"]) == ("rolled_back", True)
    assert len(search.known) >= len(looked_for) + 2, "the values that were rolled back were not looked for"


@dataclass(frozen=True)
class Sabotage:
    """One line of the collection, made wrong."""

    where: str
    """Words that must be in one of the search's findings."""
    changes: tuple[tuple[str, str, str], ...]
    """File, text, and what replaces it."""


ENGINE = "plugins/plugin_utils/_rotation/engine.py"
MAKES = "self.setting.rotator.create(self.setting.kinds, context.new_value, self.supplied())"
SHOWS = f"self.state.lines.append(str([vars(one) for one in {MAKES}.credentials.values()]))"
SABOTAGES = {
    "the last lines hold the values": Sabotage("/output: ", ((ENGINE, MAKES, SHOWS),)),
    "a segment's result, and the next one's arguments, hold the values": Sabotage("/dump: ", ((ENGINE, MAKES, SHOWS),)),
    "a command line holds a value": Sabotage(
        "cmdline of a process: ",
        (
            (
                "plugins/plugin_utils/_ansible/remote_program.py",
                '"-c", _BOOT, private=private',
                '"-c", _BOOT, json.dumps([document["params"], document.get("acts")]), private=private',
            ),
        ),
    ),
    "the journal holds a value": Sabotage(
        "/journal: ",
        (
            (
                "plugins/plugin_utils/_rotation/journal_writer.py",
                '        extra = {"plan": plan.entry(),',
                '        extra = {"old": contents.readings[names[0]].value, "plan": plan.entry(),',
            ),
        ),
    ),
}


def test_each_safeguard_that_is_taken_out_is_there() -> None:
    """make long alone takes most of them out."""
    changes = [change for sabotage in SABOTAGES.values() for change in sabotage.changes]
    assert [(name, text) for name, text, _ in changes if text not in (REPOSITORY / name).read_text()] == []


@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES)
def test_the_search_finds_what_is_let_out(lab: RotationLab, sabotage: Sabotage, tmp_path: Path) -> None:
    """The search above can fail: each of these runs a copy of the collection with one safeguard taken out of it."""
    lab.ready()
    clone = tmp_path / "clone"
    for name in ("plugins", "roles", "meta"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "playbooks", clone / "playbooks", symlinks=True)
    shutil.copy(REPOSITORY / "galaxy.yml", clone)
    for name, text, broken in sabotage.changes:
        content = (clone / name).read_text(encoding="utf-8")
        assert text in content, f"{name} no longer holds what this test breaks"
        (clone / name).write_text(content.replace(text, broken), encoding="utf-8")
    lab.root, kept = clone, lab.root
    try:
        _, hits = Search(lab).run(credentials="cache")
    finally:
        lab.root = kept
    assert [hit for hit in hits if sabotage.where in hit], hits
