# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is asked when an old session is tried, and what its answer means. The sessions themselves need Django."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_probe
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_probe import (
    ProbeResponse,
    SessionProbe,
    ask,
    headers_for,
    set_to,
)

URL = "http://127.0.0.1/account/"


class Session:
    """What stands for one of Django's."""

    deleted = False
    stays = False

    def delete(self) -> None:
        if self.stays:
            raise RuntimeError("the canary is locked")
        self.deleted = True


class Answers(SessionProbe):
    """A probe of an application that answers so, whatever the session is."""

    def __init__(self, *answers: int | str | Exception, made_by: Any = lambda: (None, None)) -> None:
        super().__init__(URL, made_by, scrub=lambda message: message.replace("canary", "***"))
        self._answers = list(answers)

    def _login(self) -> Any:
        self._made.append(Session())
        return self._made[-1]

    def _answer(self, session: Any) -> ProbeResponse:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return ProbeResponse(302, answer) if isinstance(answer, str) else ProbeResponse(answer)


class TestProbe:
    def test_refused(self) -> None:
        probe = Answers(302, 200, 302)
        session = probe.begin()
        assert probe.works
        probe.again(session, "a session that was ended")
        assert probe.answer["tried"] == [f"a session that was ended: refused at {URL} (302)"]
        assert probe.refused
        assert probe.answer["accepted"] == probe.answer["not_tried"] == []
        probe.close()
        assert session.deleted

    def test_accepted(self) -> None:
        probe = Answers(401, 200, 200)
        probe.again(probe.begin(), "a session that was ended")
        assert probe.answer["accepted"] == [f"a session that was ended is STILL ACCEPTED at {URL}"]
        assert not probe.refused

    @pytest.mark.parametrize(
        ("nobody", "answer", "message"),
        [
            (302, 500, "500"),
            (401, 503, "503"),
            (401, 429, "429"),
            (401, 403, "403, and 401 to clients that are not logged in"),
            (
                "http://127.0.0.1/login/",
                "http://x:y@127.0.0.1/twice/",
                "302 to 127.0.0.1/twice/, and 302 to http://127.0.0.1/login/ to clients that are not logged in",
            ),
            (
                "http://127.0.0.1/login/",
                401,
                "401, and 302 to http://127.0.0.1/login/ to clients that are not logged in",
            ),
        ],
    )
    def test_what_is_no_refusal(self, nobody: Any, answer: Any, message: str) -> None:
        """An application that is broken or overloaded, or answers as it does to nobody else, says nothing."""
        probe = Answers(nobody, 200, answer)
        probe.again(probe.begin(), "a session that was ended")
        assert probe.answer["not_tried"] == [f"a session that was ended: {URL} answers {message}"]
        assert (probe.answer["tried"], probe.answer["accepted"], probe.refused) == ([], [], False)

    @pytest.mark.parametrize("status", [204, 408, 425, 429, 500, 503])
    def test_what_those_who_are_not_logged_in_must_not_get(self, status: int) -> None:
        probe = Answers(status, 200, status)
        assert probe.begin() is None
        assert probe.answer["not_tried"] == [
            f"an old session: {URL} answers {status} to clients that are not logged in",
        ]

    def test_trouble_of_any_kind_is_reported_and_raises_nothing(self) -> None:
        def made_by() -> Any:
            raise HostError("there is no active user nobody")

        probe = Answers(made_by=made_by)
        assert probe.begin() is None
        assert probe.answer["not_tried"] == ["an old session: there is no active user nobody"]
        probe = Answers(401, RuntimeError("of the canary\nin two lines"))
        assert probe.begin() is None
        probe._made[0].stays = True
        probe.close()
        stays = "the session made for this test cannot be removed, and expires by itself"
        assert probe.answer["not_tried"] == [
            "an old session: RuntimeError: of the *** in two lines",
            f"{stays}: RuntimeError: the *** is locked",
        ]

    @pytest.mark.parametrize(
        ("answers", "message"),
        [
            ([200], f"{URL} answers 200 to clients that are not logged in"),
            ([401, 500], f"{URL} answers 500 to a new session"),
            ([HostError(f"{URL}: no answer: refused")], f"{URL}: no answer: refused"),
            ([401, HostError("gone")], "gone"),
        ],
    )
    def test_an_address_that_tells_nothing(self, answers: list[Any], message: str) -> None:
        probe = Answers(*answers)
        assert probe.begin() is None
        assert not probe.works
        assert probe.answer["not_tried"] == [f"an old session: {message}"]

    def test_where_no_new_one_is_accepted_a_refusal_tells_nothing_and_an_acceptance_does(self) -> None:
        probe = Answers(401, 401, 401, 200)
        probe.begin()
        assert probe.tells
        probe.again(Session(), "one")
        probe.again(Session(), "two")
        assert probe.answer["not_tried"][1:] == [f"one: rejected at {URL}, but so is a new session"]
        assert (probe.answer["tried"], probe.answer["accepted"]) == ([], [f"two is STILL ACCEPTED at {URL}"])

    def test_no_answer_is_no_refusal(self) -> None:
        probe = Answers(401, 200, HostError("no answer"))
        probe.again(probe.begin(), "a session")
        assert probe.answer == {"tried": [], "accepted": [], "not_tried": ["a session: no answer"]}


@pytest.mark.parametrize(
    ("url", "allowed", "proxy", "wanted"),
    [
        (URL, ["127.0.0.1"], None, {}),
        (URL, ["*"], None, {}),
        (URL, [], None, {}),
        (URL, [".example.com"], None, {}),
        (URL, [".example.com", "www.example.com"], None, {"Host": "www.example.com"}),
        (URL, ["127.0.0.1"], ("HTTP_X_FORWARDED_PROTO", "https"), {"X-FORWARDED-PROTO": "https"}),
        (URL, ["*"], ("X_PROTO", "https"), {"X-PROTO": "https"}),
    ],
)
def test_what_a_proxy_would_send(
    url: str, allowed: list[str], proxy: tuple[str, str] | None, wanted: Mapping[str, str]
) -> None:
    assert headers_for(url, allowed, proxy) == wanted


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(self.path[1:]) if self.headers["X-Test"] else 418)
            self.send_header("Location", "/login/?next=/account/#x")
            self.send_header("Set-Cookie", "sessionid=moved; Path=/")
            self.end_headers()

        def log_message(self, *_arguments: Any) -> None:
            """Nothing is written."""

    with HTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{made.server_port}"
        made.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 302, 401, 500])
def test_an_answer_is_what_the_application_said(server: str, status: int) -> None:
    place = f"{server}/login/" if status == 302 else ""
    assert ask(f"{server}/{status}", {"X-Test": "1"}) == (status, place, ["sessionid=moved; Path=/"])


def test_a_session_that_was_moved_is_known() -> None:
    cookies = ["sessionid=moved; HttpOnly", 'sessionid=""; Max-Age=0', "other=1", "a[=b", "sessionid2=x"]
    assert set_to(cookies, "sessionid") == ["moved"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "file:///etc/hostname", "127.0.0.1", "http://[", "ftp://x/"])
def test_no_answer(url: str) -> None:
    with pytest.raises(HostError):
        ask(url, {})


def test_only_known_lists_are_reported() -> None:
    assert set(Answers().answer) == set(session_probe.LISTS)
