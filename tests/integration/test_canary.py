# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""No value is anywhere but in ``.env`` and the last healthy file: unique values, then a search of every byte."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from sandbox.process import REPOSITORY
from tests import state
from tests.integration.canaries import Canaries, Watch, in_files, observers
from tests.integration.harness import Lab, Run, layout


@dataclass(frozen=True)
class Search:
    """Runs under the eyes of everything that could keep a value, and looks for it afterwards."""

    lab: Lab
    canaries: Canaries
    strategy: str = "linear"

    def run(self, *arguments: str) -> tuple[Run, list[str]]:
        lab = self.lab
        variables = {**observers(lab.directory), "ANSIBLE_STRATEGY": self.strategy}
        temporary = [lab.directory / name for name in ("local-temp", "remote-temp", "tmp")]
        with Watch(self.canaries, temporary) as watch:
            run = lab.run("-vvvv", "--diff", *arguments, environment=variables)
        with (lab.directory / "output").open("a", encoding="utf-8") as output:
            output.write(run.output)
        assert watch.rounds > 5
        for name in ("output", "log", "dump"):
            assert (lab.directory / name).stat().st_size > 5000, f"{name} was not written"
        assert json.loads((lab.directory / "outcome").read_text(encoding="utf-8"))["hosts"]
        allowed = [path for host in lab.hosts for path in (host.env_file, state.backup(host.env_file))]
        states = [state.directory(host.env_file) for host in lab.hosts]
        hits = in_files([lab.directory, lab.moto.directory, *states], self.canaries, allowed=allowed)
        return run, sorted({*hits, *watch.hits})


@pytest.mark.parametrize("strategy", ["linear", "free"])
def test_no_value_is_anywhere_else(lab: Lab, strategy: str) -> None:
    """One deploy succeeds; the next fails midway, at an application that shows its ``.env`` in its health answer."""
    first, second = lab.add_hosts(2)
    search = Search(lab, Canaries(), strategy)
    lab.seed(layout("1", token=search.canaries.value))
    run, hits = search.run("-e", "env_deploy_serial=100%")
    assert run.code == 0, run.output[-3000:]
    assert hits == []
    for host in (first, second):
        host.assert_healthy("1")
        assert host.values()["API_TOKEN"].startswith("Ca&/+= '")
    # What is not a secret stays readable: short and common values are not blotted out.
    for message in ('"mode": "0600"', str(first.env_file), "SWITCH", "production", "True", "1", "0"):
        assert message in run.output
    for line in ("+ZERO fingerprint ", "+MODE fingerprint ", "+mode 0600"):
        assert line in run.output

    second.behaves(g2="leak")
    lab.seed(layout("2", token=search.canaries.value))
    run, hits = search.run("-e", "env_deploy_serial=1")
    assert run.code != 0
    assert hits == []
    first.assert_healthy("2")
    second.assert_healthy("1")
    reason = run.text.partition("The rollout stopped.")[2]
    assert "web2: " in reason
    assert "HTTP 500" in reason


@dataclass(frozen=True)
class Sabotage:
    """One line of the collection, made wrong."""

    where: str
    """Words that must be in one of the search's findings."""
    changes: tuple[tuple[str, str, str], ...]
    """File, text, and what replaces it."""
    application: str = "ok"
    """How the application behaves that is deployed to."""


READ = "roles/env_deploy/tasks/read.yml"
END_OF_READ = "  register: env_snapshot\n  run_once: true\n"
ENV_FILE = "plugins/action/env_file.py"
SHOWN = (READ, "    catalog:", "    register_values: true\n    catalog:")
SABOTAGES = {
    "the snapshot holds values": Sabotage("/dump: ", (SHOWN,)),
    "the snapshot's result is not masked": Sabotage(
        "/output: ",
        (
            ("plugins/action/env_snapshot.py", '            "_ansible_no_log": True,\n', ""),
            SHOWN,
        ),
    ),
    "a task shows the snapshot": Sabotage(
        "/output: ",
        (SHOWN, (READ, END_OF_READ, END_OF_READ + "- ansible.builtin.debug:\n    var: env_snapshot.settings\n")),
    ),
    "the task's arguments hold the file": Sabotage(
        "/dump: ",
        (
            (
                ENV_FILE,
                "        masked = ",
                "        self._task.args = args\n        masked = ",
            ),
        ),
    ),
    "the diff shows values": Sabotage(
        "/output: ",
        (
            ("plugins/module_utils/_host/env_file/diff.py", "(name, fingerprint)", "(name, settings[name])"),
            (ENV_FILE, "= redaction.scrub(answer, masked)", "= answer"),
        ),
    ),
    "the snapshot becomes a cached fact": Sabotage(
        "/facts/",
        (
            SHOWN,
            (
                READ,
                END_OF_READ,
                END_OF_READ + "- no_log: true\n  ansible.builtin.set_fact:\n    cacheable: true\n"
                '    kept: "{{ env_snapshot.settings }}"\n',
            ),
        ),
    ),
    "a copy lies beside the file": Sabotage(
        "/web1/.env.copy: ",
        (
            (
                "plugins/module_utils/_host/env_file/atomic_file.py",
                "            os.rename(temporary.name,",
                "            open(at.path + '.copy', 'wb').write(content)\n            os.rename(temporary.name,",
            ),
        ),
    ),
    "others may read the file": Sabotage(
        "/web1/.env: has mode 0644",
        (("roles/env_deploy/defaults/main.yml", 'env_deploy_mode: "0600"', 'env_deploy_mode: "0644"'),),
    ),
    "a command line holds a value": Sabotage(
        "cmdline of a process: API_TOKEN",
        (
            SHOWN,
            (
                "roles/env_deploy/vars/main.yml",
                "command=env_deploy_restart_command | default(none),\n",
                # A second is long enough for the samples of the process list to see it on a busy machine.
                (
                    'command="sh -c \'sleep 1; exec " ~ env_deploy_restart_command ~ "\' sh "'
                    " ~ env_snapshot.settings.API_TOKEN | quote,\n"
                ),
            ),
        ),
    ),
    "the health answer is printed": Sabotage(
        "/output: ",
        (
            (
                "plugins/module_utils/_host/health_check.py",
                'result["status"] = _status(answer, began + seconds)',
                'result["problem"] = answer.read().decode()',
            ),
            (ENV_FILE, "= redaction.scrub(answer, masked)", "= answer"),
        ),
        application="leak",
    ),
}


def test_each_safeguard_that_is_taken_out_is_there() -> None:
    """make long alone takes most of them out."""
    changes = [change for sabotage in SABOTAGES.values() for change in sabotage.changes]
    assert [(name, text) for name, text, _ in changes if text not in (REPOSITORY / name).read_text()] == []


@pytest.mark.parametrize("sabotage", SABOTAGES.values(), ids=SABOTAGES)
def test_the_search_finds_what_a_broken_masking_lets_out(lab: Lab, sabotage: Sabotage) -> None:
    """The search above can fail: each of these runs a copy of the collection with one safeguard taken out of it."""
    clone = lab.directory / "clone"
    for name in ("plugins", "roles", "meta"):
        shutil.copytree(REPOSITORY / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPOSITORY / "playbooks", clone / "playbooks", symlinks=True)
    shutil.copy(REPOSITORY / "galaxy.yml", clone)
    for name, text, broken in sabotage.changes:
        content = (clone / name).read_text(encoding="utf-8")
        assert text in content, f"{name} no longer holds what this test breaks"
        (clone / name).write_text(content.replace(text, broken), encoding="utf-8")
    lab.root = clone
    (host,) = lab.add_hosts()
    host.behaves(g1=sabotage.application)
    search = Search(lab, Canaries())
    lab.seed(layout("1", token=search.canaries.value))
    _, hits = search.run()
    assert [hit for hit in hits if sabotage.where in hit], hits


GUARDED = {
    "files are kept": ((), {"ANSIBLE_KEEP_REMOTE_FILES": "1"}, "unset it"),
    "no pipelining": (("-e", '{"ansible_pipelining": false}'), {}, "set ansible_pipelining: true"),
    "su": (("-e", '{"ansible_become": true, "ansible_become_method": "su"}'), {}, "use sudo"),
}


@pytest.mark.parametrize(("arguments", "environment", "remedy"), GUARDED.values(), ids=GUARDED)
def test_what_would_put_values_on_the_hosts_disk_is_refused(
    lab: Lab, arguments: tuple[str, ...], environment: Mapping[str, str], remedy: str
) -> None:
    (host,) = lab.add_hosts()
    lab.seed()
    run = lab.run(*arguments, environment=environment)
    assert run.code != 0
    assert "Nothing was sent: " in run.text
    assert remedy in run.text
    assert host.files() == {}
    assert host.service == {}


def test_async_is_refused(lab: Lab) -> None:
    """By Ansible itself, before anything is sent: the action does not claim to support it."""
    (host,) = lab.add_hosts()
    lab.seed()
    (lab.directory / "async.yml").write_text(
        "- hosts: app_hosts\n  gather_facts: false\n  vars: {ansible_pipelining: true}\n  tasks:\n"
        "    - watchparty.secrets.env_file:\n"
        "        path: '{{ env_deploy_path }}'\n"
        "        env: {API_TOKEN: canary-of-the-inline-mapping}\n"
        "      async: 30\n      poll: 1\n",
        encoding="utf-8",
    )
    ours = {"ANSIBLE_COLLECTIONS_PATH": str(REPOSITORY / "playbooks" / "collections")}
    run = lab.run("-vvvv", playbook=lab.directory / "async.yml", environment=ours)
    assert run.code != 0
    assert "does not support async" in run.text
    assert "canary-of-the-inline-mapping" not in run.output
    assert host.files() == {}
