# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Webhooks, mail servers and programs that get events: each has its time, and none shows or gets a value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_notify
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import events
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.announcer import Announcer, Channel, channel_of
from sandbox.process import wait_until
from tests.hostile import receivers
from tests.hostile.receivers import LOOPBACK, MailServer, Receiver, Webhook
from tests.integration.certificates import Authority
from tests.integration.fake_service import ended

SECONDS = 1.5
PASSWORD = "canary-of-a-mail-password"
EVENT = events.made(
    "leak.declared",
    "leak-1",
    "declared",
    application="shop",
    environment="production",
    who="ann@laptop <!channel>",
    at="2026-11-25T10:00:00Z",
    credentials=["database"],
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Path:
    return authority.certificate()


def webhook(url: str, ca: Path | None) -> Channel:
    notifier = catalog_notify.parsed_notifier(
        "slack", {"webhook": {"setting": "HOOK", **({"ca": str(ca)} if ca else {})}}
    )
    return channel_of(notifier, {"HOOK": url}.__getitem__)


def mail(port: int, ca: Path | None, *, tls: str = "implicit", login: bool = True) -> Channel:
    own = {"username": "ops", "password": {"setting": "MAIL"}} if login else {}
    raw: dict[str, Any] = {
        "server": LOOPBACK,
        "port": port,
        "tls": tls,
        "from": "a@example.com",
        "to": ["b@example.com"],
    }
    notifier = catalog_notify.parsed_notifier("mail", {"email": {**raw, **own, **({"ca": str(ca)} if ca else {})}})
    return channel_of(notifier, {"MAIL": PASSWORD}.__getitem__)


def command(*argv: str) -> Channel:
    return channel_of(catalog_notify.parsed_notifier("pager", {"command": list(argv)}), {}.__getitem__)


def failures_of(channel: Channel) -> list[str]:
    """Who was not notified, within the time that all have."""
    failures = Announcer([channel], seconds=SECONDS).announce(EVENT)
    assert "canary" not in str(failures)
    return failures


def test_a_webhook_gets_a_sentence(authority: Authority, certificate: Path) -> None:
    hook = Webhook()
    with Receiver(hook, certificate) as receiver:
        assert failures_of(webhook(receiver.url, authority.cafile)) == []
    (body,) = hook.posted
    assert json.loads(body) == {
        "text": "shop production: leak declared leak-1: database, by ann@laptop &lt;!channel&gt;",
    }


@pytest.mark.parametrize("talk", [receivers.silent, receivers.dripping, receivers.flooding_head])
def test_a_webhook_that_never_ends(authority: Authority, certificate: Path, talk: receivers.Talk) -> None:
    with Receiver(talk, certificate) as receiver:
        (failure,) = failures_of(webhook(receiver.url, authority.cafile))
    assert failure.startswith("slack was not notified of leak.declared: no answer")


def test_a_webhook_that_answers_without_end(authority: Authority, certificate: Path) -> None:
    """Its status is all that is read."""
    with Receiver(receivers.flooding, certificate) as receiver:
        assert failures_of(webhook(receiver.url, authority.cafile)) == []


def test_a_redirect_is_not_followed(authority: Authority, certificate: Path) -> None:
    other = Webhook()
    with (
        Receiver(other, certificate) as elsewhere,
        Receiver(receivers.redirecting(elsewhere.url), certificate) as receiver,
    ):
        (failure,) = failures_of(webhook(receiver.url, authority.cafile))
    assert failure.endswith("it answered 307")
    assert other.posted == []


def test_an_unknown_certificate_gets_nothing(certificate: Path) -> None:
    hook = Webhook()
    with Receiver(hook, certificate) as receiver:
        (failure,) = failures_of(webhook(receiver.url, None))
    assert failure.endswith("no connection: the server's certificate was rejected")
    assert hook.posted == []


@pytest.mark.parametrize("url", ["http://127.0.0.1/canary", "file:///etc/canary", "canary", "https://canary\x00/"])
def test_a_value_that_is_no_https_address(url: str) -> None:
    (failure,) = failures_of(webhook(url, None))
    assert failure.startswith("slack was not notified of leak.declared: ")


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_mail_goes_over_tls(authority: Authority, certificate: Path, tls: str) -> None:
    server = MailServer(starttls=certificate if tls == "starttls" else None, password=PASSWORD)
    with Receiver(server, None if tls == "starttls" else certificate) as receiver:
        assert failures_of(mail(receiver.port, authority.cafile, tls=tls)) == []
    (text,) = server.mails
    assert "Subject: shop production: leak declared leak-1: database, by ann@laptop" in text.replace("\r\n ", " ")
    assert "credentials: database" in text
    assert server.logins == ["ops"]
    assert [line.split()[0].upper() for line in server.plain] in ([], [b"EHLO", b"STARTTLS"])


def test_no_login_and_no_mail_without_tls(authority: Authority) -> None:
    """A server, or whoever stands between, that offers no STARTTLS."""
    server = MailServer(password=PASSWORD)
    with Receiver(server) as receiver:
        (failure,) = failures_of(mail(receiver.port, authority.cafile, tls="starttls"))
    assert "SMTPNotSupportedError" in failure
    assert (server.mails, server.logins) == ([], [])


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_a_mail_server_with_an_unknown_certificate(certificate: Path, tls: str) -> None:
    server = MailServer(starttls=certificate if tls == "starttls" else None, password=PASSWORD)
    with Receiver(server, None if tls == "starttls" else certificate) as receiver:
        (failure,) = failures_of(mail(receiver.port, None, tls=tls))
    assert "its certificate was rejected" in failure
    assert (server.mails, server.logins) == ([], [])


def test_a_mail_server_that_repeats_the_password(authority: Authority, certificate: Path) -> None:
    with Receiver(MailServer(password="another"), certificate) as receiver:
        (failure,) = failures_of(mail(receiver.port, authority.cafile))
    assert failure.endswith("refused with code 535; correct the username and password of notify.NAME.email")


@pytest.mark.parametrize("talk", [receivers.silent, receivers.dripping])
def test_a_mail_server_that_never_ends(authority: Authority, certificate: Path, talk: receivers.Talk) -> None:
    with Receiver(talk, certificate) as receiver:
        (failure,) = failures_of(mail(receiver.port, authority.cafile))
    assert failure.startswith("mail was not notified of leak.declared: ")


def test_a_program_gets_the_event_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "ANSIBLE_BECOME_PASSWORD"):
        monkeypatch.setenv(name, "canary")
    out = tmp_path / "out"
    assert (
        failures_of(command("/bin/sh", "-c", f"cat > {out}; env >> {out}; tr '\\0' ' ' < /proc/$$/cmdline >> {out}"))
        == []
    )
    text = out.read_text()
    assert json.loads(text.splitlines()[0]) == dict(EVENT.detail)
    assert "canary" not in text


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 3", "/bin/sh failed with exit code 3; run it by hand to see the cause"),
        ("exec sleep 600", "/bin/sh did not end within 2 s and was stopped"),
        ("trap '' TERM INT; while :; do sleep 1; done", "/bin/sh did not end within 2 s and was stopped"),
        ("cat /dev/zero; exit 3", "/bin/sh did not end within 2 s and was stopped"),
        (
            "exec < /dev/null; echo canary >&2; exit 4",
            "/bin/sh failed with exit code 4; run it by hand to see the cause",
        ),
    ],
)
def test_a_program_that_fails_or_never_ends(script: str, words: str) -> None:
    assert failures_of(command("/bin/sh", "-c", script)) == [f"pager was not notified of leak.declared: {words}"]


def test_a_program_that_is_ended_takes_its_children_along(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    failures_of(command("/bin/sh", "-c", f"sleep 600 & echo $! > {pid}; wait"))
    assert wait_until(lambda: ended(int(pid.read_text())), seconds=60)


def test_a_program_that_is_not_there() -> None:
    (failure,) = failures_of(command("/nowhere/page"))
    assert "/nowhere/page cannot be started: No such file or directory; correct notify." in failure


def test_a_setting_that_cannot_be_read() -> None:
    def value_of(name: str) -> str:
        raise SecretsError(f"setting {name} cannot be read: it has no value")

    notifier = catalog_notify.parsed_notifier("slack", {"webhook": {"setting": "HOOK"}})
    (failure,) = failures_of(channel_of(notifier, value_of))
    assert failure.endswith("setting HOOK cannot be read: it has no value")
