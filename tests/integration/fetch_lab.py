# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One systemd host with a small application, AWS on the bridge, and an instance's role in place of any key."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, encrypted_env
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import env_keys
from sandbox.aws import REGION, Moto
from sandbox.hosts import Fleet
from sandbox.process import REPOSITORY, clean_environment, wait_until
from sandbox.seed import seed
from sandbox.wheels import make_wheels
from tests.integration import harness, prefork

HOST = "app1"
ENCRYPTED = "/srv/watchparty/production.env.enc"
KMS_KEY = "alias/shop-production"
ROLE = "shop-host"
KEY_FILE = "/etc/shop/signing.key"
FILES = {
    "key": {"path": KEY_FILE, "format": "value", "settings": ["SIGNING_KEY"], "hosts": ["app_hosts"]},
    "job": {"path": "/etc/shop/job", "format": "value", "settings": ["LICENSE_TEXT"], "hosts": ["ungrouped"]},
}
UNIT = """\
[Unit]
Description=A shop
AssertPathExists={path}

[Service]
User=watchparty
Type=exec
# What it started on, for the test to compare.
ExecStart=/bin/sh -c 'sha256sum {path} > /tmp/shop-started && exec sleep infinity'

[Install]
WantedBy=multi-user.target
"""


class Metadata(BaseHTTPRequestHandler):
    """An instance's metadata service: a token, then the role's credentials."""

    def do_PUT(self) -> None:
        self._say("a-token")

    def do_GET(self) -> None:
        start = "/latest/meta-data/iam/security-credentials/"
        if self.headers.get("X-aws-ec2-metadata-token") != "a-token":
            self.send_error(401)
        elif self.path == start:
            self._say(ROLE)
        elif self.path == start + ROLE:
            result = {"AccessKeyId": "ASIATESTING", "SecretAccessKey": "of-the-role", "Token": "of-the-session"}
            self._say(json.dumps({**result, "Code": "Success", "Expiration": "2099-01-01T00:00:00Z"}))
        else:
            self.send_error(404)

    def _say(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def metadata(address: str) -> Iterator[str]:
    server = ThreadingHTTPServer((address, 0), Metadata)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://{address}:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pinned(wheel: Path) -> str:
    name, version = wheel.name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@dataclass
class FetchLab:
    """What a test of one host needs."""

    fleet: Fleet
    moto: Moto
    imds: str
    place: Path
    path: str

    def __post_init__(self) -> None:
        seed(self.moto.client, harness.layout())
        harness.JOURNAL.make(self.moto.client)
        if self.imds:
            self.require("boto3")
        self.variables: dict[str, Any] = {
            "secrets_catalog": harness.catalog(services={"web": {"units": ["shop.service"]}}, files=FILES),
            "env_deploy_path": self.path,
            "app_host_user": "shipper",
            "app_host_sudo": "none",
            "app_host_directory": "/srv/watchparty",
            "app_host_known_hosts": str(self.fleet.names.known_hosts),
            "app_host_fetch": True,
            "app_host_fetch_region": REGION,
            "app_host_fetch_wheels": str(self.place / "wheels"),
            "app_host_fetch_requirements": str(self.place / "requirements.txt"),
            "app_host_fetch_patience": 0,
            "app_host_fetch_environment": {
                "AWS_ENDPOINT_URL": self.moto.url,
                "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.imds,
            },
        }
        unit = UNIT.format(path=self.path)
        self.shell("mkdir /etc/shop")
        self.shell("cat > /etc/systemd/system/shop.service; systemctl daemon-reload; systemctl enable shop", text=unit)

    def require(self, *packages: str) -> None:
        """What hosts install, and nothing that comes from an index."""
        for package in packages:
            make_wheels(package, self.place / "wheels")
        # Made here, so their hashes are not those of PyPI's.
        (self.place / "requirements.txt").write_text(
            "".join(pinned(wheel) for wheel in sorted((self.place / "wheels").glob("*.whl")))
        )

    def put_encrypted(self, generation: str, minute: int, *, environment: str = "production") -> None:
        """A ``.env.enc`` in the application's directory, as its checkout has it."""
        document = {**self.variables["secrets_catalog"], "environments": {environment: {}}}
        catalog = catalog_parser.parse(document, environment)
        context, file_key = encrypted_env.context_of(catalog), env_keys.new_file_key()
        keys = env_keys.KmsKeys(KMS_KEY, (), lambda _region: self.moto.client("kms"))
        core = harness.layout().secrets["shop/production/core"]
        assert isinstance(core, dict)
        content = encrypted_env.written(
            {**core, "GENERATION": generation},
            context=context,
            journal=100,
            written_at=f"2026-11-29T01:{minute:02}:00Z",
            file_key=file_key,
            wrapped_key=env_keys.wrapped(keys, context, file_key),
        )
        self.shell(f"cat > {ENCRYPTED} && chown watchparty: {ENCRYPTED}", text=content.decode("ascii"))

    def refreshed(self) -> str:
        """What the unit said of the next fetch."""
        last = "at=$(journalctl -n 1 --show-cursor | sed -n 's/^-- cursor: //p')"
        since = 'journalctl --no-pager --output=cat --after-cursor="$at" --unit=shop-secrets-refresh.service'
        return self.shell(f"{last}; systemctl start shop-secrets-refresh; {since}")

    def run(self, playbook: str, *arguments: str, path: Path | None = None) -> subprocess.CompletedProcess[str]:
        """One of our playbooks, or the one at *path*."""
        inventory = json.loads(self.fleet.inventory.read_text(encoding="utf-8"))
        inventory["app_hosts"]["vars"] |= self.variables
        hosts = self.place / "inventory.json"
        hosts.write_text(json.dumps(inventory), encoding="utf-8")
        program = Path(sys.executable).with_name("ansible-playbook")
        play = path or REPOSITORY / "playbooks" / f"{playbook}.yml"
        argv = [program, "-i", hosts, play, "-e", "app_environment=production", *arguments]
        own = {"ANSIBLE_HOME": str(self.place / "ansible"), "ANSIBLE_NOCOLOR": "1", "LC_ALL": "C.UTF-8"}
        env = clean_environment(**self.moto.env(), **own)
        command = [str(item) for item in argv]
        return subprocess.CompletedProcess(command, *prefork.play(command, REPOSITORY, env, seconds=900))

    def shell(self, script: str, *, text: str | None = None, check: bool = True) -> str:
        return self.fleet.run(HOST, ["sh", "-c", script], text=text, check=check).stdout.strip()

    def store(self, generation: str) -> None:
        """Changes what the account holds."""
        self.moto.client("ssm").put_parameter(
            Name="/shop/production/App/GENERATION", Value=generation, Type="String", Overwrite=True
        )

    def generation(self) -> str:
        return self.shell(f"sed -n 's/^GENERATION=//p' {self.path}").strip("'\"")

    def reboot(self) -> None:
        self.fleet.power_off(HOST)
        self.fleet.boot(HOST)

    def log_text(self) -> str:
        """What the unit said in this boot, with its priority."""
        return self.shell("journalctl --boot --no-pager --output=cat --unit=shop-secrets.service")

    def started_on_the_present_file(self) -> bool:
        """Once it has started: systemd begins that when the fetch is done, and tells us no earlier than it began."""
        started = "cat /proc/$(systemctl show -P MainPID shop)/root/tmp/shop-started"
        present = self.shell(f"sha256sum {self.path}").split()
        return wait_until(lambda: self.shell(started, check=False).split() == present, seconds=30)
