# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a program on a host."""

from __future__ import annotations

import resource
from typing import Any, Callable, Dict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError


def run(argument_spec: Dict[str, Any], act: Callable[..., Dict[str, Any]], *, memory: int = 0) -> None:
    """Runs ``act`` with the options and ``check``. Answers with the result, or with the reason of a SecretsError.

    ``memory``: bytes of data that the program may have; 0 for no limit.
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True)
    if memory:
        limit_memory(memory)
    try:
        result = act(module.params, check=module.check_mode)
    except SecretsError as error:
        module.fail_json(msg=str(error))
    for text in result.pop("warnings", ()):
        module.warn(text)
    module.exit_json(**{"changed": False, **result})


def limit_memory(size: int) -> None:
    """Limits data to ``size`` bytes; a lower limit stays."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard == resource.RLIM_INFINITY or hard > size:
        resource.setrlimit(resource.RLIMIT_DATA, (size, hard))
