# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An existing .env becomes a catalog, then secrets and parameters; and a developer's own .env without AWS."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from sandbox.process import free_port
from tests.integration.canaries import Canaries
from tests.integration.harness import ENVIRONMENT, Lab
from tests.integration.values_lab import IMPORT, PROVISION, READS, SET, Account

KEY = "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----"
JSON = '{"private_key": "-----BEGIN PRIVATE KEY-----\\nY2FuYXJ5\\n-----END PRIVATE KEY-----\\n", "note": "${HOME}"}'


def env_of(canaries: Canaries) -> str:
    secret = {name: canaries.value(name) for name in ("SECRET_KEY", "DATABASE_PASSWORD", "CACHE", "STRIPE", "NOTE")}
    token = {name: text.split("'")[-1].split()[0] for name, text in secret.items()}
    return "\n".join(
        [
            "# the old file",
            f"SECRET_KEY='{token['SECRET_KEY'] * 3}'",
            f"DATABASE_URL=postgresql://shop:{token['DATABASE_PASSWORD']}@db.example.com:5432/shop",
            "DB_USER=shop",
            f"DB_PASSWORD={token['DATABASE_PASSWORD']}",
            f"REDIS_URL=rediss://:{token['CACHE']}@cache.example.com:6379/0",
            f"CELERY_BROKER_URL=rediss://:{token['CACHE']}@cache.example.com:6379/1",
            f"export STRIPE_API_KEY={token['STRIPE']}",
            "DEBUG=False",
            "ALLOWED_HOSTS=shop.example.com,www.example.com",
            "CSRF_TRUSTED_ORIGINS=https://shop.example.com",
            "EMAIL_PORT=587",
            "DEFAULT_FROM_EMAIL=shop@example.com",
            "DJANGO_SETTINGS_MODULE=shop.settings.production",
            'NOTE="two words"',
            f'SIGNING_KEY="{KEY}"',
            f"GOOGLE_CREDENTIALS='{JSON}'",
            "UNUSED=",
            "",
        ]
    )


@pytest.mark.slow
def test_from_an_old_file_to_the_same_deploy(lab: Lab) -> None:
    """A draft without a value in it, which as it is takes the values; the old file is what a deploy writes."""
    account = Account(lab)
    (host,) = lab.add_hosts()
    canaries = Canaries()
    old = lab.directory / "old.env"
    old.touch(mode=0o600)
    old.write_text(env_of(canaries), encoding="utf-8")
    draft = lab.directory / "draft.yml"
    arguments = ("-e", f"import_file={old}", "-e", f"import_draft_path={draft}", "-vvvv", "--diff")
    drafted = lab.run(*arguments, "-e", "import_application=shop", playbook=IMPORT)
    assert drafted.code == 0, drafted.output
    assert drafted.operations == []
    assert not canaries.found(draft.read_bytes() + drafted.output.encode())
    again = lab.run(*arguments, "-e", "import_application=shop", playbook=IMPORT)
    assert again.result("web1")["changed"] == 0

    commands = re.findall(r"watchparty\.secrets\.(\w+) -e", drafted.text.partition("Then run, in this order:")[2])
    assert commands == ["provision", "import", "provision", "deploy"]

    lab.catalog = yaml.safe_load(draft.read_text(encoding="utf-8"))["secrets_catalog"]
    assert lab.catalog["credentials"]["database"]["kind"] == "postgresql_role"
    assert lab.catalog["readers"] == ["shell", "systemd", "docker_compose"]
    lab.host_vars[host.name]["app_environment"] = "staging"
    refused = lab.run(*arguments, "-e", "import_values=true", playbook=IMPORT)
    assert refused.code != 0
    assert f"app_environment is {ENVIRONMENT}, but {host.name} declares staging" in refused.text
    assert refused.operations == []
    lab.host_vars[host.name]["app_environment"] = ENVIRONMENT
    looked = lab.run(*arguments, "-e", "import_values=true", "--check", playbook=IMPORT)
    assert looked.code == 0, looked.output
    assert set(looked.operations) <= READS
    run = lab.run(*arguments, "-e", "import_values=true", playbook=IMPORT)
    assert run.code == 0, run.output
    assert "a deploy would write 16 settings as in " in run.text
    assert "a deploy would leave out empty settings: UNUSED" in run.text
    assert not canaries.found(run.output.encode())
    core = account.secret(f"shop/{ENVIRONMENT}/core")
    assert core["DB_PASSWORD"] in core["DATABASE_URL"]
    lab.deploy("-e", "env_deploy_restart=false")
    from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv

    values = dotenv.from_dotenv(old.read_text(encoding="utf-8"))
    assert values.pop("UNUSED") == ""
    assert host.values() == values

    old.write_text(old.read_text(encoding="utf-8").replace("587", "25") + "LOST=1\n", encoding="utf-8")
    differs = lab.run(*arguments, "-e", "import_values=true", playbook=IMPORT)
    assert differs.code != 0
    assert "LOST: is neither a setting nor a credential" in differs.text
    changed = (
        old.read_text(encoding="utf-8").replace("LOST=1\n", "NEW_TOKEN=new\n").replace("SECRET_KEY='", "SECRET_KEY='k")
    )
    old.write_text(changed, encoding="utf-8")
    lab.catalog["settings"]["NEW_TOKEN"] = {"group": "core"}
    before = account.state()
    differs = lab.run(*arguments, "-e", "import_values=true", playbook=IMPORT)
    assert differs.code != 0
    assert "Nothing was written" in differs.text
    assert account.state() == before
    other = "holds another value than the given one, and keeps it."
    assert f"{other} To change it, run ansible-playbook watchparty.secrets.set -e set_names=EMAIL_PORT" in differs.text
    command = "ansible-playbook watchparty.secrets.set -e set_names=SECRET_KEY -e set_force=true"
    assert f"{other} If the given value is already in use, run {command}." in differs.text

    value = lab.directory / "value"
    value.touch(mode=0o600)
    value.write_text(values["SECRET_KEY"].join(("k", "\n")), encoding="utf-8")
    given = ("-e", "set_names=SECRET_KEY", "-e", "set_force=true", "-e", f"set_value_file={value}")
    changed_key = lab.run(*given, playbook=SET)
    assert changed_key.code == 0, changed_key.output
    old.write_text(changed.replace("EMAIL_PORT=25", "EMAIL_PORT=587"), encoding="utf-8")
    again = lab.run(*arguments, "-e", "import_values=true", playbook=IMPORT)
    assert again.code == 0, again.output
    assert "a deploy would write 17 settings as in " in again.text


@pytest.mark.parametrize("arguments", [(), ("-e", "import_values=true")], ids=["draft", "values"])
def test_without_a_file(lab: Lab, arguments: tuple[str, ...]) -> None:
    lab.add_hosts()
    run = lab.run(*arguments, playbook=IMPORT)
    assert run.code != 0
    assert "Nothing was read: no file was named; give -e import_file=FILE" in run.text
    assert run.operations == []


def test_a_developers_own_file_without_aws(lab: Lab) -> None:
    """Examples, and a key that nobody else has; what the file has stays; no store is reachable, and none is asked."""
    lab.add_hosts()
    settings = lab.catalog["settings"]
    settings["DATABASE_URL"]["example"] = "sqlite:///db.sqlite3"
    path = lab.directory / "developer.env"
    arguments = ("-e", "app_environment=local", "-e", f"provision_local_path={path}", "--diff")
    nowhere = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}

    def written() -> dict[str, str]:
        run = lab.run(*arguments, environment=nowhere, playbook=PROVISION)
        assert run.code == 0, run.output
        assert run.operations == []
        values = values_in(path)
        assert values["SECRET_KEY"] not in run.output
        return values

    first = written()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(first.pop("SECRET_KEY")) == 64
    assert first == {"DATABASE_URL": "sqlite:///db.sqlite3", "SWITCH": "True", "MODE": "production"}
    path.write_text("# mine\nMODE=mine\nOTHER=kept\n", encoding="utf-8")
    second = written()
    assert (second["MODE"], second["OTHER"]) == ("mine", "kept")
    assert path.read_text(encoding="utf-8").startswith("# mine\nMODE=mine\nOTHER=kept\n")
    bytes_before = path.read_bytes()
    written()
    assert path.read_bytes() == bytes_before


def values_in(path: Path) -> dict[str, str]:
    from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv

    return dotenv.from_dotenv(path.read_text(encoding="utf-8"))
