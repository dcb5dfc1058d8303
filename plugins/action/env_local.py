# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser, dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError, ProvisionError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import seal
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.controller_action import ControllerAction
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import local_env
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.context import new_value
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import load_kinds

OPTIONS: dict[str, Any] = {
    "catalog": {"type": "dict", "required": True},
    "environment": {"type": "str", "default": "local"},
    "path": {"type": "path", "required": True},
    "kinds_path": {"type": "list", "elements": "path", "default": []},
}


class ActionModule(ControllerAction):
    options = OPTIONS

    def result(self, args: dict[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        catalog = catalog_parser.parse(args["catalog"], args["environment"])
        present = present_in(Path(args["path"]), catalog.readers)
        settings = local_env.settings(catalog, load_kinds(args["kinds_path"]), present, new_value)
        return {
            "changed": False,
            "_ansible_no_log": True,
            **seal.sealed(settings=settings),
            "fingerprints": seal.fingerprints(settings),
            "sensitivity": {name: catalog.settings[name].sensitivity for name in settings},
            "readers": list(catalog.readers),
            "snapshot_id": "local",
            "names": sorted(settings),
        }


def present_in(path: Path, readers: Sequence[str]) -> set[str]:
    if not os.path.lexists(path):
        return set()
    try:
        return set(dotenv.from_dotenv(path.read_bytes().decode(), readers))
    except OSError as error:
        raise ProvisionError([f"{path}: cannot be read: {error.strerror}; correct its owner and mode"]) from None
    except UnicodeDecodeError:
        raise ProvisionError([f"{path}: is not UTF-8"]) from None
    except DotenvError as error:
        raise ProvisionError([f"{path}: {error}"]) from None
