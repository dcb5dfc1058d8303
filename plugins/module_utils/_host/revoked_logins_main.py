# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What revoked_logins runs on the host, with the drivers of the application. Python 3.8."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._host import revoked_logins

ARGUMENT_SPEC: dict[str, Any] = {
    "connect_timeout": {"type": "int", "default": 5},
    "tries": {"type": "list", "elements": "dict", "default": [], "no_log": True},
}
RETURNS: dict[str, Any] = {
    "tried": {str: {"state": {"accepted", "refused", "neither", "untried"}, "message": str}},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    params = module.params
    module.exit_json(changed=False, tried=revoked_logins.tried(params["tries"], params["connect_timeout"]))


if __name__ == "__main__":
    main()
