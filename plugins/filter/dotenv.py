# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The filters to_dotenv and from_dotenv, each documented in the YAML file of its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import DotenvError


def to_dotenv(values: Any, readers: Sequence[str] = dotenv.DEFAULT_READERS, header: str | None = None) -> str:
    if not isinstance(values, Mapping):
        raise AnsibleFilterError(f"to_dotenv needs a mapping of settings, not {_kind(values)}")
    return _translated(dotenv.to_dotenv, values, readers, header)


def from_dotenv(text: Any, readers: Sequence[str] = dotenv.DEFAULT_READERS) -> dict[str, str]:
    if not isinstance(text, str):
        raise AnsibleFilterError(f"from_dotenv needs the text of a file, not {_kind(text)}")
    return _translated(dotenv.from_dotenv, text, readers)


def _translated(work: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return work(*arguments)
    except DotenvError as error:
        raise AnsibleFilterError(str(error)) from error


def _kind(value: Any) -> str:
    return type(value).__name__


class FilterModule:
    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"to_dotenv": to_dotenv, "from_dotenv": from_dotenv}
