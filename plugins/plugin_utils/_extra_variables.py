# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Extra variables: what the command line sets by -e, whatever the inventory has under the same name."""

from __future__ import annotations

from typing import Any

from ansible.utils.vars import load_extra_vars


def extra_variable(name: str, *, loader: Any, templar: Any, default: Any = None) -> Any:
    """The value of the extra variable, rendered; ``default`` without one. No other source of variables counts."""
    variables = load_extra_vars(loader=loader)
    return templar.template(variables[name]) if name in variables else default
