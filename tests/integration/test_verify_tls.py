# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WPS603 at real https servers: from outside, as the controller trusts, and on hosts, as each host trusts."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import pytest

from sandbox.process import free_port
from tests import planted
from tests.integration.certificates import Authority, Https
from tests.integration.harness import Lab, Run
from tests.integration.verify_lab import VERIFY, outcomes

pytestmark = pytest.mark.slow
CERTIFICATES = "Certificates of health addresses"
MISTAKES = dict.fromkeys(("soon", "expired", "another name", "another authority"), "WPS603")


@pytest.fixture
def authority(lab: Lab) -> Authority:
    return Authority(lab.directory)


@pytest.fixture
def servers(lab: Lab, authority: Authority) -> Iterator[dict[str, Https]]:
    """By what is the matter with their certificates."""
    (lab.directory / "other").mkdir()
    certificates = {
        "valid": authority.certificate(),
        "soon": authority.certificate(days=13.5),
        "expired": authority.certificate(days=-1),
        "another name": authority.certificate(address="127.0.0.2"),
        "another authority": Authority(lab.directory / "other", "unknown").certificate(),
    }
    with ExitStack() as stack:
        yield {name: stack.enter_context(Https(path)) for name, path in certificates.items()}


def verified(
    lab: Lab, *, environment: Mapping[str, str] | None = None, **variables: str
) -> tuple[Run, dict[str, tuple[str, str]]]:
    run, rows = findings(lab, environment=environment, **variables)
    return run, {row["place"]: (row["status"], row["message"]) for row in rows}


def findings(
    lab: Lab, *, environment: Mapping[str, str] | None = None, **variables: str
) -> tuple[Run, list[dict[str, str]]]:
    report = lab.directory / "report"
    (report / "partial.json").unlink(missing_ok=True)
    given = {"verify_report_path": str(report), "verify_only": "tls", **variables}
    run = lab.run("-e", json.dumps(given), playbook=VERIFY, environment=environment)
    path = report / "partial.json"
    result = json.loads(path.read_text()) if path.exists() else {"checks": []}
    return run, outcomes(result, "WPS603")


def renewed(lab: Lab, authority: Authority, servers: Mapping[str, Https], rows: Sequence[Mapping[str, str]]) -> None:
    """What certbot does on the hosts of the findings' commands: it renews what ends soon."""
    by_host = dict(zip((host.name for host in lab.hosts), servers, strict=True))
    for command in {row["command"] for row in rows if row["status"] == "fail"}:
        words = shlex.split(command)
        for host in words[1].split(",") if words[-1] == "certbot renew" else ():
            if by_host[host] in ("soon", "expired"):
                servers[by_host[host]].renew(authority.certificate())


def expect(result: Mapping[str, tuple[str, str]], places: Mapping[str, str]) -> None:
    """What each certificate comes to, by the place at which it is reported."""
    answer = {name: result[place] for name, place in places.items()}
    assert {name: how for name, (how, _words) in answer.items()} == {"valid": "pass", **dict.fromkeys(MISTAKES, "fail")}
    entries = {name: message for name, (_how, message) in answer.items()}
    assert entries["valid"].startswith("the certificate lasts 59 days")
    assert entries["soon"].startswith("the certificate ends in 13 days")
    assert entries["expired"] == "the certificate is invalid: certificate has expired"
    assert "is not valid for '127.0.0.1'" in entries["another name"]
    assert "unable to get local issuer certificate" in entries["another authority"]


def plain(lab: Lab, servers: Mapping[str, Https], variable: str) -> None:
    """One host a server."""
    for host, server in zip(lab.add_hosts(len(servers)), servers.values(), strict=True):
        lab.host_vars[host.name][variable] = server.url


@planted.mistakes(CERTIFICATES, planted.PLAYBOOK, planted.SERVER, rows=MISTAKES)
def test_from_outside(lab: Lab, authority: Authority, servers: dict[str, Https]) -> None:
    plain(lab, servers, "env_deploy_external_health_url")
    run, result = verified(lab, verify_cafile=str(authority.cafile))
    planted.ended(run.code)
    expect(result, {name: server.url for name, server in servers.items()})
    renewed(lab, authority, servers, findings(lab, verify_cafile=str(authority.cafile))[1])
    _run, result = verified(lab, verify_cafile=str(authority.cafile))
    failed = [servers[name].url for name in ("another name", "another authority")]
    assert sorted(place for place, (status, _message) in result.items() if status == "fail") == sorted(failed)
    del lab.hosts[1:]
    lab.host_vars["web1"]["env_deploy_external_health_url"] = servers["valid"].url
    trusted: dict[str, Any] = {"environment": {"SSL_CERT_FILE": str(authority.cafile)}}
    for given in ({"verify_cafile": str(authority.cafile)}, trusted):
        run, result = verified(lab, **given)
        assert (run.code, {how for how, _words in result.values()}) == (0, {"pass"})
    run, result = verified(lab)
    assert (run.code != 0, [how for how, _words in result.values()]) == (True, ["fail"]), "the system does not know it"


@planted.mistakes(CERTIFICATES, planted.PLAYBOOK, planted.SERVER, rows=MISTAKES)
def test_on_hosts(lab: Lab, authority: Authority, servers: dict[str, Https]) -> None:
    """A host trusts what its system does, here by the variable that OpenSSL reads."""
    plain(lab, servers, "env_deploy_health_url")
    python = lab.connection["ansible_python_interpreter"]
    for variables in lab.host_vars.values():
        variables["ansible_python_interpreter"] = f"env SSL_CERT_FILE={authority.cafile} {python}"
    run, result = verified(lab)
    planted.ended(run.code)
    named = zip(servers.items(), lab.hosts, strict=True)
    places = {name: f"{host.name} {server.url}" for (name, server), host in named}
    expect(result, places)
    renewed(lab, authority, servers, findings(lab)[1])
    _run, result = verified(lab)
    assert [name for name, place in places.items() if result[place][0] == "fail"] == [*MISTAKES][2:]
    for variables in lab.host_vars.values():
        variables["env_deploy_health_url"] = servers["valid"].url
    run, result = verified(lab)
    assert (run.code, {how for how, _words in result.values()}) == (0, {"pass"})


def test_a_file_of_authorities_that_is_none(lab: Lab, servers: dict[str, Https]) -> None:
    lab.add_hosts(1, env_deploy_external_health_url=servers["valid"].url)
    missing, empty = lab.directory / "missing.pem", lab.directory / "empty.pem"
    empty.write_text("")
    for path, message in ((missing, "No such file or directory"), (empty, "holds no certificate")):
        run, result = verified(lab, verify_cafile=str(path))
        assert (run.code != 0, result) == (True, {})
        assert f"verify_cafile: {path}: {message}" in run.text


def test_no_answer_is_no_certificate(lab: Lab) -> None:
    url = f"https://127.0.0.1:{free_port()}/health/"
    lab.add_hosts(1, env_deploy_external_health_url=url)
    run, result = verified(lab)
    assert (run.code, result[url][0]) == (2, "not checked")
    assert result[url][1].startswith("no certificate was seen: no answer: ")
