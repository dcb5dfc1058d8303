# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What runs a module of ours on a host in place of ansible.module_utils.basic, whose import costs more than the module.

The controller sends this file and the module's own sources on standard input, so nothing lies on the host's disk.
Options were checked on the controller; only defaults and paths are left to do. Standard library only; Python 3.8.
"""

from __future__ import annotations

import json
import os
import sys
import types
from typing import Any, Dict, NoReturn

BASIC = "ansible.module_utils.basic"
LATE = (
    "not done after %.0f s: what it waits for on this host, or a server that it asks, accepts connections and never "
    "answers. Look there; raise secrets_host_timeout if it is only slow"
)


def answer(result: Dict[str, Any]) -> None:
    """Says the result on a line of its own, whatever was said before it."""
    sys.stdout.write("\n" + json.dumps(result) + "\n")


def end_after(seconds: float) -> None:
    """Ends this process with a failure: drivers wait without end for a server that accepts and never answers."""
    import threading  # every host pays for an import, and only programs with a limit need it

    def end() -> None:
        answer({"failed": True, "msg": LATE % seconds})
        sys.stdout.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def start(
    sources: Dict[str, str],
    main: str,
    params: Dict[str, Any],
    check_mode: bool,
    diff: bool,
    seconds: float = 0,
    imports: str = "",
    private: bool = False,
) -> None:
    """Runs the module named ``main`` out of ``sources``, which stand in the order of their imports.

    It ends after ``seconds``, if they are given. With ``imports``, the source of ``_trusted_imports``, it may import
    the interpreter's packages: as root or with ``private`` values from trusted files only.
    """
    if seconds:
        end_after(seconds)
    if imports:
        trusted: Dict[str, Any] = {"__name__": "trusted_imports"}
        exec(compile(imports, "trusted_imports", "exec"), trusted)  # noqa: S102 - as below
        trusted["enable"](checked=private or os.geteuid() == 0)

    class AnsibleModule:
        def __init__(self, argument_spec: Dict[str, Any], **_others: Any) -> None:
            self.params: Dict[str, Any] = {}
            for name, option in argument_spec.items():
                value = params.get(name, option.get("default"))
                if option.get("type") == "path" and value is not None:
                    value = os.path.expanduser(os.path.expandvars(value))
                self.params[name] = value
            self.check_mode = check_mode
            self._diff = diff

        def exit_json(self, **result: Any) -> NoReturn:
            answer(result)
            raise SystemExit(0)

        def fail_json(self, msg: str, **result: Any) -> NoReturn:
            answer({"failed": True, "msg": msg, **result})
            raise SystemExit(1)

    basic = types.ModuleType(BASIC)
    basic.AnsibleModule = AnsibleModule  # type: ignore[attr-defined]
    sys.modules[BASIC] = basic
    for name, source in sources.items():
        module = types.ModuleType(name)
        sys.modules[name] = module
        package, _dot, leaf = name.rpartition(".")
        # ``from package import leaf`` looks the leaf up in its package.
        setattr(sys.modules.setdefault(package, types.ModuleType(package)), leaf, module)
        exec(compile(source, name, "exec"), module.__dict__)  # noqa: S102 - the collection's own files, sent by its controller
    sys.modules[main].main()
