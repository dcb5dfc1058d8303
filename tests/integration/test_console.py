# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The callbacks ``console`` and ``result_file`` in a run with every kind of event."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

from sandbox.process import REPOSITORY, clean_environment, free_port
from tests.integration import prefork
from tests.integration.harness import CONSOLE

CANARY = "canary-of-a-value"
PLAYBOOK = """\
- hosts: web
  gather_facts: false
  tasks:
    - {name: Hello, debug: {msg: "{{ 'hello\\u001b[2J' }}"}, run_once: true}
    - {name: Reach, command: echo, changed_when: false}
    - {name: Change, command: "echo {{ item }}", loop: [a, b], changed_when: item == 'b'}
    - {name: Hide, command: "/bin/sh -c 'echo CANARY; exit 3'", no_log: true, ignore_errors: true}
    - {name: Skip, command: echo, when: false}
    - {name: Try each, command: "/bin/sh -c 'exit {{ item }}'", loop: [0, 4], ignore_errors: "{{ true }}"}
    - {name: Try again, command: /bin/false, retries: 1, delay: 0, until: false, ignore_errors: true}
    - name: Outer
      block:
        - name: Inner
          block:
            - {name: Give up, fail: {msg: "the reason\\u001b]0;title\\u0007"}}
          always:
            - {name: Clean up, debug: {msg: cleaned}, run_once: true}
      rescue:
        - {name: Go on, include_tasks: included.yml}
    - {name: Compare, copy: {content: "B\\n", dest: "{{ playbook_dir }}/file"}, diff: true, run_once: true}
    - {name: Template, debug: {msg: "{{ nothing }}"}, when: inventory_hostname == 'web1'}
    - {name: Fail, command: "/bin/sh -c 'echo the end >&2; exit 2'"}
- hosts: none
  gather_facts: false
  tasks: [{debug: {msg: not shown}}]
"""
INCLUDED = """\
- name: Included
  block:
    - {name: Include, include_tasks: failing.yml}
  rescue:
    - {name: Say so, debug: {msg: handled}, run_once: true}
"""
EACH = """\
TIME  changed        HOST           Change (b)
TIME  failed         HOST           Hide: the output has been hidden due to the fact that 'no_log: true' was specified \
for this result
TIME  changed        HOST           Try each (0)
TIME  failed         HOST           Try each (4): REASON
TIME  failed         HOST           Try again: REASON
TIME  failed         HOST           Give up: the reason]0;title
TIME  failed         HOST           Give up again: another reason""".splitlines()
ONCE = """\
hello[2J
TIME  unreachable    web3           REASON
cleaned
handled
--- before: FILE
+++ after: FILE
@@ -1 +1 @@
-A
+B
ERROR web1: Finalization of task args for 'ansible.builtin.debug' failed: Error while resolving value for 'msg': \
'nothing' is undefined
ERROR web2: REASON
  the end
hosts: 0 ok, 2 changed, 2 failed (web1, web2), 1 unreachable (web3); N s""".splitlines()
REASON = r"(The command exited with a )?non-zero return code\.?|Failed to connect to the host via ssh: .*"


def test_every_kind_of_event(tmp_path: Path) -> None:
    (tmp_path / "all.yml").write_text(PLAYBOOK.replace("CANARY", CANARY), encoding="utf-8")
    (tmp_path / "included.yml").write_text(INCLUDED, encoding="utf-8")
    (tmp_path / "failing.yml").write_text('- {name: Give up again, fail: {msg: "another reason"}}\n', encoding="utf-8")
    (tmp_path / "file").write_text("A\n", encoding="utf-8")
    here = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    lost = {"ansible_host": "127.0.0.1", "ansible_port": free_port(), "ansible_ssh_retries": 0}
    hosts = {"web": {"hosts": {"web1": here, "web2": here, "web3": lost}}}
    (tmp_path / "hosts.yml").write_text(json.dumps(hosts), encoding="utf-8")
    variables = clean_environment(
        **CONSOLE,
        ANSIBLE_CALLBACKS_ENABLED="watchparty.secrets.result_file",
        WATCHPARTY_SECRETS_RESULT_FILE=str(tmp_path / "outcome.json"),
        HOME=str(tmp_path),
        LC_ALL="C.UTF-8",
        ANSIBLE_HOME=str(tmp_path / "ansible"),
        ANSIBLE_COLLECTIONS_PATH=str(REPOSITORY / "playbooks" / "collections"),
    )
    program = str(Path(sys.executable).parent / "ansible-playbook")
    code, output = prefork.play([program, "-i", str(tmp_path / "hosts.yml"), "all.yml"], tmp_path, variables)
    assert code == 4, output
    assert CANARY not in output
    shown = re.sub(r"\d\d:\d\d:\d\d", "TIME", output).replace(str(tmp_path / "file"), "FILE")
    shown = re.sub(r"; \d+ s$", "; N s", re.sub(REASON, "REASON", shown.strip()), flags=re.MULTILINE)
    each = {line.replace("HOST", host) for line in EACH for host in ("web1", "web2")}
    lines = [line for line in shown.split("\n") if "  running  " not in line]
    assert {line for line in lines if line in each} == each, output
    assert [line for line in lines if line not in each] == ONCE, output
    assert (tmp_path / "outcome.json").stat().st_mode & 0o777 == 0o600
    outcome = json.loads((tmp_path / "outcome.json").read_text(encoding="utf-8"))
    assert outcome["hosts"] == {"web1": "failed", "web2": "failed", "web3": "unreachable"}
    assert outcome["messages"] == ["hello[2J", "cleaned", "handled"]
    assert [error["host"] for error in outcome["errors"]] == ["web3", "web1", "web2"]
    assert outcome["errors"][2]["message"].endswith("\n  the end")
    assert CANARY not in json.dumps(outcome)
