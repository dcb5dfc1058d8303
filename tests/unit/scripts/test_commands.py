# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The short command: what it reads and prints, its exit codes, and that no value is in its output."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest
from ansible import constants
from ansible.parsing.vault import VaultLib, VaultSecret

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import DENIED, Contents, Failure
from ansible_collections.watchparty.secrets.plugins.module_utils._core.store_traits import SECRETS_MANAGER
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.secrets_manager import SecretsManager
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.extra_variables import KNOWN
from ansible_collections.watchparty.secrets.scripts.commands import environments, fronts
from tests.unit.scripts.commands_lab import CANARY, Lab, lose_aws


class TestList:
    def test_names_sources_and_versions(self, lab: Lab) -> None:
        lab.store(TOKEN="t", KEY="k" * 60)
        ran = lab.run("list", "test")
        assert ran.code == 0, ran
        assert "TOKEN    secret app/test/core key TOKEN" in ran.out
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

    def test_a_mistyped_environment(self, lab: Lab) -> None:
        lab.inventory(web1="test", web2="live")
        message = "neither a host nor the catalog declares tset; declared: live, test"
        assert message in lab.run("list", "tset").err
        assert "declares" not in lab.run("list", "test").err

    def test_problems_are_exit_code_1(self, lab: Lab) -> None:
        ran = lab.run("list", "test")
        assert ran.code == 1
        assert "problem: TOKEN: is missing; secret app/test/core is missing" in ran.out
        assert lab.run("list", "test", "--json").answer["absent"] == ["KEY", "LEVEL"]


class TestPrintedCommands:
    """Commands of the collection, in messages of code that the playbooks share."""

    @pytest.mark.parametrize("command", ["list", "validate", "doctor"])
    def test_they_can_be_pasted(self, lab: Lab, command: str) -> None:
        shown = "ansible-playbook -i hosts.yml watchparty.secrets.provision -e app_environment=test"
        assert shown in lab.run(command, "test").out

    @pytest.mark.parametrize(
        ("argv", "environment"),
        [(("get", "test", "TOKEN"), " -e app_environment=test"), (("diff", "test", "other"), "")],
        ids=["one environment", "two environments"],
    )
    def test_errors(self, lab: Lab, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...], environment: str) -> None:
        def broken(*_args: object) -> None:
            raise SecretsError("create it: ansible-playbook watchparty.secrets.provision")

        monkeypatch.setattr(environments, "read", broken)
        shown = f"create it: ansible-playbook -i hosts.yml watchparty.secrets.provision{environment}\n"
        assert shown in lab.run(*argv).err


class TestValidate:
    def test_a_file_without_aws(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        lose_aws(monkeypatch)
        (lab.folder / ".env").write_text(f"TOKEN={CANARY}\nOTHER=1\n")
        ran = lab.run("validate", "test", "--file", ".env")
        assert ran.code == 0, ran
        assert "1 setting with a value in .env" in ran.out
        assert "not in the catalog: OTHER" in ran.out
        assert CANARY not in ran.out

    def test_one_problem_is_printed_once(self, lab: Lab) -> None:
        (lab.folder / ".env").write_text("LEVEL=info\n")
        ran = lab.run("validate", "test", "--file", ".env")
        assert ran.code == 1
        assert (ran.out + ran.err).count("TOKEN: is missing") == 1


class TestErrors:
    def test_no_access(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        lose_aws(monkeypatch)
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
        [("list", "test"), ("validate", "test"), ("diff", "test", "--at", "0m"), ("diff", "test", "test")],
        ids=" ".join,
    )
    def test_a_denied_secret_is_no_access(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch, argv: tuple[str, ...]
    ) -> None:
        def read(_self: object, names: list[str], **_more: object) -> Contents:
            return Contents({}, {name: Failure(SECRETS_MANAGER, name, DENIED) for name in names})

        lab.store(TOKEN="t")
        monkeypatch.setattr(SecretsManager, "read", read)
        ran = lab.run(*argv)
        assert ran.code == 3, ran
        assert "secret app/test/core: denied" in ran.out + ran.err

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
    @pytest.fixture
    def program(self, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Path:
        """In place of ansible-playbook; it may send a signal to its parent."""
        program = lab.folder / "ansible-playbook"
        program.write_text(
            '#!/bin/sh\nif [ -n "$SIGNAL" ]; then sleep 0.5; kill -$SIGNAL $PPID; sleep 0.5; fi\n'
            'if [ -n "$OUTCOME" ]; then echo "$OUTCOME" >"$WATCHPARTY_SECRETS_RESULT_FILE"; fi\n'
            'echo "$ANSIBLE_CALLBACKS_ENABLED" >callbacks; exit ${CODE:-0}\n'
        )
        program.chmod(0o700)
        monkeypatch.setattr(fronts, "_program", lambda: str(program))
        return program

    @pytest.mark.parametrize(
        ("argv", "variables"),
        [
            (("undo", "test", "A", "B"), "set_names=A,B set_undo=true set_deploy=true"),
            (("set", "test", "A", "--value-file", "a b"), 'set_names=A {"set_value_file":_"a_b"}'),
            (("provision", "test", "--values-file", "v"), "provision_values_file=v"),
            (("rotate", "test"), ""),
            (("rotate", "test", "a", "--abort"), "rotation_credentials=a rotation_force=true rotation_abort=true"),
            (
                ("rotated-elsewhere", "test", "a", "--at", "2026-11-01", "--reason", "a b"),
                'rotation_elsewhere=a rotation_elsewhere_at=2026-11-01T00:00:00Z {"rotation_elsewhere_reason":_"a_b"}',
            ),
            (("leak", "test", "a"), "leak_credentials=a"),
            (("verify", "test", "WPS201", "--repository", "."), "verify_only=WPS201 verify_repository=."),
            (("scan", "test"), "scan_repositories=."),
        ],
    )
    def test_variables(self, lab: Lab, argv: tuple[str, ...], variables: str) -> None:
        words = shlex.split(lab.run(*argv, "--print").out)
        given = [word.replace(" ", "_") for ahead, word in pairwise(words) if ahead == "-e"]
        assert given == ["app_environment=test", *variables.split()]
        assert set(re.findall(r"\w+(?==)|(?<=\")\w+(?=\":)", variables)) <= frozenset().union(*KNOWN.values())

    @pytest.mark.parametrize(
        "argv",
        [
            ("rotate", "test", ""),
            ("rotated-elsewhere", "test", "a", "--at", "1d", "--reason", ""),
            ("leak", "test", ""),
            ("verify", "test", ","),
            ("deploy", "test", "--limit", ""),
            ("diff", "test", "--host", ""),
        ],
    )
    def test_an_empty_variable_of_the_shell_does_not_mean_everything(self, lab: Lab, argv: tuple[str, ...]) -> None:
        ran = lab.run(*argv, "--print")
        assert (ran.code, ran.out) == (2, "")
        assert "is empty" in ran.err

    @pytest.mark.parametrize(("code", "mapped"), [("0", 0), ("2", 1), ("4", 1), ("5", 2), ("250", 1)])
    def test_exit_codes(self, lab: Lab, program: Path, monkeypatch: pytest.MonkeyPatch, code: str, mapped: int) -> None:
        monkeypatch.setenv("CODE", code)
        ran = lab.run("rotate", "test", "token", "--json")
        assert ran.code == mapped
        assert ran.answer["exit_code"] == int(code)
        assert "rotation_credentials=token" in ran.answer["command"]

    @pytest.mark.parametrize(
        ("states", "code"),
        [
            ({"web1": "ok"}, 0),
            ({"web1": "changed"}, 1),
            ({"web1": "ok", "web2": "changed"}, 1),
            ({"web1": "unreachable"}, 1),
            ({}, 1),
            (None, 1),
        ],
    )
    @pytest.mark.parametrize("options", [(), ("--json",)])
    def test_a_host_that_differs_is_exit_code_1(
        self,
        lab: Lab,
        program: Path,
        monkeypatch: pytest.MonkeyPatch,
        states: dict[str, str] | None,
        code: int,
        options: tuple[str, ...],
    ) -> None:
        """Also where the run left no outcome."""
        if states is not None:
            monkeypatch.setenv("OUTCOME", json.dumps({"hosts": states, "errors": [], "messages": [], "results": {}}))
        assert lab.run("diff", "test", "--host", "web1", *options).code == code
        assert lab.run("deploy", "test", "--check", *options).code == 0

    def test_the_outcome(self, lab: Lab, program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fronts.constants.config, "get_config_value", lambda _name: ["own.callback"])
        outcome = {"hosts": {"web1": "failed"}, "errors": [{"host": "web1", "message": "no"}], "messages": ["a"]}
        (lab.folder / "verify.json").write_text('{"checks": []}')
        verification = {"files": [str(lab.folder / "verify.json"), str(lab.folder / "verify.html")]}
        monkeypatch.setenv("OUTCOME", json.dumps({**outcome, "results": {"verification": verification}}))
        answer = lab.run("verify", "test", "--json").answer
        assert answer["results"] == {"verification": {**verification, "report": {"checks": []}}}
        assert {name: answer[name] for name in outcome} == outcome
        assert (lab.folder / "callbacks").read_text() == "own.callback,watchparty.secrets.result_file\n"

    @pytest.mark.parametrize(("signal", "code"), [("INT", 0), ("TERM", -15)])
    def test_signals(self, lab: Lab, program: Path, monkeypatch: pytest.MonkeyPatch, signal: str, code: int) -> None:
        """Ctrl-C reaches Ansible without this process, which must not kill it."""
        monkeypatch.setenv("SIGNAL", signal)
        assert lab.run("deploy", "test", "--json").answer["exit_code"] == code

    @pytest.mark.parametrize(
        ("exists", "chosen", "callback"),
        [(True, "", "watchparty.secrets.console"), (True, "minimal", "minimal"), (False, "", "")],
    )
    def test_the_output(
        self, lab: Lab, monkeypatch: pytest.MonkeyPatch, exists: bool, chosen: str, callback: str
    ) -> None:
        monkeypatch.setattr(fronts, "CONSOLE", lab.folder / ("hosts.yml" if exists else "absent"))
        monkeypatch.delenv("ANSIBLE_STDOUT_CALLBACK", raising=False)
        if chosen:
            monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", chosen)
        assert fronts._environment().get("ANSIBLE_STDOUT_CALLBACK", "") == callback

    def test_a_check_of_provision_leaves_whole_policies_out(self, lab: Lab) -> None:
        assert lab.run("provision", "test", "--check", "--print").out.endswith(" --check\n")

    def test_print_shows_a_line_to_paste(self, lab: Lab) -> None:
        ran = lab.run("deploy", "test", "--check", "--limit", "web1", "--print", "--", "-f", "20", "-e", "x='a b'")
        assert ran.code == 0
        assert ran.out.startswith("ansible-playbook -i hosts.yml ")
        assert ran.out.endswith(
            "/playbooks/deploy.yml -e app_environment=test --limit web1 --check --diff -f 20 -e 'x='\"'\"'a b'\"'\"''\n"
        )
