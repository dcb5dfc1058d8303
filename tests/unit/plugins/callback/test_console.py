# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the callback shows of each event. ``tests/integration/test_console.py`` has the events of a real run."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from ansible import constants
from ansible.executor.stats import AggregateStats
from ansible.plugins.callback import default
from ansible.utils.context_objects import CLIArgs

from ansible_collections.watchparty.secrets.plugins.callback import console

HOSTILE = "web\x1b[2J\x1b]0;title\x07\x9b31m down"
SHOWN_HOSTILE = "web[2J]0;title31m down"


KINDS = default.CallbackModule, console.CallbackModule


class Terminal:
    """Ansible's Display."""

    def __init__(self) -> None:
        self.verbosity, self.columns = 0, 80
        self.lines: list[str] = []
        self.colours: list[str | None] = []
        self.errors: list[str] = []

    def display(self, text: str, color: str | None = None, stderr: bool = False, **_how: Any) -> None:
        self.lines += re.sub(r"\d\d:\d\d:\d\d", "TIME", text).split("\n")
        self.colours.append(color)
        self.errors += [text] if stderr else []

    def banner(self, text: str) -> None:
        self.display(f"BANNER {text}")

    def warning(self, text: str) -> None:
        self.display(f"[WARNING]: {text}")


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(console.time, "monotonic", made)
    return made


@pytest.fixture
def callback(terminal: Terminal, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> console.CallbackModule:
    monkeypatch.setattr(console.context, "CLIARGS", CLIArgs({"check": False}))
    made = console.CallbackModule()
    made._display = terminal
    options = {"display_failed_stderr": False, "result_format": "json", "pretty_results": None}
    made._plugin_options = {**options, "display_ok_hosts": True, "display_skipped_hosts": True}
    made._plugin_options |= {"check_mode_markers": False, "show_task_path_on_failure": False}
    return made


def play(*hosts: str, later: tuple[str, ...] = ()) -> Any:
    """``later`` are hosts of batches that follow."""

    def get_hosts(pattern: str, *, ignore_restrictions: bool = False) -> list[Any]:
        names = (*hosts, *later) if ignore_restrictions else hosts
        return [SimpleNamespace(get_name=lambda name=name: name) for name in names]

    inventory = SimpleNamespace(get_hosts=get_hosts)
    manager = SimpleNamespace(_inventory=inventory)
    traits = {"hosts": "app_hosts", "strategy": "linear", "check_mode": False}
    return SimpleNamespace(get_variable_manager=lambda: manager, get_name=lambda: "Deploy", **traits)


def task(name: str = "Deploy it", **traits: Any) -> Any:
    usual = {
        "action": "example.own.thing",
        "run_once": False,
        "check_mode": False,
        "loop": None,
        "delegate_to": None,
        "ignore_errors": None,
        "any_errors_fatal": None,
        "ignore_unreachable": None,
        "no_log": None,
        "_uuid": name,
        "_parent": None,
    }
    return SimpleNamespace(name=name, get_name=lambda: f"role : {name}", get_path=lambda: "", **{**usual, **traits})


def result(host: str = "web1", of: Any = None, *, warnings: tuple[str, ...] = (), **content: Any) -> Any:
    seen = [SimpleNamespace(event=SimpleNamespace(msg=text)) for text in warnings]
    content = {**content, "warnings": list(warnings)} if warnings else content
    return SimpleNamespace(
        host=SimpleNamespace(get_name=lambda: host), task=of or task(), result=content, warnings=seen, exception=None
    )


def test_what_changed_nothing_is_not_shown(callback: Any, terminal: Terminal) -> None:
    callback.v2_playbook_on_start(None)
    callback.v2_playbook_on_play_start(play("web1"))
    callback.v2_playbook_on_no_hosts_matched()
    callback.v2_playbook_on_no_hosts_remaining()
    callback.v2_playbook_on_task_start(task(), False)
    callback.v2_playbook_on_handler_task_start(task())
    callback.v2_playbook_on_include(None)
    callback.v2_runner_on_ok(result(changed=False))
    callback.v2_runner_on_skipped(result(skipped=True))
    callback.v2_runner_item_on_skipped(result(skipped=True))
    callback.v2_runner_on_async_ok(result())
    callback.v2_runner_on_async_failed(result())
    assert terminal.lines == []


def test_a_change_is_one_line(callback: Any, terminal: Terminal) -> None:
    callback.v2_runner_on_ok(result(changed=True))
    callback.v2_runner_on_ok(result(changed=True, of=task(check_mode=True)))
    callback.v2_runner_on_ok(result(changed=True, of=task("Start the rotation", run_once=True)))
    loop = task("Create it", loop=["a"])
    callback.v2_runner_item_on_ok(result(changed=True, of=loop, item="a"))
    callback.v2_runner_on_ok(result(changed=True, of=loop, results=[{"changed": True}]))
    assert terminal.lines == [
        "TIME  changed        web1           Deploy it",
        "TIME  would change   web1           Deploy it",
        "TIME  changed        web1           Create it (a)",
    ]


def test_messages_are_plain_lines(callback: Any, terminal: Terminal) -> None:
    once, each = task(action="ansible.builtin.debug", run_once=True), task(action="ansible.builtin.debug")
    callback.v2_playbook_on_play_start(play("web1", "web2"))
    callback.v2_runner_on_ok(result(of=once, msg=["rotation r-1 is complete", f"hosts: {HOSTILE}"], changed=False))
    callback.v2_runner_on_ok(result(of=each, msg="healthy\nafter 2 s"))
    callback.v2_runner_on_ok(result("web2", each, msg="web2: set rotation_python"))
    assert terminal.lines == [
        "rotation r-1 is complete",
        f"hosts: {SHOWN_HOSTILE}",
        "web1: healthy",
        "web1: after 2 s",
        "web2: set rotation_python",
    ]


def test_an_error_is_shown_once(callback: Any, terminal: Terminal) -> None:
    failing = task("Start it")
    for host in ("web1", "web2"):
        callback.v2_runner_on_failed(result(host, failing, msg="Task failed: nope: is not a credential. Give another"))
    callback.v2_runner_on_failed(result("web3", failing, msg="non-zero return code", stderr=f"a\n{HOSTILE}\n"))
    loop = task("Each", loop=["a"])
    callback.v2_runner_item_on_failed(result("web1", loop, msg="no", item="a"))
    callback.v2_runner_on_failed(result("web1", loop, msg="One or more items failed", results=[]))
    callback.v2_runner_on_failed(result("web4", censored="hidden"))
    callback.v2_runner_on_failed(result("web5", msg="web5: its port is closed"))
    assert terminal.lines == [
        "ERROR web1: nope: is not a credential. Give another",
        "ERROR web2: the same error as on web1",
        "ERROR web3: non-zero return code",
        "  a",
        f"  {SHOWN_HOSTILE}",
        "ERROR web1 (a): no",
        "ERROR web4: hidden",
        "ERROR web5: its port is closed",
    ]
    assert set(terminal.colours) == {constants.COLOR_ERROR}


def test_no_text_of_a_host_looks_like_another_line(callback: Any, terminal: Terminal) -> None:
    callback.v2_playbook_on_play_start(play("web1", "web10"))
    callback.v2_runner_on_ok(result(of=task(action="ansible.builtin.debug"), msg="web10: healthy"))
    callback.v2_runner_on_failed(result(msg="no\nhosts: 2 ok; 1 s"))
    assert terminal.lines == ["web1: web10: healthy", "ERROR web1: no", "  hosts: 2 ok; 1 s"]


def test_a_command_can_be_pasted(callback: Any, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console.context, "CLIARGS", CLIArgs({"inventory": ["hosts.yml"]}))
    text = "Deploy again: ansible-playbook watchparty.secrets.deploy"
    callback.v2_runner_on_failed(result(msg=text, warnings=(text,)))
    shown = "Deploy again: ansible-playbook -i hosts.yml watchparty.secrets.deploy"
    assert terminal.lines == [f"[WARNING]: {shown}", f"ERROR web1: {shown}"]


def test_errors_go_where_ansible_is_told_to_write_them(callback: Any, terminal: Terminal) -> None:
    callback._plugin_options["display_failed_stderr"] = True
    callback.v2_runner_on_failed(result(msg="no"))
    assert terminal.errors == ["ERROR web1: no"]


def test_a_failure_that_the_play_handles_is_one_line(callback: Any, terminal: Terminal) -> None:
    block = SimpleNamespace(rescue=["something"], block=[], _parent=None)
    inner = SimpleNamespace(rescue=[], block=[], _parent=block, _uuid="inner")
    block.block.append(SimpleNamespace(_uuid="inner"))
    callback.v2_runner_on_failed(result(msg="asked 2 times\nno answer"), ignore_errors=True)
    callback.v2_runner_on_failed(result(of=task(_parent=inner), msg="no answer"))
    loop = task("Each", loop=["a"], ignore_errors=True)
    callback.v2_runner_item_on_failed(result(of=loop, msg="no", item="a"))
    callback.v2_runner_on_failed(result(of=task("In the rescue", _parent=block), msg="worse"))
    assert terminal.lines == [
        "TIME  failed         web1           Deploy it: asked 2 times",
        "TIME  failed         web1           Deploy it: no answer",
        "TIME  failed         web1           Each (a): no",
        "ERROR web1: worse",
    ]


def test_a_host_is_unreachable_once(callback: Any, terminal: Terminal) -> None:
    lost = {"msg": "Connection refused", "unreachable": True}
    callback.v2_runner_item_on_failed(result(of=task(loop=["a"]), **lost))
    callback.v2_runner_on_unreachable(result(**lost))
    callback.v2_runner_on_unreachable(result("web2", task(ignore_unreachable=True), **lost))
    assert terminal.lines == [
        "TIME  unreachable    web1           Connection refused",
        "TIME  unreachable    web2           Connection refused",
    ]
    callback.v2_runner_on_unreachable(result("web2", **lost))
    assert terminal.colours == [constants.COLOR_ERROR, constants.COLOR_WARN, constants.COLOR_ERROR]


def test_warnings_have_no_excerpts(callback: Any, terminal: Terminal) -> None:
    callback.v2_runner_on_ok(result(warnings=(f"slow {HOSTILE}",)))
    assert terminal.lines == [f"[WARNING]: slow {SHOWN_HOSTILE}"]


def test_diffs_are_shown(callback: Any, terminal: Terminal) -> None:
    names = {"before": "A\n", "after": f"A\n{HOSTILE}\n", "before_header": "in the stores"}
    callback.v2_on_file_diff(result(changed=True, diff=names))
    callback.v2_on_file_diff(result(changed=False, diff={**names, "after": "hidden"}))
    callback.v2_on_file_diff(result(of=task(loop=["a"]), results=[{"changed": True, "diff": [names]}]))
    shown = ["--- before: in the stores", "+++ after", "@@ -1 +1,2 @@", " A", f"+{SHOWN_HOSTILE}"]
    assert terminal.lines == shown * 2


def test_long_work_shows_its_progress(callback: Any, terminal: Terminal, clock: Clock) -> None:
    hosts = [f"web{number}" for number in range(1, 11)]
    callback.v2_playbook_on_play_start(play(*hosts))
    callback.v2_runner_on_failed(result("web10", task("First"), msg="no"))
    callback.v2_playbook_on_task_start(task(), False)
    for host in hosts[:9]:
        clock.now += 3
        callback.v2_runner_on_ok(result(host))
    assert terminal.lines == [
        "ERROR web10: no",
        "TIME  running                       Deploy it: 2 of 9 hosts, about 21 s left",
        "TIME  running                       Deploy it: 6 of 9 hosts, about 9 s left",
    ]


def test_waiting_is_shown_at_times(callback: Any, terminal: Terminal, clock: Clock) -> None:
    callback.v2_playbook_on_play_start(play("web1"))
    callback.v2_playbook_on_task_start(task(), False)
    for attempt in range(1, 9):
        clock.now += 2
        callback.v2_runner_retry(result(attempts=attempt, retries=60))
    clock.now += 30
    callback.v2_runner_on_async_poll(result())
    clock.now += 6
    callback.v2_playbook_on_task_start(task("Next"), False)
    assert terminal.lines == [
        "TIME  waiting        web1           Deploy it: attempt 3 of 60 failed",
        "TIME  waiting        web1           Deploy it: attempt 8 of 60 failed",
        "TIME  waiting        web1           Deploy it",
        "TIME  running                       Next",
    ]


def stats(**counts: tuple[str, ...]) -> AggregateStats:
    made = AggregateStats()
    for name, hosts in counts.items():
        for host in hosts:
            made.increment(name, host)
    return made


def test_the_recap_is_one_line(callback: Any, terminal: Terminal, clock: Clock, monkeypatch: Any) -> None:
    callback.v2_playbook_on_stats(stats())
    clock.now += 75
    callback.v2_runner_on_ok(result(changed=True, of=task(run_once=True)))
    callback.v2_playbook_on_stats(stats(ok=("web1", "web2", "web3"), failures=("web2",), dark=("web3",)))
    monkeypatch.setattr(console.context, "CLIARGS", CLIArgs({"check": True}))
    callback.v2_playbook_on_stats(stats(ok=("web1", "web2", "web3", "localhost")))
    monkeypatch.setattr(console.context, "CLIARGS", CLIArgs({}))
    callback.v2_playbook_on_stats(stats(ok=("web1", "localhost"), failures=("localhost",)))
    callback.v2_playbook_on_stats(stats(ok=("localhost",)))
    assert terminal.lines == [
        "nothing was done: no host matched",
        "hosts: 1 ok, 1 changed, 1 failed (web2), 1 unreachable (web3); 1 min 15 s",
        "hosts: 3 ok, 1 changed; 1 min 15 s (check mode)",
        "hosts: 1 ok, 1 changed, 1 failed (localhost); 1 min 15 s",
        "hosts: 1 ok, 1 changed; 1 min 15 s",
    ]


@pytest.mark.parametrize("traits", [{"any_errors_fatal": True}, {"run_once": True}, {}])
def test_hosts_that_were_cut_off_are_not_ok(callback: Any, terminal: Terminal, traits: dict[str, Any]) -> None:
    callback.v2_playbook_on_play_start(play("web1", "web2", "web3", later=("web4", "web5")))
    callback.v2_runner_on_failed(result("web1", task(**traits), msg="no"))
    if not traits:  # max_fail_percentage
        callback.v2_playbook_on_no_hosts_remaining()
    callback.v2_runner_on_failed(result("web2", task(**traits), msg="no"))
    callback.v2_playbook_on_play_start(play("localhost"))
    callback.v2_playbook_on_stats(stats(ok=("web1", "web2", "web3", "localhost"), failures=("web1", "web2")))
    recap = "hosts: 0 ok, 2 failed (web1, web2), 1 stopped (web3), 2 not started (web4, web5); 0 s"
    assert terminal.lines[-1] == recap


def test_with_v_every_event_is_ansibles_own(callback: Any, terminal: Terminal) -> None:
    terminal.verbosity = 1
    callback.v2_playbook_on_play_start(play("web1"))
    callback.v2_playbook_on_task_start(task(), False)
    callback.v2_runner_on_ok(result(changed=True))
    assert terminal.lines[0] == "BANNER PLAY [Deploy]"
    assert terminal.lines[1] == "BANNER TASK [role : Deploy it]"
    assert terminal.lines[2] == 'changed: [web1] => {"changed": true}'


def test_no_event_is_left_to_ansibles_own() -> None:
    theirs, ours = ({name for name in vars(kind) if name.startswith("v2_")} for kind in KINDS)
    assert theirs - ours == {"v2_runner_on_start", "v2_playbook_on_notify"}, "they print only with -v, or if asked to"


def test_what_ours_cannot_show_is_shown_by_ansibles_own(callback: Any, terminal: Terminal) -> None:
    """A result of another form must neither end the run nor be lost."""
    callback.v2_playbook_on_play_start(SimpleNamespace(get_name=lambda: "Deploy", check_mode=False))
    odd = result(msg="no")
    del odd.task._parent
    callback.v2_runner_on_failed(odd)
    assert terminal.lines == [
        "BANNER PLAY [Deploy]",
        "BANNER TASK [role : Deploy it]",
        'fatal: [web1]: FAILED! => {"msg": "no"}',
    ]
