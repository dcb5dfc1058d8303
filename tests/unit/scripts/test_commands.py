# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The short command: what it reads and prints, its exit codes, and that no value is in its output."""

from __future__ import annotations

import json

import pytest
from ansible import constants
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.watchparty.secrets.scripts.commands import environments
from tests.unit.scripts.commands_lab import CANARY, Lab


class TestList:
    def test_names_sources_and_versions(self, lab: Lab) -> None:
        lab.store(TOKEN="t", KEY="k" * 60)
        ran = lab.run("list", "test")
        assert ran.code == 0, ran
        assert "TOKEN    secretsmanager app/test/core TOKEN" in ran.out
        assert "optional and absent: LEVEL" in ran.out
        assert CANARY not in ran.out + ran.err

    def test_json(self, lab: Lab) -> None:
        lab.store(TOKEN="t")
        answer = lab.run("list", "test", "--json").answer
        assert {row["setting"]: row["source"] for row in answer["settings"]} == {
            "MODE": "catalog",
            "TOKEN": "secretsmanager",
        }
        assert answer["absent"] == ["KEY", "LEVEL"]

    def test_problems_are_exit_code_1(self, lab: Lab) -> None:
        ran = lab.run("list", "test")
        assert ran.code == 1
        assert "problem: TOKEN: is missing; secret app/test/core is missing" in ran.out


class TestValidate:
    def test_a_file_without_aws(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        (lab.folder / ".env").write_text(f"TOKEN={CANARY}\nOTHER=1\n")
        ran = lab.run("validate", "test", "--file", ".env")
        assert ran.code == 0, ran
        assert "1 settings have a value in .env" in ran.out
        assert "not in the catalog: OTHER" in ran.out
        assert CANARY not in ran.out

    def test_one_problem_is_printed_once(self, lab: Lab) -> None:
        (lab.folder / ".env").write_text("LEVEL=info\n")
        ran = lab.run("validate", "test", "--file", ".env")
        assert ran.code == 1
        assert (ran.out + ran.err).count("TOKEN: is missing") == 1


class TestErrors:
    def test_no_access(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        ran = lab.run("list", "test", "--json")
        assert ran.code == 3
        assert ran.answer["error"]["type"] == "NoAccess"
        assert "AWS could not be reached" in ran.err

    def test_an_unexpected_error_shows_its_type_and_place_alone(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_args: object) -> None:
            raise KeyError(CANARY)

        monkeypatch.setattr(environments, "read", broken)
        ran = lab.run("list", "test")
        assert ran.code == 1
        assert ran.err.startswith("secrets: unexpected error: KeyError at test_commands.py:")
        assert CANARY not in ran.out + ran.err

    @pytest.mark.parametrize(
        "argv",
        [
            (),
            ("frob",),
            ("list",),
            ("list", "Prod uction"),
            ("list", "test", "--", "x"),
            ("list", "test", "-i", "absent"),
        ],
        ids=" ".join,
    )
    def test_wrong_usage(self, lab: Lab, argv: tuple[str, ...]) -> None:
        ran = lab.run(*argv)
        assert ran.code == 2
        assert ran.err

    def test_no_inventory(self, lab: Lab) -> None:
        (lab.folder / "hosts.yml").unlink()
        ran = lab.run("list", "test")
        assert ran.code == 2
        assert "this folder has none of inventory, inventory.yml, hosts.yml" in ran.err


class TestInventory:
    def test_an_encrypted_catalog(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        password = lab.folder / "password"
        password.write_text("canary-password")
        monkeypatch.setattr(constants, "DEFAULT_VAULT_PASSWORD_FILE", str(password))
        catalog = lab.folder / "group_vars" / "all" / "catalog.yml"
        vault = VaultLib([("default", VaultSecret(b"canary-password"))])
        catalog.write_bytes(vault.encrypt(catalog.read_text()))
        (lab.folder / ".env").write_text("TOKEN=x\n")
        assert lab.run("validate", "test", "--file", ".env").code == 0

    def test_each_environment_has_its_hosts_catalog(self, lab: Lab) -> None:
        lab.inventory(web1="test", web2="other")
        second = {"application": "second", "settings": {"TOKEN": {"group": "core"}}}
        (lab.folder / "host_vars").mkdir()
        (lab.folder / "host_vars" / "web2.yml").write_text(json.dumps({"secrets_catalog": second}))
        (lab.folder / ".env").write_text("TOKEN=x\n")
        ran = lab.run("validate", "other", "--file", ".env", "--json")
        assert ran.answer["application"] == "second"

    def test_no_catalog(self, lab: Lab) -> None:
        (lab.folder / "group_vars" / "all" / "catalog.yml").unlink()
        ran = lab.run("list", "test")
        assert ran.code == 1
        assert "the inventory hosts.yml has no secrets_catalog" in ran.err


class TestFronts:
    def test_print_shows_a_line_to_paste(self, lab: Lab) -> None:
        ran = lab.run("deploy", "test", "--check", "--limit", "web1", "--print", "--", "-f", "20", "-e", "x='a b'")
        assert ran.code == 0
        assert ran.out.startswith("ansible-playbook -i hosts.yml ")
        assert ran.out.endswith(
            "/playbooks/deploy.yml -e app_environment=test --limit web1 --check --diff -f 20 -e 'x='\"'\"'a b'\"'\"''\n"
        )
