# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""WPS701 of keys: previous access keys at STS, former SSH keys at every host's sshd, former signing keys at the
application."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.ssh import key_pair
from sandbox import sshd as sandbox_sshd
from sandbox.process import free_port
from sandbox.sshd import Sshd
from tests.integration import access_key_lab, ssh_key_lab
from tests.integration.canaries import Canaries, in_files
from tests.integration.harness import Lab, Run
from tests.integration.leak_lab import USER, leak_lab
from tests.integration.rotation_lab import CORE, RotationLab
from tests.integration.verify_lab import VERIFY, outcomes

pytestmark = pytest.mark.slow
UNTRIED = "the previous value was not tried: "


def verified(
    lab: Lab, *arguments: str, environment: Mapping[str, str] | None = None, **variables: Any
) -> tuple[Run, dict[str, tuple[str, str]]]:
    report = lab.directory / "report"
    given = {"verify_report_path": str(report), "verify_only": "WPS701", **variables}
    run = lab.run("-e", json.dumps(given), *arguments, playbook=VERIFY, environment=environment)
    result = json.loads((report / "partial.json").read_text())
    return run, {outcome["place"]: (outcome["status"], outcome["message"]) for outcome in outcomes(result, "WPS701")}


def write(lab: Lab, name: str, **values: str) -> None:
    """A new version; the one before becomes AWSPREVIOUS."""
    manager = lab.moto.client("secretsmanager")
    before = json.loads(manager.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")["SecretString"])
    manager.put_secret_value(SecretId=name, SecretString=json.dumps(before | values))


def test_access_keys(lab: Lab) -> None:
    """With moto's authorization on, which refuses keys that it does not know, as AWS does."""
    old = access_key_lab.prepare(lab)
    operator = access_key_lab.new_user(lab.moto, access_key_lab.OPERATOR)
    ours = {"AWS_ACCESS_KEY_ID": str(operator.username), "AWS_SECRET_ACCESS_KEY": str(operator.password)}
    new = access_key_lab.new_key(lab.moto)
    ids = {"AWS_ACCESS_KEY_ID": str(new.username), "AWS_SECRET_ACCESS_KEY": str(new.password)}
    write(lab, "shop/production/core", **ids)
    lab.moto.client("ssm").put_parameter(
        Name="/shop/production/Storage/ACCESS_KEY_ID", Value=str(new.username), Type="String", Overwrite=True
    )
    iam = lab.moto.client("iam")
    user = f"AWS as {iam.get_user(UserName=access_key_lab.USER)['User']['Arn']}"

    def outcome() -> tuple[bool, str, str]:
        with access_key_lab.authorization(lab.moto.url):
            run, result = verified(lab, "-vvvv", environment=ours)
        assert not [login for login in (old, new) if str(login.password) in run.output + json.dumps(result)]
        return (run.code == 0, *result["storage"])

    assert outcome() == (False, "fail", f"a previous value still logs in at {user}")
    iam.delete_access_key(UserName=access_key_lab.USER, AccessKeyId=str(old.username))
    assert outcome() == (True, "pass", f"rejected now at {user}, which accepts the current value")
    iam.delete_access_key(UserName=access_key_lab.USER, AccessKeyId=str(new.username))
    how, message = outcome()[1:]
    assert (how, "a rejection of the old value proves nothing" in message) == ("not checked", True)


@pytest.fixture
def sshds() -> Iterator[list[Sshd]]:
    if sandbox_sshd.unavailable():
        pytest.skip(f"{sandbox_sshd.unavailable()}: no SSH key was tried")
    with ExitStack() as stack:
        yield [stack.enter_context(Sshd()) for _ in range(2)]


def take_out(sshd: Sshd, private: str) -> None:
    public = key_pair.public_line(private, "test")
    file = ssh_key_lab.file_of(sshd)
    file.write_text("".join(line for line in file.read_text().splitlines(keepends=True) if public not in line))


def test_ssh_keys(lab: Lab, sshds: list[Sshd]) -> None:
    """Each host behind an sshd of its own; the keys are in no output and in no file."""
    first, second = sshds
    lab.connection = first.host_vars()
    old = ssh_key_lab.prepare(lab, first)
    lab.host_vars["web2"] |= second.host_vars()
    new = key_pair.new_private_key()
    write(lab, ssh_key_lab.SECRET, private_key=new)
    ssh_key_lab.let_in(second, old)
    for sshd in sshds:
        ssh_key_lab.let_in(sshd, new)
    canaries = Canaries()
    for name, private in (("old", old), ("new", new)):
        for number, line in enumerate(private.splitlines()[2:-2]):  # the first is every key's
            canaries.add(f"{name} {number}", line)

    def outcome(*arguments: str) -> tuple[bool, str, str]:
        run, result = verified(lab, *arguments)
        (lab.directory / "output").write_text(run.output)
        assert in_files([lab.directory], canaries) == []
        return (run.code == 0, *result["deploy_ssh"])

    assert outcome("-vvvv") == (False, "fail", "a previous value still logs in at web1, web2")
    take_out(first, old)
    assert outcome() == (False, "fail", "a previous value still logs in at web2")
    take_out(second, old)
    assert outcome() == (True, "pass", "rejected now at web1, web2, where the current value logs in")
    take_out(second, new)
    assert outcome() == (True, "pass", "rejected now at web1, where the current value logs in; web2 accepts neither")
    take_out(first, new)
    message = f"{UNTRIED}no host accepts the current value either (web1, web2)"
    assert outcome() == (False, "not checked", message)
    ssh_key_lab.let_in(first, new)
    lab.host_vars["web2"]["ansible_port"] = free_port()
    ok, how, message = outcome()
    assert (ok, how, message.startswith(f"{UNTRIED}web2: it could not be tried: ")) == (False, "not checked", True)
    assert "Connection refused" in message
    lab.host_vars["web2"]["ansible_connection"] = "local"
    assert "Ansible reaches web2 by the connection local, but SSH keys need ssh" in outcome()[2]


@pytest.fixture(scope="module")
def application(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as lab:
        yield lab


def test_signing_keys(application: RotationLab) -> None:
    """By the stores alone the previous key is gone; the application tells whether that is true of its processes."""
    lab = application
    lab.deploy()
    page = lab.host_vars["web1"]["django_probe_url"]
    former = lab.content()["SECRET_KEY"]
    following = "canary-next-signing-key-" + "k" * 40
    write(lab, CORE, SECRET_KEY=following)
    name = "/WatchParty/production/App/SECRET_KEY"
    lab.moto.client("ssm").put_parameter(Name=name, Value=following, Type="SecureString", Overwrite=True)

    def outcome(**variables: Any) -> tuple[str, str]:
        run, result = verified(lab, "-vvvv", **variables)
        assert former not in run.output + json.dumps(result)
        assert following not in run.output + json.dumps(result)
        return result["django_key"]

    how, message = outcome()
    assert (how, message.partition("; ")[2]) == (
        "pass",
        (
            "no session was tried: the test needs a new session (engine db), and this run makes none; "
            "verify makes one with -e verify_sessions=true (option make)"
        ),
    )
    database = urlsplit(lab.content()["DATABASE_URL"]).path.strip("/")
    sessions = lab.postgres.execute("SELECT count(*) FROM django_session", database=database)
    signed = "a session that previous SECRET_KEY 1 signed"
    made = {"verify_sessions": True, "django_probe_user": USER}
    assert outcome(**made) == ("fail", f"{signed} is STILL ACCEPTED at {page}"), "its processes run on the previous key"
    lab.deploy()
    assert outcome(**made) == ("pass", f"{signed}: refused at {page} (401)")
    assert lab.postgres.execute("SELECT count(*) FROM django_session", database=database) == sessions
    how, message = outcome(verify_sessions=True, django_probe_user="nobody")
    assert (how, "there is no active user nobody" in message) == ("not checked", True)
    del lab.host_vars["web1"]["django_probe_url"]
    how, message = outcome()
    assert (how, message.endswith("no session was tried: no django_probe_url is set")) == ("pass", True)
