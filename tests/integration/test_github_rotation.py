# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Credentials that GitHub holds too: a rotation sends them at its promotion, and a leak response closes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.github_server import REPOSITORY, TOKEN, GitHub
from tests.integration.harness import Run
from tests.integration.leak_lab import RESPONSE, leak_lab, post_mortem
from tests.integration.rotation_lab import CORE, RotationLab, sentences

pytestmark = pytest.mark.slow
NEW = "canary-of-a-provider-0123456789"
MIRRORED = ("REDIS_URL", "CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "CHANNEL_LAYERS_CONFIG_HOSTS")
"""What the cache's password is in."""


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as made, GitHub() as github:
        made.catalog["github"] = {"repository": REPOSITORY, "api_url": github.url}
        made.catalog["environments"]["staging"]["github"] = None
        made.catalog["settings"]["EMAIL_HOST_PASSWORD"]["github"] = "secret"
        made.catalog["credentials"]["mail"] = {"kind": "external", "appears_in": [{"setting": "EMAIL_HOST_PASSWORD"}]}
        for host_var in made.host_vars.values():
            host_var.update(leak_sessions=False, project_dir="/srv/watchparty")
        made.github = github  # type: ignore[attr-defined]
        yield made


@pytest.fixture
def github(lab: RotationLab) -> GitHub:
    git_hub: GitHub = lab.github  # type: ignore[attr-defined]
    git_hub.denied.clear()
    return git_hub


def rotate(lab: RotationLab, *arguments: str, token: str | None = TOKEN) -> Run:
    return lab.rotate(*arguments, environment={"GITHUB_TOKEN": token})


def sync(lab: RotationLab, *arguments: str) -> Run:
    run = lab.run(*arguments, playbook="playbooks/github_sync.yml", environment={"GITHUB_TOKEN": TOKEN})
    assert run.code == 0, run.output
    return run


def test_a_rotation_sends_what_it_promotes(lab: RotationLab, github: GitHub) -> None:
    lab.ready()
    sync(lab)
    before = lab.content()["EMAIL_HOST_PASSWORD"]
    assert github.repository.values["EMAIL_HOST_PASSWORD"] == before
    mail = ("-e", "rotation_credentials=mail", "-e", lab.values_file(mail=NEW), "-e", "rotation_force=true")

    # Without a token, or with one that GitHub does not take, it is refused by name and nothing is begun.
    run = rotate(lab, *mail, token=None)
    sentences(
        run, "mail is REFUSED: GitHub holds it too (EMAIL_HOST_PASSWORD), and there is no token to send the new value"
    )
    run = rotate(lab, *mail, token="wrong")
    sentences(run, "mail is REFUSED: GitHub holds it too (EMAIL_HOST_PASSWORD): GitHub rejects the token")
    assert lab.content()["EMAIL_HOST_PASSWORD"] == before
    assert lab.journal_state().rotation is None

    run = rotate(lab, *mail, "-vvvv")
    assert run.code == 0, run.output
    lab.assert_settled()
    assert lab.content()["EMAIL_HOST_PASSWORD"] == github.repository.values["EMAIL_HOST_PASSWORD"] == NEW
    assert NEW not in run.output + github.log()
    # The record has the version that was promoted: nothing of it is sent again.
    sentences(sync(lab, "-e", "github_names=EMAIL_HOST_PASSWORD"), "1 unchanged")


def test_what_is_rolled_back_is_sent_back(lab: RotationLab, github: GitHub) -> None:
    """It arrives, and no answer does: the promotion fails, and the previous value takes its place again."""
    lab.ready()
    before = lab.content()["EMAIL_HOST_PASSWORD"]
    github.lost = ["PUT .*/EMAIL_HOST_PASSWORD"] * 4
    since = len(github.writes())
    mail = ("-e", "rotation_credentials=mail", "-e", lab.values_file(mail=NEW + "-more"), "-e", "rotation_force=true")
    run = rotate(lab, *mail)
    assert run.code != 0
    sentences(run, "The rotation was rolled back", "GitHub gave no usable answer about secret EMAIL_HOST_PASSWORD")
    assert len(github.writes()[since:]) == 5
    lab.assert_settled()
    assert lab.content()["EMAIL_HOST_PASSWORD"] == github.repository.values["EMAIL_HOST_PASSWORD"] == before


def test_a_token_that_may_not_write(lab: RotationLab, github: GitHub) -> None:
    """What it may not send it may not send back either: the rotation stays open until it may."""
    lab.ready()
    before = lab.content()["EMAIL_HOST_PASSWORD"]
    github.denied["PUT"] = {"X-Accepted-GitHub-Permissions": "secrets=write"}
    run = rotate(
        lab, "-e", "rotation_credentials=mail", "-e", lab.values_file(mail=NEW + "-else"), "-e", "rotation_force=true"
    )
    assert run.code != 0
    sentences(run, "GitHub denies secret EMAIL_HOST_PASSWORD of repository example/watchparty", "needs secrets: write")
    assert lab.journal_state().rotation is not None
    github.denied.clear()
    head = lab.journal_state().head
    run = rotate(lab, "-e", "rotation_resume=any", token=None)
    assert run.code != 0
    sentences(
        run,
        (
            "cannot continue: GitHub holds it too (EMAIL_HOST_PASSWORD), and there is no token to send the new "
            "value; run export GITHUB_TOKEN="
        ),
    )
    assert lab.journal_state().head == head
    sentences(rotate(lab, "-e", "rotation_resume=any"), "The rotation was rolled back")
    lab.assert_settled()
    assert lab.content()["EMAIL_HOST_PASSWORD"] == github.repository.values["EMAIL_HOST_PASSWORD"] == before


def test_a_leak_is_closed_at_github_too(lab: RotationLab, github: GitHub) -> None:
    old = lab.ready()
    sync(lab)
    arguments = (
        "-e",
        "leak_confirm=yes",
        "-e",
        f"leak_report_path={lab.directory / 'post-mortems'}",
        "-e",
        "leak_credentials=cache",
    )
    run = lab.run(*arguments, playbook=RESPONSE, environment={"GITHUB_TOKEN": TOKEN})
    assert run.code == 0, run.output
    lab.assert_settled(old)
    core = lab.content(CORE)
    assert {name: github.repository.values[name] for name in MIRRORED} == {name: core[name] for name in MIRRORED}
    text = post_mortem(lab)
    for name in MIRRORED:
        assert f"GitHub's {name} holds the new value, sent at " in text
        assert f"GitHub's secret {name} may hold" not in text
    for value in (old.cache[1], lab.values().cache[1]):
        assert value not in text + run.output + github.log()
