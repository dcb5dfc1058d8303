# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What external_value runs on the host, with the drivers of the application. Python 3.8."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._host import external_value

ARGUMENT_SPEC: dict[str, Any] = {
    "credential": {"type": "str"},
    "state": {"type": "str", "choices": ["checked", "usable", "tried"], "default": "usable"},
    "timeout": {"type": "int", "default": 10},
    "tries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
}
RETURNS: dict[str, Any] = {
    "tried?": {str: {"state": {"accepted", "refused", "neither", "untried"}, "message": str}},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    tries, timeout = module.params["tries"], module.params["timeout"]
    if module.params["state"] == "tried":
        module.exit_json(changed=False, tried=external_value.tried(tries, timeout))
    problems = external_value.problems(tries, timeout)
    if problems:
        module.fail_json(msg="; ".join(problems))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
