# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A provider's API that is hostile, or behind a hostile network: where a token goes, and what an answer costs."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import provider_client
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.provider_client import HttpAnswer
from tests.hostile import receivers
from tests.hostile.receivers import Receiver, Webhook
from tests.integration.certificates import Authority

HEADERS = {"Authorization": "Bearer canary-of-a-token"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    return authority.certificate()


def ask(url: str, ca: Path | None) -> HttpAnswer:
    answer = provider_client.send("POST", url, HEADERS, b"{}", ca=str(ca) if ca else None)
    assert "canary-of-a-token" not in repr(answer)
    return answer


def test_an_answer(authority: Authority, certificate: Path) -> None:
    hook = Webhook()
    with Receiver(hook, certificate) as receiver:
        assert ask(receiver.url, authority.cafile) == HttpAnswer(200, b"ok")
    assert hook.posted == [b"{}"]


def test_a_redirect_is_not_followed(authority: Authority, certificate: Path) -> None:
    other = Webhook()
    with (
        Receiver(other, certificate) as elsewhere,
        Receiver(receivers.redirecting(elsewhere.url), certificate) as receiver,
    ):
        assert ask(receiver.url, authority.cafile) == HttpAnswer(307)
    assert other.posted == []


def test_an_unknown_certificate_gets_nothing(certificate: Path) -> None:
    hook = Webhook()
    with Receiver(hook, certificate) as receiver:
        answer = ask(receiver.url, None)
    assert answer.status == 0
    assert "CERTIFICATE_VERIFY_FAILED" in answer.problem
    assert hook.posted == []


def test_a_login_of_netrc_is_not_sent(
    authority: Authority, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login canary password canary\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    heads: list[bytes] = []

    def reading(client: object) -> None:
        heads.append(client.recv(65536))  # type: ignore[attr-defined]

    with Receiver(reading, certificate) as receiver:
        ask(receiver.url, authority.cafile)
    assert b"Authorization: Bearer canary-of-a-token\r\n" in heads[0]


@pytest.mark.parametrize("talk", [receivers.silent, receivers.dripping, receivers.flooding_head, receivers.flooding])
def test_an_answer_without_end(
    authority: Authority, certificate: Path, talk: receivers.Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(provider_client, "SECONDS", 1.5)
    began = time.monotonic()
    with Receiver(talk, certificate) as receiver:
        answer = ask(receiver.url, authority.cafile)
    assert answer.status == 0
    assert answer.problem.startswith(("no answer", "an answer of more than 4 MiB"))
    assert time.monotonic() - began < 60
