# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A network before the stand-in: what a call and a connection cost, and what overlaps."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

from sandbox import network
from sandbox.aws import Layer
from sandbox.calls import sequential_depth
from sandbox.network import NONE, TYPICAL, KeepAlive, Network


class StandIn:
    """The layer before an application that answers at once, and connections to it."""

    def __init__(self, port: int, log: Path) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._port = port
        self._log = log

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)

    def calls(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text(encoding="utf-8").splitlines()]


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/broken":
        raise RuntimeError("broken")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello ", environ["wsgi.input"].read()]


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    log = tmp_path / "calls.jsonl"
    log.touch()
    layer: Any = Layer(application, log, None)  # type: ignore[arg-type]
    server = make_server("127.0.0.1", 0, layer, threaded=True, request_handler=KeepAlive)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield StandIn(server.server_port, log)
    server.shutdown()
    server.server_close()


def ask(connection: http.client.HTTPConnection, path: str = "/", body: str = "") -> tuple[int, str, float]:
    """Status, text and seconds of a call."""
    began = time.monotonic()
    connection.request("POST", path, body)
    answer = connection.getresponse()
    text = answer.read().decode()
    return answer.status, text, time.monotonic() - began


def test_a_connection_carries_many_calls(stand_in: StandIn) -> None:
    connection = stand_in.connect()
    for word in ("one", "two", "three"):
        assert ask(connection, body=word)[:2] == (200, f"hello {word}")
    ask(stand_in.connect())
    numbers = [call["connection"] for call in stand_in.calls()]
    assert numbers[:3] == [numbers[0]] * 3
    assert numbers[3] != numbers[0]


def test_without_a_network_nothing_waits(stand_in: StandIn) -> None:
    connection = stand_in.connect()
    ask(connection)
    assert min(ask(connection)[2] for _ in range(5)) < 0.03


def test_how_long_a_call_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that is killed during the half round trip after the act may have done everything."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    wire, environ = network.Wire(), {network.CONNECTION: network.Connection(7)}
    wire.set({"round_trip": 0.5, "service_time": 0.25, "connection": 2.0})
    for _call in range(2):
        journey = wire.carry(environ)
        assert (journey.connection, journey.back) == (7, 0.25)
        assert journey.ended - journey.began >= 0.25
        journey.wait()
    assert slept == [2.0 + 0.25 + 0.25, 0.25, 0.25 + 0.25, 0.25], "the first waits for the connection too"


def test_calls_on_different_connections_overlap(stand_in: StandIn) -> None:
    network.switch(stand_in.url, Network(round_trip=0.4))
    with ThreadPoolExecutor(8) as pool:
        assert all(seconds >= 0.4 for *_, seconds in pool.map(lambda _at: ask(stand_in.connect()), range(8)))
    assert sequential_depth(stand_in.calls()) == 1


def test_control_is_quick_and_no_call(stand_in: StandIn) -> None:
    network.switch(stand_in.url, Network(round_trip=60, connection=60))
    network.switch(stand_in.url, NONE)
    assert ask(stand_in.connect())[2] < 30
    assert len(stand_in.calls()) == 1


def control(stand_in: StandIn, method: str, body: str = "") -> tuple[int, str]:
    connection = stand_in.connect()
    connection.request(method, network.CONTROL, body)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"round_trip": "0.03"}', "round_trip: '0.03' is not a number of seconds"),
        ('{"round_trip": true}', "round_trip: True is not a number of seconds"),
        ('{"connection": -1}', "connection: -1 is not a number of seconds"),
        ('{"service_time": 61}', "service_time: 61 is not a number of seconds"),
        ('{"latency": 1}', "unknown options: latency"),
        ("[]", "not a JSON object"),
        ("{", "Expecting property name"),
    ],
)
def test_a_wrong_network_is_refused_and_changes_nothing(stand_in: StandIn, body: str, message: str) -> None:
    network.switch(stand_in.url, TYPICAL)
    status, text = control(stand_in, "PUT", body)
    assert status == 400
    assert message in text
    assert Network.parse(json.loads(control(stand_in, "GET")[1])) == TYPICAL


def test_an_application_that_breaks_is_an_answer(stand_in: StandIn) -> None:
    connection = stand_in.connect()
    assert ask(connection, "/broken")[0] == 500
    assert ask(connection)[0] == 200


def test_by_hand(stand_in: StandIn, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert network.main([stand_in.url, "--round-trip", "80"]) == 0
    wanted = "network with round trip 80 ms, service time 12 ms, connection 60 ms"
    assert capsys.readouterr().out == f"{stand_in.url}: {wanted}\n"
    assert json.loads(control(stand_in, "GET")[1])["round_trip"] == 0.08
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"{stand_in.url}/")
    assert network.main(["--off"]) == 0
    assert Network.parse(json.loads(control(stand_in, "GET")[1])) == NONE


def test_by_hand_without_a_stand_in(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert network.main(["http://127.0.0.1:1"]) == 1
    assert "http://127.0.0.1:1: the network was not set" in capsys.readouterr().err
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with pytest.raises(SystemExit):
        network.main([])
    assert "AWS_ENDPOINT_URL" in capsys.readouterr().err
