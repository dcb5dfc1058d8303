# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import socket
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._host import runtime
from bench.answering_hosts import answering_hosts

PROGRAM = """
from ansible.module_utils.basic import AnsibleModule
def main():
    module = AnsibleModule(argument_spec={"name": {"type": "str"}})
    module.exit_json(changed=False, name=module.params["name"])
"""


def asked(path: str, command: bytes, content: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(command + b"\0" + content)
        client.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: client.recv(4096), b""))


def test_programs_and_commands() -> None:
    """A program runs as on a host; what needs another interpreter runs as a command."""
    common = {"main": "program", "check_mode": False, "diff": False, "runtime": Path(str(runtime.__file__)).read_text()}
    with answering_hosts("/opt/python") as path:
        for name in ("web1", "web2"):
            document = {**common, "sources": {"program": PROGRAM}, "params": {"name": name}}
            answer = asked(path, b"python3 -c 'import sys'", json.dumps(document).encode())
            assert json.loads(answer) == {"changed": False, "name": name}
        assert asked(path, b"cat # /opt/python", b"as it is") == b"as it is"
        assert asked(path, b"echo web1", b"") == b"web1\n"
