# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values from the operator: answers, a private YAML file, a file of ansible-vault, a .env, or a file with one text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleError

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    DotenvError,
    NoAccess,
    ProvisionError,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.private_file import read_private
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.registered_results import answers
from ansible_collections.watchparty.secrets.plugins.plugin_utils._provision import sops_file, targets

OPTIONS: dict[str, Any] = {
    "values_from": {"type": "str"},
    "values_file": {"type": "path"},
    "env_file": {"type": "path"},
}
VAULT = b"$ANSIBLE_VAULT;"


def given(
    args: Mapping[str, Any],
    task_vars: Mapping[str, Any],
    loader: Any,
    readers: Sequence[str] = dotenv.DEFAULT_READERS,
) -> dict[str, str]:
    """Values by name. An answer goes before a file. Raises ProvisionError, without a value.

    ``readers`` are the readers of a .env.
    """
    result: dict[str, str] = {}
    if args.get("env_file"):
        settings = of_env(Path(args["env_file"]).expanduser(), readers)
        result.update({name: text for name, text in settings.items() if text})  # NAME= does not set a value
    if args.get("values_file"):
        result.update(targets.flattened(of_yaml(Path(args["values_file"]).expanduser(), loader)))
    if args.get("values_from"):
        result.update(targets.flattened(answers(args["values_from"], task_vars)))
    return result


def of_yaml(path: Path, loader: Any) -> Mapping[str, Any]:
    """The mapping in a private file, or in a file that ansible-vault encrypts as a whole."""
    content = _private(path, unless=lambda data: data.startswith(VAULT))
    if content.startswith(VAULT):
        try:
            content = bytes(loader.get_text_file_contents(str(path)), "utf-8")
        except AnsibleError as error:
            message = str(error).splitlines()[0]
            raise ProvisionError(
                [f"{path}: cannot be decrypted ({message}); give --ask-vault-pass or --vault-password-file"]
            ) from None
    try:
        document = yaml.safe_load(content.decode())
    except (yaml.YAMLError, ValueError, RecursionError):  # a day such as 2026-02-30; lists in lists
        raise ProvisionError([f"{path}: is not valid YAML; write one line for each setting, NAME: 'value'"]) from None
    if not isinstance(document, Mapping):
        raise ProvisionError([f"{path}: is not a mapping; write one line for each setting, NAME: 'value'"])
    return {str(name): value for name, value in document.items()}


def of_env(path: Path, readers: Sequence[str] = dotenv.DEFAULT_READERS) -> dict[str, str]:
    """The settings of a private .env, or of a sops file, which other accounts may read."""
    content = _private(path, unless=sops_file.is_sops)
    if sops_file.is_sops(content):
        return sops_file.decrypted(path, content)
    try:
        return dotenv.from_dotenv(content.decode(), readers)
    except UnicodeDecodeError:
        raise ProvisionError([f"{path}: is not UTF-8"]) from None
    except DotenvError as error:
        raise ProvisionError([f"{path}: {error}"]) from None


def of_text(path: Path) -> str:
    """The one value in a private file. The editor's line break at the end does not count."""
    content = _private(path)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ProvisionError(
            [f"{path}: is not UTF-8; store it base64-encoded, and let the application decode it"]
        ) from None
    return text[:-1].removesuffix("\r") if text.endswith("\n") else text


def _private(path: Path, *, unless: Callable[[bytes], bool] = lambda _content: False) -> bytes:
    try:
        return read_private(path, "secret values", unless=unless)
    except NoAccess as error:
        raise ProvisionError([str(error)]) from None
