# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module on a host in place of ansible.module_utils.basic, whose import costs more than the module.

The controller sends this file and the module's sources on standard input, so no file reaches the host's disk. Options
were checked on the controller. Only defaults and paths remain. Standard library only.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any, Callable, Dict, List, NoReturn, Optional

BASIC = "ansible.module_utils.basic"
LATE = (
    "no answer after %.0f s: this host, or a server that it asks, accepts connections but does not "
    "answer. Check the host; raise secrets_host_timeout if it is only slow"
)


ENOUGH = 4 << 20
"""Bytes of results after which another execution does the rest: a longer answer is refused."""


def answer(result: Dict[str, Any]) -> None:
    """Prints the result on its own line, whatever was printed before."""
    sys.stdout.write("\n" + json.dumps(result) + "\n")


def end_after(seconds: float, tell: Callable[[Dict[str, Any]], None] = answer) -> Any:
    """Ends this process with a failure: drivers wait forever for a server that accepts and never answers. Returns a
    timer that can be cancelled.
    """
    import threading  # every host pays for an import, and only programs with a limit need it

    def end() -> None:
        tell({"failed": True, "msg": LATE % seconds})
        sys.stdout.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer


class _Sent:
    """Imports the sent sources, each when needed."""

    def __init__(self, sources: Dict[str, str]) -> None:
        self._sources = sources
        self._folders = {source[:at] for source in sources for at, letter in enumerate(source) if letter == "."}

    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> Any:
        is_package = name in self._folders
        if name not in self._sources and not is_package:
            return None
        spec_type: Any = type(json.__spec__)  # importing importlib would cost every host
        return spec_type(name, self, is_package=is_package)

    def create_module(self, _spec: Any) -> None:
        """Uses Python's default."""

    def exec_module(self, module: Any) -> None:
        source = self._sources.get(module.__name__)
        if source is not None:
            exec(compile(source, module.__name__, "exec"), module.__dict__)  # noqa: S102 - the collection's own files, sent by its controller


def run(**document: Any) -> None:
    """Starts the program, and ends the process at once: Python's own cleanup costs a tenth of a host's CPU time."""
    code: Any = 0
    try:
        start(**document)
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        code = end.code
    sys.stdout.flush()
    os._exit(code)


def start(
    sources: Dict[str, str],
    main: str,
    params: Dict[str, Any],
    check_mode: bool,
    diff: bool,
    seconds: float = 0,
    imports: str = "",
    private: bool = False,
    acts: Optional[List[Dict[str, Any]]] = None,
) -> None:
    """Runs the module ``main`` from ``sources``, in memory.

    ``seconds`` limits the run; 0 for no limit. ``acts`` runs it once for each (:func:`each`). ``imports``, the source
    of ``trusted_imports``, allows the interpreter's packages: as root or with ``private`` values only from trusted
    files.
    """
    if seconds and acts is None:
        end_after(seconds)
    if imports:
        trusted: Dict[str, Any] = {"__name__": "trusted_imports"}
        exec(compile(imports, "trusted_imports", "exec"), trusted)  # noqa: S102 - as below
        trusted["enable"](checked=private or os.geteuid() == 0)

    requests: List[Dict[str, Any]] = [params]
    tell: List[Callable[[Dict[str, Any]], None]] = [answer]

    class AnsibleModule:
        def __init__(self, argument_spec: Dict[str, Any], **_others: Any) -> None:
            self.params: Dict[str, Any] = {}
            for name, option in argument_spec.items():
                value = requests[0].get(name, option.get("default"))
                if option.get("type") == "path" and value is not None:
                    value = os.path.expanduser(os.path.expandvars(value))
                self.params[name] = value
            self.check_mode = check_mode
            self._diff = diff
            self._warnings: List[str] = []

        def warn(self, warning: str) -> None:
            self._warnings.append(warning)

        def exit_json(self, **result: Any) -> NoReturn:
            tell[0]({**result, **self._warned()})
            raise SystemExit(0)

        def fail_json(self, msg: str, **result: Any) -> NoReturn:
            tell[0]({"failed": True, "msg": msg, **result, **self._warned()})
            raise SystemExit(1)

        def _warned(self) -> Dict[str, Any]:
            return {"warnings": self._warnings} if self._warnings else {}

    basic = types.ModuleType(BASIC)
    basic.AnsibleModule = AnsibleModule  # type: ignore[attr-defined]
    sys.modules[BASIC] = basic
    sys.meta_path.insert(0, _Sent(sources))
    __import__(main)
    run: Callable[[], None] = sys.modules[main].main
    if acts is None:
        run()
        return

    def once(act: Dict[str, Any], keep: Callable[[Dict[str, Any]], None]) -> None:
        requests[0], tell[0] = act, keep
        run()

    each(acts, once, seconds)


def each(
    acts: List[Dict[str, Any]],
    once: Callable[[Dict[str, Any], Callable[[Dict[str, Any]], None]], None],
    seconds: float,
) -> None:
    """Carries out acts in order, and answers with the result of each, however others ended.

    An act has ``params``. ``needs`` is the number of an earlier act, whose failure skips this act. A negative number
    means a failure in an earlier execution. After an act that exceeds ``seconds``, or a full answer, the rest is left
    out.
    """
    import time

    results: List[Dict[str, Any]] = []
    began = time.monotonic()

    def keep(result: Dict[str, Any]) -> None:
        results.append({"took": round(time.monotonic() - began, 3), "result": result})

    def late(result: Dict[str, Any]) -> None:
        keep(result)
        answer({"results": results})

    for number, act in enumerate(acts):
        began = time.monotonic()
        needed = act.get("needs")
        if needed is not None and (needed < 0 or results[needed]["result"].get("failed")):
            keep({"failed": True, "msg": "not run, because the action before it failed"})
            continue
        timer = end_after(seconds, late) if seconds else None
        try:
            once(act["params"], keep)
        except SystemExit:
            pass
        except Exception as error:  # noqa: BLE001 - the other acts are carried out all the same
            # Without its text, which may hold a value.
            keep({"failed": True, "msg": "unexpected error: %s (please report it)" % type(error).__name__})
        if timer is not None:
            timer.cancel()
        if len(results) == number:
            keep({"failed": True, "msg": "the module ended without an answer"})
        if len(json.dumps(results)) > ENOUGH:
            break
    answer({"results": results})
