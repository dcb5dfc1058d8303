# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An encrypted .env from the stores, in git, and back: how often KMS is asked, what a diff shows, what is refused."""

from __future__ import annotations

import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, dotenv
from sandbox.aws import Moto
from tests.iam_calls import Asked, grants, usage
from tests.integration import canaries, harness
from tests.integration.harness import ENVIRONMENT, Lab, Run
from tests.integration.values_lab import READS

ENCRYPT = "playbooks/env_encrypt.yml"
DECRYPT = "playbooks/env_decrypt.yml"
KMS = {"GenerateDataKey", "Encrypt", "Decrypt"}
TOKEN = "canary-of-an-api-token-that-is-shown-nowhere"


class EncryptedLab:
    """A seeded environment, its key, and the file."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        lab.add_hosts()
        self.file = lab.directory / "production.env.enc"
        self.plain = lab.directory / ".env"
        lab.catalog["encrypted_env"] = {"file": str(lab.directory / "{environment}.env.enc")}
        self.make_key(lab.moto, ENVIRONMENT)
        self.seed()

    def make_key(self, moto: Moto, environment: str, region: str | None = None) -> str:
        client = moto.client("kms", region) if region else moto.client("kms")
        key = client.create_key()["KeyMetadata"]
        client.create_alias(AliasName=f"alias/shop-{environment}", TargetKeyId=key["KeyId"])
        return str(key["Arn"])

    def seed(self, generation: str = "1") -> None:
        """Values of which API_TOKEN and GENERATION change."""
        made = lambda name: f"{TOKEN}-{name}-{generation if name == 'API_TOKEN' else 1}"  # noqa: E731
        self.lab.seed(harness.layout(generation, token=made))

    def encrypt(self, *arguments: str) -> Run:
        return self.lab.run(*arguments, playbook=ENCRYPT)

    def encrypted(self, *arguments: str) -> Run:
        run = self.encrypt(*arguments)
        assert run.code == 0, run.output
        assert TOKEN not in run.output
        return run

    def decrypt(self, *arguments: str) -> Run:
        return self.lab.run("-e", f"decrypt_path={self.plain}", *arguments, playbook=DECRYPT)

    def values(self) -> dict[str, str]:
        return dotenv.from_dotenv(self.plain.read_text(encoding="utf-8"))

    def lines(self) -> dict[str, str]:
        """Each line of the file by its beginning."""
        first, *rest = self.file.read_text(encoding="ascii").splitlines()
        return {"first": first, **{line.partition(":" if line.startswith("# ") else "=")[0]: line for line in rest}}


@pytest.fixture
def made(lab: Lab) -> EncryptedLab:
    return EncryptedLab(lab)


def asked_of_kms(run: Run) -> list[str]:
    return [one for one in run.operations if one in KMS]


def test_there_and_back(made: EncryptedLab) -> None:
    """As a deploy would write it: fifty settings, one call to KMS each way, no value in output."""
    settings = made.lab.catalog["settings"]
    settings |= {f"MORE_{at}": {"value": f"value {at}"} for at in range(50 - len(settings))}
    looked = made.encrypted("--check", "--diff", "-vvvv")
    assert not made.file.exists()
    assert set(looked.operations) <= READS
    assert "+API_TOKEN=(encrypted anew)" in looked.output
    run = made.encrypted("--diff", "-vvvv")
    assert asked_of_kms(run) == ["GenerateDataKey"]
    assert TOKEN not in made.file.read_text(encoding="ascii")
    opened = made.decrypt("--diff", "-vvvv")
    assert opened.code == 0, opened.output
    assert opened.operations == ["GetCallerIdentity", "Decrypt"]
    assert TOKEN not in opened.output
    assert stat.S_IMODE(made.plain.stat().st_mode) == 0o600
    made.lab.deploy("-e", "env_deploy_restart=false")
    assert made.values() == made.lab.hosts[0].values()
    assert len(made.values()) == 50
    again = made.decrypt("--check")
    assert again.result("web1")["changed"] == 0


def test_what_does_not_change_keeps_its_bytes(made: EncryptedLab) -> None:
    made.encrypted()
    before, first = made.lines(), made.file.read_bytes()
    again = made.encrypted()
    assert made.file.read_bytes() == first
    assert asked_of_kms(again) == ["Decrypt"]
    assert again.result("web1")["changed"] == 0
    made.seed("2")
    looked = made.encrypted("--check", "--diff")
    assert made.file.read_bytes() == first
    assert "-API_TOKEN=(encrypted) +API_TOKEN=(encrypted anew)" in looked.text
    changed = made.encrypted()
    assert "updated: API_TOKEN, GENERATION" in changed.text
    assert asked_of_kms(changed) == ["Decrypt"]
    after = made.lines()
    assert {name for name in after if after[name] != before[name]} == {"first", "API_TOKEN", "GENERATION", "# mac"}
    made.lab.catalog["settings"]["SWITCH"]["value"] = "False"
    rewrapped = made.encrypted()
    assert asked_of_kms(rewrapped) == ["Decrypt", "GenerateDataKey"]
    last = made.lines()
    assert {name for name in last if last[name] != after[name]} == {"first", "# key", "SWITCH", "# mac"}
    anew = made.encrypted("-e", "encrypt_new_key=true")
    assert asked_of_kms(anew) == ["GenerateDataKey"]
    assert not set(made.lines().values()) & set(last.values()) - {last["first"]}


def test_a_changed_file_is_refused_before_a_write(made: EncryptedLab) -> None:
    """Other hostile files are those of test_encrypted_file and test_encrypted_source."""
    made.encrypted()
    lines = made.file.read_text(encoding="ascii").splitlines(keepends=True)
    token = next(at for at, line in enumerate(lines) if line.startswith("API_TOKEN="))
    swapped = "".join([*lines[:token], lines[token + 1], lines[token], *lines[token + 2 :]])
    made.file.write_text(swapped, encoding="ascii")
    for run in (made.decrypt(), made.encrypt()):
        assert run.code != 0
        assert f"{made.file}: was changed after it was written" in run.text
    assert not made.plain.exists()
    assert made.file.read_text(encoding="ascii") == swapped


def test_another_environments_file_does_not_open(made: EncryptedLab) -> None:
    made.make_key(made.lab.moto, "staging")
    made.encrypted()
    catalog = made.lab.catalog
    catalog["environments"]["staging"] = {
        **catalog["environments"][ENVIRONMENT],
        "aws": {"kms_key": "alias/shop-production"},
    }
    made.lab.host_vars["web1"]["app_environment"] = "staging"
    run = made.decrypt("-e", "app_environment=staging", "-e", f"decrypt_file={made.file}")
    assert run.code != 0
    assert "belongs to environment production, and this run is for staging" in run.text
    assert not made.plain.exists()


def test_after_an_older_journal_was_restored_a_new_key_replaces_a_newer_file(made: EncryptedLab) -> None:
    """The commands of docs/runbooks/lost-journal.md."""
    made.lab.journal(7)
    made.encrypted()
    made.lab.journal(3)
    before = made.file.read_bytes()
    refused = made.encrypt()
    assert refused.code
    assert "production.env.enc: another run wrote it with a newer journal (number 7; this run" in refused.text
    assert "docs/runbooks/lost-journal.md" in refused.text
    assert made.file.read_bytes() == before
    made.encrypted("-e", "encrypt_new_key=true")
    made.encrypted()
    assert made.decrypt().code == 0
    made.lab.deploy()
    assert made.values() == made.lab.hosts[0].values()


def test_bad_input_is_named_before_the_first_write(made: EncryptedLab) -> None:
    made.lab.catalog.pop("encrypted_env")
    nowhere = made.encrypt()
    assert nowhere.code != 0
    assert "the catalog has no encrypted_env.file for production" in nowhere.text
    assert asked_of_kms(nowhere) == []
    given = made.encrypted("-e", f"encrypt_file={made.file}")
    assert made.file.exists(), given.output
    made.lab.catalog["encrypted_env"] = {"file": "x", "keys": ["alias/other"]}
    wrong = made.encrypt()
    assert wrong.code != 0
    assert "encrypted_env.keys[0]" in wrong.text


def test_nothing_is_seen_of_values(made: EncryptedLab, tmp_path: Path) -> None:
    """By a callback, a log and a fact cache, and in the files that are left."""
    found = canaries.Canaries()
    found.add("API_TOKEN", TOKEN)
    observers = canaries.observers(tmp_path)
    for playbook, arguments in ((ENCRYPT, ()), (DECRYPT, ("-e", f"decrypt_path={made.plain}"))):
        run = made.lab.run("-vvvv", "--diff", *arguments, playbook=playbook, environment=observers)
        assert run.code == 0, run.output
        assert not found.found(run.output.encode())
    assert canaries.in_files([tmp_path, made.lab.directory], found, allowed=[made.plain]) == []


def test_a_second_key_opens_alone_and_the_policies_grant_what_is_asked(made: EncryptedLab) -> None:
    spare = made.make_key(made.lab.moto, "spare")
    made.lab.catalog["encrypted_env"]["keys"] = [spare]
    since = made.lab.moto.count()
    assert asked_of_kms(made.encrypted()) == ["GenerateDataKey", "Encrypt"]
    written = made.lab.moto.calls(since=since)
    assert asked_of_kms(made.decrypt()) == ["Decrypt"]
    assert_granted(made, written, made.lab.moto.calls(since=since + len(written)))
    made.lab.moto.client("kms").delete_alias(AliasName=f"alias/shop-{ENVIRONMENT}")
    opened = made.decrypt()
    assert opened.code == 0, opened.output
    assert asked_of_kms(opened) == ["Decrypt", "Decrypt"]
    made.lab.catalog["encrypted_env"]["keys"] = []
    lost = made.decrypt()
    assert lost.code != 0
    assert f"alias/shop-{ENVIRONMENT}" in lost.text


def assert_granted(made: EncryptedLab, written: list[dict[str, Any]], read: list[dict[str, Any]]) -> None:
    asked = Asked(catalog_parser.parse(made.lab.catalog, ENVIRONMENT))
    for role, calls in (("deploy", written), ("rotate", written), ("host", read)):
        found = usage(role, asked, calls)
        assert found.refused == [], role
        used = {one for one in found.used if "EnvEnc" in one}
        opens = {"OpenEnvEnc kms:Decrypt"}
        assert used == (opens if role == "host" else {"WriteEnvEnc kms:GenerateDataKey", "WrapEnvEnc kms:Encrypt"})
        assert {one for one in grants(role, asked.catalog) if "EnvEnc" in one} == used | opens
    other = Asked(catalog_parser.parse({**made.lab.catalog, "application": "other"}, ENVIRONMENT))
    assert any("kms:GenerateDataKey" in line for line in usage("deploy", other, written).refused)


def rotated(made: EncryptedLab, playbook: str, *arguments: str) -> Run:
    run = made.lab.run(*arguments, playbook=playbook)
    assert run.code == 0, run.output
    assert TOKEN not in run.output
    return run


def with_signing_key(made: EncryptedLab) -> None:
    """Its catalog rotates SECRET_KEY."""
    made.lab.catalog["settings"]["SECRET_KEY_FALLBACKS"] = {"group": "core", "type": "list"}
    signing = {"kind": "django_secret_key", "fallbacks": "SECRET_KEY_FALLBACKS", "used_for": ["signing"]}
    made.lab.catalog["credentials"] = {"signing": {**signing, "appears_in": [{"setting": "SECRET_KEY"}]}}
    made.lab.moto.client("logs").create_log_group(logGroupName="/shop/audit")
    made.lab.deploy()


@pytest.mark.slow
def test_a_rotation_renews_the_file(made: EncryptedLab) -> None:
    """Once the new value is in force, under the same file key; where the file is not there, none is made.

    A run that was killed between leaves a closed rotation and the file from before it, which the next run renews.
    """
    with_signing_key(made)
    force = ("-e", "rotation_credentials=signing", "-e", "rotation_force=true")
    elsewhere = rotated(made, "playbooks/rotate.yml", *force)
    assert "production.env.enc is not on this machine, so it was not renewed. If another machine has" in elsewhere.text
    assert not made.file.exists()
    made.encrypted()
    before, killed = made.lines(), made.file.read_bytes()
    renewed = rotated(made, "playbooks/rotate.yml", *force)
    assert "is written; updated: SECRET_KEY, SECRET_KEY_FALLBACKS" in renewed.text
    after = made.lines()
    assert {name for name in after if after[name] != before[name]} == {
        *("first", "SECRET_KEY", "SECRET_KEY_FALLBACKS", "# mac")
    }
    made.file.write_bytes(killed)
    again = rotated(made, "playbooks/rotate.yml")
    assert "is written; updated: SECRET_KEY, SECRET_KEY_FALLBACKS" in again.text
    opened = made.decrypt()
    assert opened.code == 0, opened.output
    assert made.values() == made.lab.hosts[0].values()
    made.file.write_text("damaged", encoding="ascii")
    damaged = made.lab.run(*force, playbook="playbooks/rotate.yml")
    assert damaged.code != 0
    assert "The rotation is complete, but the encrypted .env still holds the old values" in damaged.text
    assert made.file.read_text(encoding="ascii") == "damaged"


@pytest.mark.slow
def test_a_leak_response_makes_a_new_file_key_and_lists_the_commits(made: EncryptedLab) -> None:
    with_signing_key(made)
    made.encrypted()

    def git(*arguments: str) -> str:
        own = ("-c", "user.name=x", "-c", "user.email=x@example.com", "-C", str(made.lab.directory))
        return subprocess.run(["git", *own, *arguments], check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", made.file.name)
    git("commit", "-q", "-m", "x")
    commit, before = git("rev-parse", "HEAD"), made.lines()
    (made.lab.directory / ".git" / "shallow").write_text(f"{commit}\n")
    response = ("-e", "leak_credentials=signing", "-e", "leak_confirm=yes", "-e", "leak_trusted_host=web1")
    report = ("-e", f"leak_report_path={made.lab.directory / 'post-mortems'}")
    run = rotated(made, "playbooks/leak_response.yml", *response, *report)
    assert re.search("all 1[01] settings are encrypted under a new file key", run.text)
    assert re.search(f"commit {commit[:12]} of .* holds old values of SECRET_KEY", run.text)
    assert "this clone is shallow, so older commits were not searched" in run.text
    written = max((made.lab.directory / "post-mortems").glob("leak-*.md"))  # the other is the evidence
    assert f"- commit {commit[:12]} of " in written.read_text(encoding="utf-8").partition("## Cannot be scrubbed")[2]
    assert not set(made.lines().values()) & set(before.values())
    opened = made.decrypt()
    assert opened.code == 0, opened.output
    assert made.values() == made.lab.hosts[0].values()
