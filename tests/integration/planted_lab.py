# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd host with the worked example on it, on which mistakes are planted, found by ``host_check``, and undone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.verdicts import FAIL, NOT_CHECKED
from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file
from ansible_collections.watchparty.secrets.plugins.modules import host_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import (
    host_answer,
    program_bundle,
    remote_program,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import env_drift
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.collect_facts import Gatherer
from sandbox.hosts import Fleet
from tests import planted
from tests.integration.real_lab import CORE, RealLab
from tests.unit.plugins.modules.host_world import CHECKS, VALUES, failures

HOST = "app1"
PATH = "/srv/watchparty/.env"
MAIL = "watchparty-mail.service"
UNITS = ("watchparty-web.service", "watchparty-celery.service", MAIL)
MAIL_UNIT = f"""\
[Service]
User=watchparty
EnvironmentFile={PATH}
ExecStart=/usr/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""
STARTED = "/run/planted.pids"
KEPT = ("/srv", "/var/lib/watchparty-secrets", "/etc/systemd/system")
KEEP = "mkdir /run/kept && cp -a --parents " + " ".join(KEPT) + " /run/kept"
RESTORE = "; ".join(f"rm -rf {place} && cp -a /run/kept{place} {place}" for place in KEPT[:2])
RESTORE_UNITS = f"""
for group in $(cat {STARTED} 2>/dev/null); do kill -KILL -$group; done; rm -f {STARTED}
systemctl stop planted.service user@2001 app.slice 2>/dev/null; umount /srv/watchparty 2>/dev/null
rm -rf /var/lib/systemd/linger /etc/default/mail
rm -rf /etc/systemd/system /run/systemd/system
cp -a /run/kept/etc/systemd/system /etc/systemd/system; mkdir /run/systemd/system
systemctl daemon-reload; systemctl reset-failed; systemctl restart {MAIL}
journalctl --quiet --rotate --vacuum-time=1s
"""


class PlantedHost:
    """The test's host. It has the attributes by which mistakes are planted in a folder, too."""

    home = "home/deploy"

    def __init__(self, fleet: Fleet) -> None:
        self.lab = RealLab(fleet)
        self.fleet = fleet
        self.report = fleet.inventory.parent / "report"
        self.wanted = {"owner": "watchparty"}
        self._written: list[Path] = []
        self._settings()
        self.shell(f"cat > /etc/systemd/system/{MAIL}", text=MAIL_UNIT)
        self.shell(f"chown root: /srv/watchparty; chmod 755 /srv/watchparty; systemctl enable --quiet {MAIL}")
        run = self.lab.run("deploy")
        assert run.code == 0, run.output
        self.shell(KEEP)
        self.text = self.env.read_text()
        self.known = self._expected()
        self._document = {
            "runtime": remote_program._source(runtime),
            "sources": program_bundle.sources(host_check),
            "main": host_check.__name__,
            "check_mode": False,
            "diff": False,
        }

    def _settings(self) -> None:
        """The example's catalog and stores with the values that mistakes are made of."""
        (path,) = (self.fleet.inventory.parent / "group_vars" / "all").glob("secrets_catalog.*")
        self.catalog: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["secrets_catalog"]
        self.catalog["settings"] |= {
            "PORT": {"value": VALUES["PORT"], "type": "integer", "sensitivity": "low"},
            "DATABASE_PASSWORD": {"group": "core"},
        }
        self.catalog["services"]["mail"] = {"units": [MAIL]}
        path.write_text(json.dumps({"secrets_catalog": self.catalog}), encoding="utf-8")
        secret = {name: VALUES[name] for name in ("SECRET_KEY", "DATABASE_PASSWORD")}
        content = json.dumps(self.lab.core() | secret)
        self.lab.client("secretsmanager").put_secret_value(SecretId=CORE, SecretString=content)
        copy = {"Name": "/WatchParty/production/App/SECRET_KEY", "Type": "SecureString", "Overwrite": True}
        self.lab.client("ssm").put_parameter(Value=VALUES["SECRET_KEY"], **copy)

    def _expected(self) -> dict[str, Any]:
        """What the stores hold, as the playbook has it."""
        connection = AwsConnection("test", {})
        connection.store_client = self.lab.client  # type: ignore[method-assign]
        catalog = catalog_parser.parse(self.catalog, "production")
        return Gatherer(self.catalog, catalog, connection, datetime.now(UTC)).expected()

    # What mistakes are planted with

    @property
    def root(self) -> Path:
        return self.fleet.root(HOST)

    @property
    def env(self) -> Path:
        return self.root / PATH[1:]

    @property
    def state(self) -> Path:
        return self.root / atomic_file.state_of(PATH)[1:]

    def write(self, place: str | Path, content: str | bytes, *, mode: int = 0o644) -> Path:
        path = self.root / str(place).replace("~/", f"{self.home}/")
        new = [above for above in (path, *path.parents) if not above.exists()]
        self._written += new
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def replace(self, old: str, new: str) -> None:
        assert old in self.text
        self.env.write_text(self.text.replace(old, new))

    def shell(self, script: str, *, text: str | None = None) -> str:
        return self.fleet.run(HOST, ["sh", "-c", script], text=text).stdout

    # What is found

    def answer(self, **over: Any) -> dict[str, Any]:
        """What the action plugin makes of the program's answer."""
        given = {"fingerprint_key": self.known["key"], **{name: self.known[name] for name in SENT}}
        args = {"path": PATH, "units": list(UNITS), **given, **self.wanted, **over}
        document = {**self._document, "params": remote_program.validated(host_check.ARGUMENT_SPEC, args)}
        python = ["/usr/bin/python3", "-I", "-S", "-c", remote_program._BOOT]
        done = self.fleet.run(HOST, python, text=json.dumps(document), check=False)
        assert "canary" not in done.stdout, "a value left the host"
        answer = host_answer.parsed(done.stdout, host_check.RETURNS)
        assert answer is not None, done.stderr
        return env_drift.judge(self.known, answer)

    def found(self, **over: Any) -> dict[str, list[str]]:
        """Evidence by the id of each check that does not pass."""
        return failures(self.answer(**over))

    def verified(self) -> list[str]:
        """The checks that let a run of the playbook fail."""
        only = "-e", f"verify_only={','.join(CHECKS)}"
        run = self.lab.run("verify", *only, "-e", f"verify_report_path={self.report}")
        planted.ended(run.code)
        assert "canary" not in run.output
        checks = json.loads((self.report / "partial.json").read_text())["checks"]
        return [check["id"] for check in checks if check["status"] in (FAIL, NOT_CHECKED)]

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Inside, files may be changed."""
        try:
            yield
        finally:
            for path in self._written:
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
            self._written.clear()
            self.shell(RESTORE)

    @contextmanager
    def units_undone(self) -> Iterator[None]:
        """Inside, units and processes may be changed, too."""
        with self.undone():
            try:
                yield
            finally:
                self.fleet.run(HOST, ["sh", "-c", RESTORE_UNITS], check=False)


SENT = ("sensitive", "patterns", "readers")
