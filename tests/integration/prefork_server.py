# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The process that :mod:`tests.integration.prefork` starts: it imports Ansible and forks for each run.

A request is a message with the run's arguments, folder and variables, and two descriptors: where its output goes, and
where its process id and its exit code are written. It ends when the other side of the socket is closed.

With the argument OURS it has imported the repository's own plugins too.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
from contextlib import suppress
from functools import cache
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
OURS = "ours"
"""Asks for the repository's plugins."""
RUN_BY_ALL = ("executor.process.worker", "executor.task_executor", "playbook.role_include")
KINDS = ("become", "cache", "callback", "connection", "inventory", "shell", "strategy", "vars")
"""Of Ansible's own plugins those that a run looks at whatever it does."""
LARGEST = 1 << 18
"""Bytes of a request."""
SERVICES = ("cloudwatch", "events", "iam", "kms", "logs", "s3", "secretsmanager", "ssm", "sts")
"""Those that most runs ask."""
LATE = ("_strptime", "boto3.s3.inject")
"""Small modules that most workers import when they first need them."""


def serve(requests: socket.socket) -> bool:
    """Fork for each request. True in the process of a run, False in the server when there are no more of them."""
    while True:
        text, descriptors, _, _ = socket.recv_fds(requests, LARGEST, 2)
        if not text:
            return False
        output, status = descriptors
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if os.fork() == 0:
            process = os.fork()
            if process:
                watch(process, output, status)
            requests.close()
            os.close(status)
            become(json.loads(text), output)
            return True
        os.close(output)
        os.close(status)


def watch(process: int, output: int, status: int) -> None:
    """Tell the process id of a run and its exit code, as a parent would learn it."""
    os.close(output)
    os.write(status, b"%d\n" % process)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    with suppress(BrokenPipeError):
        os.write(status, b"%d\n" % code)
    os._exit(0)


def become(request: dict[str, object], output: int) -> None:
    """Be a new process: a session, output, folder, variables and arguments of its own."""
    os.setsid()
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.close(output)
    os.chdir(str(request["folder"]))
    os.environ.clear()
    os.environ.update(request["variables"])  # type: ignore[call-overload]
    sys.argv[:] = list(request["arguments"])  # type: ignore[call-overload]
    # Ansible makes this folder while it is imported, and removes it at its end.
    constants: Any = importlib.import_module("ansible.constants")
    place = Path(constants.DEFAULT_LOCAL_TMP).parent
    constants.DEFAULT_LOCAL_TMP = tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=place)
    atexit.register(shutil.rmtree, constants.DEFAULT_LOCAL_TMP, ignore_errors=True)
    for handler in logging.getLogger().handlers:
        handler.close()  # the log of an earlier run, which a test may have removed; the first line opens it anew


def read_metadata_once(finder: Any) -> None:
    """Parse what Ansible parses at each start: where the plugins of ansible.builtin and amazon.aws are."""
    finder._meta_yml_to_dict = cache(finder._meta_yml_to_dict)
    builtin = Path(finder.__file__).parents[2] / "config" / "ansible_builtin_runtime.yml"
    aws = builtin.parents[2] / "ansible_collections" / "amazon" / "aws" / "meta" / "runtime.yml"
    for name, path in (("ansible.builtin", builtin), ("amazon.aws", aws)):
        finder._meta_yml_to_dict(path.read_bytes(), (name, "runtime.yml"))


def use_bytecode(finder: Any) -> None:
    """Load collections as Python loads modules; Ansible compiles theirs at each start.

    Copies of the collection that tests change are compiled as ever: a change may keep a file's size and second.
    """
    loader = finder._AnsibleCollectionPkgLoaderBase
    compiled = loader.get_code

    def get_code(self: Any, name: str) -> Any:
        path = self._source_code_path
        if path and path.endswith(".py") and path.startswith((f"{REPOSITORY}/", f"{sys.prefix}/")):
            self._compiled_code = self._compiled_code or SourceFileLoader(name, path).get_code(name)
        return compiled(self, name)

    loader.get_code = get_code


def read_models_once() -> None:
    """Parse the descriptions of the AWS services that runs ask; each session of botocore reads them anew.

    The collection's own sessions ask for a loader by the other name, and get the same one.
    """
    session, loaders = (importlib.import_module(f"botocore.{name}") for name in ("session", "loaders"))
    loaders.create_loader = session.create_loader = cache(session.create_loader)
    for service in SERVICES:
        session.get_session().create_client(
            service, region_name="eu-west-3", aws_access_key_id="none", aws_secret_access_key="none"
        )


def read_plugins_once(finder: Any, ours: bool) -> None:
    """Import plugins and parse their options. Each run then finds collections by itself, as the program does."""
    loader: Any = importlib.import_module("ansible.plugins.loader")
    loader.init_plugin_loader([str(REPOSITORY / "playbooks" / "collections")])
    for name in RUN_BY_ALL:
        importlib.import_module(f"ansible.{name}")
    for kind in KINDS:
        list(getattr(loader, f"{kind}_loader").all(class_only=True))
    for path in REPOSITORY.glob("plugins/*/[a-z]*.py") if ours else ():
        if path.parent.name in ("action", "filter", "lookup"):
            importlib.import_module(f"ansible_collections.watchparty.secrets.plugins.{path.parent.name}.{path.stem}")
    finder._AnsibleCollectionFinder._remove()


def wait_calmly() -> None:
    """A run asks its workers a thousand times a second whether they are done, which is 3 % of a processor."""
    constants: Any = importlib.import_module("ansible.constants")
    constants.DEFAULT_INTERNAL_POLL_INTERVAL = 0.01


def main() -> int:
    requests = socket.socket(fileno=int(sys.argv[1]))
    sys.path[0] = str(Path(sys.executable).parent)  # as for the program ansible-playbook
    playbook = importlib.import_module("ansible.cli.playbook")
    for name in ("boto3", *LATE):
        importlib.import_module(name)
    finder = importlib.import_module("ansible.utils.collection_loader._collection_finder")
    wait_calmly()
    read_metadata_once(finder)
    use_bytecode(finder)
    read_models_once()
    read_plugins_once(finder, OURS in sys.argv)
    gc.freeze()  # a collection would copy the pages that a run shares with this process
    gc.set_threshold(50_000)  # and a run is too short to gather much garbage
    return int(playbook.main() or 0) if serve(requests) else 0


if __name__ == "__main__":
    sys.exit(main())
