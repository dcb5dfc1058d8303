# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is pruned, and what is refused before the first write."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import github_actions_secrets as action
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    Conflict,
    JournalError,
    NoAccess,
    NotFound,
    Overtaken,
    SecretsError,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._github.sent_records import SentStore
from tests.integration.github_server import TOKEN
from tests.unit.plugins.action.github_lab import CORE, JOURNAL, RECORDS, URL, Lab, github_lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with github_lab(monkeypatch) as made:
        yield made


# Pruning


def drop(lab: Lab, name: str = "KEY") -> None:
    del lab.document["settings"][name]


def still_read(result: dict[str, Any]) -> list[str]:
    return [line.partition(" ")[0] for line in result["problems"]]


def test_prune(lab: Lab) -> None:
    lab.github.put_by_hand("THEIRS", "canary-theirs")
    lab.settle()
    drop(lab)
    drop(lab, "COUNT")
    result = lab.run()
    assert (result["changed"], result["obsolete"]) == (False, ["KEY", "COUNT"])
    assert "KEY" in lab.github.repository.values
    planned = lab.run(check=True, prune=True)
    assert (planned["removed"], planned["diff"]["prepared"].splitlines()[0]) == (
        ["KEY", "COUNT"],
        "-secret KEY (repository): the catalog no longer names it",
    )
    assert "KEY" in lab.github.repository.values
    assert lab.run(prune=True)["removed"] == ["KEY", "COUNT"]
    assert sorted(lab.github.repository.values) == ["DEPLOY", "HOST", "PLAIN", "THEIRS", "URL"]
    assert "/repository/secret/KEY" not in lab.records()
    assert lab.run(prune=True)["changed"] is False


def test_what_a_workflow_reads_stays(lab: Lab, tmp_path: Path) -> None:
    lab.settle()
    drop(lab)
    drop(lab, "COUNT")
    lab.github.files[".github/workflows/deploy.yml"] = "a: 1\nenv: ${{ secrets.key }}\n"
    folder = tmp_path / ".github" / "workflows"
    folder.mkdir(parents=True)
    (folder / "test.yaml").write_text("env: ${{ vars['COUNT'] }}\n", encoding="utf-8")
    result = lab.run(prune=True, checkout=str(tmp_path))
    assert still_read(result) == ["KEY", "COUNT"]
    assert lab.why(result, "KEY")[1].endswith("but it is read: .github/workflows/deploy.yml:2")
    assert f"{folder}/test.yaml:1" in lab.why(result, "COUNT")[1]
    assert {"KEY", "COUNT"} <= set(lab.github.repository.values)
    lab.github.files[".github/workflows/deploy.yml"] = "secrets: inherit\n"
    assert still_read(lab.run(prune=True)) == ["KEY"]
    lab.github.files.clear()
    assert lab.run(prune=True)["removed"] == ["KEY"]


def test_a_name_that_moved_to_another_scope(lab: Lab) -> None:
    lab.github.environment("prod")
    lab.settle()
    lab.setting("KEY", github_scope="environment")
    lab.github.files[".github/workflows/a.yml"] = "jobs:\n  a:\n    env: {K: '${{ secrets.KEY }}'}\n"
    assert still_read(lab.run(prune=True)) == ["KEY"]
    assert lab.github.environments["prod"].values == {"KEY": "canary-key-1"}
    lab.github.files[".github/workflows/a.yml"] += "    environment: prod\n"
    assert lab.run(prune=True)["removed"] == ["KEY"]
    assert "KEY" not in lab.github.repository.values


def test_what_is_gone_already_is_forgotten(lab: Lab) -> None:
    lab.settle()
    drop(lab)
    del lab.github.repository.secrets["KEY"]
    before = len(lab.github.writes())
    assert lab.run()["changed"] is True
    assert (len(lab.github.writes()), lab.run()["changed"]) == (before, False)


def test_only_some_names_prune_nothing(lab: Lab) -> None:
    lab.settle()
    drop(lab)
    lab.put(URL=URL + "2")
    result = lab.run(names=["url"], prune=True)
    assert (result["sent"], result["removed"], len(result["plan"])) == (["URL"], [], 1)


# What is wrong is said before the first write


def refused(lab: Lab, error: type[SecretsError], message: str, **args: Any) -> None:
    with pytest.raises(error, match=message):
        lab.run(**args)
    assert lab.github.writes() == []
    assert lab.records() == {}


def test_bad_input(lab: Lab) -> None:
    refused(lab, StoreError, "NOPE: the catalog syncs no such name to GitHub", names=["nope", "KEY"])
    lab.setting("GITHUB_KEY", group="core", github="secret")
    refused(lab, StoreError, "GITHUB_KEY: GitHub accepts no name that begins with GITHUB_ or a digit")
    drop(lab, "GITHUB_KEY")
    lab.put(KEY="x" * 50000)
    refused(lab, StoreError, "secret KEY has 50,000 bytes and GitHub takes 49,152")
    lab.put(KEY="canary-key-1")
    lab.document["github"]["repository"] = "example/other"
    refused(lab, NotFound, "repository example/other does not exist at GitHub, or the token may not see it")
    del lab.document["github"]
    refused(lab, StoreError, r"the catalog names no repository for the sync; add github: {repository: OWNER/NAME}")


def test_environments_that_would_write_over_each_other(lab: Lab) -> None:
    lab.document["environments"] = {"test": {}, "staging": {}, "ci": {}}
    refused(
        lab,
        StoreError,
        "DEPLOY, HOST, KEY, PLAIN, URL, COUNT: test and staging would write to the same place in example/",
    )
    lab.document["environments"]["staging"] = {"github": None}
    assert lab.run()["sent"]


def test_tokens(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n", encoding="utf-8")
    refused(
        lab, NoAccess, "must be a regular file of yours with mode 0600, since it holds a token", token_file=str(file)
    )
    file.chmod(0o600)
    monkeypatch.setenv("GITHUB_TOKEN", "wrong")
    refused(lab, NoAccess, "rejects the token at repository example/watchparty")
    monkeypatch.delenv("GITHUB_TOKEN")
    refused(
        lab, NoAccess, r"there is no token for GitHub; run export GITHUB_TOKEN=\$\(gh auth token\), or set GITHUB_TOKEN"
    )
    assert lab.run(check=True, token_file=str(file))["sent"]
    monkeypatch.setenv("GH_TOKEN", TOKEN)
    assert lab.run(check=True)["sent"]
    file.write_text("two words", encoding="utf-8")
    refused(lab, NoAccess, "holds no token; write only the token into it", token_file=str(file))
    for broken in ("canary-token\nrest", "canary token", "canary-token\u20ac"):  # the client would quote it
        monkeypatch.setenv("GITHUB_TOKEN", broken)
        refused(lab, NoAccess, "GITHUB_TOKEN: holds no token; write only the token into it")


def test_an_app(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key, other = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    lab.github.app_key = key.public_key()
    file = tmp_path / "app.pem"
    monkeypatch.delenv("GITHUB_TOKEN")
    monkeypatch.setenv("GITHUB_APP_ID", "4242")
    refused(lab, NoAccess, "GITHUB_APP_ID is set, but GITHUB_APP_KEY_FILE is not")
    monkeypatch.setenv("GITHUB_APP_KEY_FILE", str(file))
    refused(lab, NoAccess, "cannot be read: No such file")

    def store(item: Any) -> None:
        pem = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        file.write_bytes(item.private_bytes(*pem))
        file.chmod(0o600)

    store(other)
    refused(lab, NoAccess, r"rejects the token at the installation of App 4242")
    file.write_text("canary-no-key", encoding="utf-8")
    refused(lab, NoAccess, "is not an RSA key without a passphrase")
    store(key)
    assert "KEY" in lab.run()["sent"]
    assert lab.github.repository.values["KEY"] == "canary-key-1"


def test_records_that_are_none(lab: Lab) -> None:
    lab.ssm.put_parameter(Name=f"{RECORDS}/note", Type="String", Value="x")
    with pytest.raises(StoreError, match=f"parameter {RECORDS}/note is not a record of a GitHub sync"):
        lab.run()


def test_two_runs_at_once(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one records between our reading and our writing: it is not written over, and ours stops."""
    lab.settle()
    lab.put(KEY="canary-key-2")
    write = SentStore.write

    def late(self: SentStore, target: Any, sent: Any) -> None:
        name = f"{RECORDS}/{target.scope}/{target.kind}/{target.name}"
        lab.ssm.put_parameter(
            Name=name, Type="String", Value='{"identity": "theirs", "updated_at": "x"}', Overwrite=True
        )
        write(self, target, sent)

    with monkeypatch.context() as patched:
        patched.setattr(SentStore, "write", late)
        with pytest.raises(Conflict, match="is at version 2 instead of 1"):
            lab.run(names=["KEY"])
    assert lab.run()["sent"] == ["KEY"]


def entry(lab: Lab, number: int, **extra: Any) -> None:
    text = {"rotation": "r1", "step": "closed", "who": "ops", "at": "2026-11-25T10:00:00Z", **extra}
    JOURNAL.add(lab.client, number, text)


def test_a_rotation_that_is_open_sends_its_own(lab: Lab) -> None:
    lab.document["credentials"]["url"] = {"kind": "external", "appears_in": [{"setting": "URL"}]}
    plan = {"credentials": {"url": {"kind": "external"}}, "phases": 1}
    version = next(iter(lab.secrets.describe_secret(SecretId=CORE)["VersionIdsToStages"]))
    entry(lab, 1, step="create", plan=plan, prescribes={"secrets": {CORE: version}, "parameters": {}})
    refused(
        lab,
        JournalError,
        "is open and sends url to GitHub itself; finish it with ansible-playbook watchparty.secrets.rotate first",
    )
    assert lab.run(names=["KEY"])["sent"] == ["KEY"]


def test_a_rotation_that_went_on_meanwhile(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = action.GitHubStore.listed

    def slow(self: Any, kind: str, scope: str) -> Any:
        if kind == "variable":
            entry(lab, 1)
        return listed(self, kind, scope)

    monkeypatch.setattr(action.GitHubStore, "listed", slow)
    with pytest.raises(Overtaken, match="a rotation continued meanwhile"):
        lab.run()
    assert lab.github.writes() == []
