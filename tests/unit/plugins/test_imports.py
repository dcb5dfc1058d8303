# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every plugin can be imported where nothing but Ansible is installed, and prints nothing then.

It is what ansible-test's import test asks of a controller's Python, in a fiftieth of the time: in one process.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.process import REPOSITORY, clean_environment

FOLDERS = ("action", "callback", "doc_fragments", "filter", "lookup", "module_utils", "modules", "plugin_utils")
PROGRAM = """\
import importlib, sys

OF_ANSIBLE = "ansible ansible_collections cffi_backend cryptography jinja2 markupsafe packaging resolvelib yaml".split()


class NotInstalled:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in sys.stdlib_module_names and top.lstrip("_") not in OF_ANSIBLE:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)


sys.meta_path.insert(0, NotInstalled())
for name in sys.argv[1:]:
    try:
        importlib.import_module(name)
    except BaseException as error:
        sys.exit(f"{name}: {type(error).__name__}: {error}")
"""


def imported(*names: str) -> str:
    """What a process says that imports these modules."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *names],
        env=clean_environment(PYTHONPATH=str(REPOSITORY / "playbooks" / "collections")),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr


def test_every_plugin_can_be_imported() -> None:
    plugins = REPOSITORY / "plugins"
    files = [path for folder in FOLDERS for path in sorted((plugins / folder).rglob("*.py"))]
    names = [".".join(path.relative_to(plugins).with_suffix("").parts).removesuffix(".__init__") for path in files]
    assert len(names) > 200
    assert imported(*(f"ansible_collections.watchparty.secrets.plugins.{name}" for name in names)) == ""


@pytest.mark.parametrize("name", ["boto3", "no_such_module"])
def test_what_is_not_ansibles_is_missed(name: str) -> None:
    assert f"{name}: ModuleNotFoundError: " in imported(name)


def test_every_folder_of_plugins_is_tried() -> None:
    found = {
        path.name for path in (REPOSITORY / "plugins").iterdir() if path.is_dir() and any(Path(path).rglob("*.py"))
    }
    assert found == set(FOLDERS)
