# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of postgresql_login that runs on the host, with the application's drivers. Python 3.8."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core import inventory_answer
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql import login_states

ARGUMENT_SPEC: dict[str, Any] = {
    "credential": {"type": "str"},
    "state": {"type": "str", "choices": list(login_states.ACTS), "default": "present"},
    "admin_url": {"type": "str", "no_log": True},
    "login_url": {"type": "str", "no_log": True},
    "login": {"type": "str"},
    "owner": {"type": "str"},
    "verifier": {"type": "str", "no_log": True},
    "like": {"type": "str"},
    "journal": {"type": "int", "default": 0},
    "known_addresses": {"type": "list", "elements": "str", "default": []},
    "allow_sessions": {"type": "bool", "default": False},
    "connect_timeout": {"type": "int", "default": 5},
    "leaked": {"type": "str"},
    "successor_url": {"type": "str", "no_log": True},
    "inventory": {"type": "dict", "no_log": True},
    "catalog_logins": {"type": "dict"},
}
RETURNS: dict[str, Any] = {
    "login?": str,
    "statements?": [str],
    "usable?": bool,
    "temporary_table?": bool,
    "not_copied?": [str],
    "footholds?": [str],
    "evicted?": [str],
    "inventory?": inventory_answer.INVENTORY,
    "warnings?": [str],
    "sessions?": [{"address": str, "application_name": (str, None), "count": int, "known": bool}],
    "ended?": int,
    "refused?": bool,
    "refusal?": str,
    "seconds?": float,
    "reason?": str,
    "problem?": str,
    "diff?": {"before": "text", "after": "text"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    try:
        result = login_states.carry_out(module.params, check_mode=module.check_mode)
    except SecretsError as error:
        extra = {name: getattr(error, name) for name in ("reason", "sessions") if hasattr(error, name)}
        module.fail_json(msg=str(error), **extra)
    for text in result.pop("warnings", ()):
        module.warn(text)
    if module.params["login"]:
        result["login"] = module.params["login"]
    if module._diff and result.get("statements"):
        result["diff"] = {"before": "", "after": "".join("%s;\n" % text for text in result["statements"])}
    module.exit_json(**result)


if __name__ == "__main__":
    main()
