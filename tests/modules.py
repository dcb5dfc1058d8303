# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs a module in this process as a host's Python would."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible.module_utils import _internal
from ansible.module_utils.common import warnings
from ansible.module_utils.testing import patch_module_args


def run_module(
    main: Callable[[], None], args: Mapping[str, Any], capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, Any], str]:
    """What the module answers: as data, and the text itself, in which no value may be."""
    capsys.readouterr()
    with pytest.MonkeyPatch.context() as patch, patch_module_args(dict(args)):
        # Where another test has loaded Ansible's controller, warnings would go to its display.
        patch.setattr(_internal, "is_controller", False)
        # Those of a module that ran before would be in the answer.
        patch.setattr(warnings, "_global_warnings", {})
        with pytest.raises(SystemExit):
            main()
    output = capsys.readouterr().out
    result: dict[str, Any] = json.loads(output.strip().rpartition("\n")[2])
    result.pop("invocation", None)
    return result, output
