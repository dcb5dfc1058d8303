# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Requests of the catalog's ``api``, and a provider's answers.

Addresses end in logs on both sides, so no secret has a placeholder in an address. No message repeats an answer, which
may contain the request.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import Any, Iterator, Mapping
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core import external_value_request
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import (
    AnswerPaths,
    ApiRequest,
    ProviderApi,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

ADMIN = ("{admin}", "{admin_username}", "{admin_basic}")
LABEL, ID = "{label}", "{id}"
VALUE_CHARACTERS, LISTED = 65536, 10000
"""Most characters of a new value, and most keys of a list."""
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
"""Characters that stores and requests cannot carry."""
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]+\}")
_ID = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:+=@-]{1,200}")
"""A valid id. It comes from a store or an answer, and becomes a part of an address."""


@dataclass(frozen=True)
class ProviderKey:
    """A key in the provider's list."""

    id: str
    label: str
    active: bool


def problems(where: str, api: ProviderApi) -> Iterator[str]:
    yield from external_value_request.address_problems(f"{where}.url", api.url)
    if "?" in api.url or "#" in api.url:
        yield f"{where}.url: has a query or a fragment; write a query into the path of each request"
    yield from external_value_request.header_problems(f"{where}.headers", api.headers)
    yield from _unknown(f"{where}.headers", "".join(api.headers.values()), ADMIN)
    if not any(part in text for text in api.headers.values() for part in ("{admin}", "{admin_basic}")):
        yield f"{where}.headers: sends no {{admin}}, so the provider would refuse every request; add it to a header"
    requests = {"list": (api.listing, ()), "create": (api.create, (LABEL,)), "revoke": (api.revoke, (ID,))}
    for name, (request, allowed) in {**requests, "disable": (api.disable, (ID,))}.items():
        if request is not None:
            yield from _of_request(f"{where}.{name}", request, allowed)
    if LABEL not in json.dumps(api.create.body):
        yield f"{where}.create.body: has no {{label}}, so a later run could not distinguish its own keys; add {{label}}"


def _of_request(where: str, request: ApiRequest, allowed: tuple[str, ...]) -> Iterator[str]:
    yield from _unknown(f"{where}.path", request.path, tuple(name for name in allowed if name == ID))
    yield from _unknown(f"{where}.body", json.dumps(request.body), allowed)
    if ID in allowed and ID not in request.path + json.dumps(request.body):
        yield f"{where}: has no {{id}}, so the request names no key; write {{id}} into its path or its body"


def _unknown(where: str, text: str, allowed: tuple[str, ...]) -> Iterator[str]:
    for name in sorted(set(_PLACEHOLDER.findall(text)) - set(allowed)):
        message = f"write {' or '.join(allowed)}" if allowed else "none is allowed here"
        yield f"{where}: {name} is not a placeholder for this place; {message}"


def headers(api: ProviderApi, admin: Login) -> dict[str, str]:
    """Headers of every request. Raises RotationError, without a value, if they cannot carry the login."""
    username, password = admin.username or "", admin.password or ""
    basic = base64.b64encode(f"{username}:{password}".encode()).decode()
    texts = dict(zip(ADMIN, (password, username, basic)))
    result = {name: _filled(text, texts) for name, text in api.headers.items()}
    external_value_request.require_header_values(result)
    return result


def _filled(node: Any, texts: Mapping[str, str]) -> Any:
    if isinstance(node, str):
        return _PLACEHOLDER.sub(lambda match: texts[match.group()], node)
    if isinstance(node, Mapping):
        return {key: _filled(item, texts) for key, item in node.items()}
    return [_filled(item, texts) for item in node] if isinstance(node, (list, tuple)) else node


def path(request: ApiRequest, key: str = "") -> str:
    return request.path.replace(ID, quote(key, safe=""))


def body(request: ApiRequest, **texts: str) -> bytes | None:
    """``texts`` replace the placeholders of the same name."""
    filled = _filled(request.body, {f"{{{name}}}": text for name, text in texts.items()})
    return None if filled is None else json.dumps(filled).encode()


def require_id(text: Any, where: str) -> str:
    """The id. Raises RotationError if an address cannot contain it."""
    text = str(text) if isinstance(text, int) and not isinstance(text, bool) else text
    if not isinstance(text, str) or not _ID.fullmatch(text):
        raise RotationError(f"{where} is not a key's id (allowed: letters, digits and ._~:+=@-); correct it")
    return text


def keys(api: ProviderApi, answer: Any) -> list[ProviderKey]:
    """The keys of one page. Raises RotationError."""
    items = _at(answer, api.listed.items) if api.listed.items else answer
    if not isinstance(items, list) or len(items) > LISTED:
        raise RotationError(
            f"the provider's answer to 'list' has no list of at most {LISTED} keys at "
            f"{api.listed.items or 'its top level'}; {api.correct('list.items')}"
        )
    return [_key(api.listed, item) for item in items]


def _key(paths: AnswerPaths, item: Any) -> ProviderKey:
    key = require_id(_at(item, paths.id), "the id of a key in the provider's answer to 'list'")
    label = _at(item, paths.label)
    return ProviderKey(
        key,
        label if isinstance(label, str) else "",
        not paths.active or _at(item, paths.active) is True,
    )


def made(api: ProviderApi, answer: Any) -> Login:
    """The new key: id and value. Raises RotationError, without any part of the answer."""
    key = require_id(_at(answer, api.created.id), "the id of the key in the provider's answer to 'create'")
    value = _at(answer, api.created.value)
    if not isinstance(value, str) or not 8 <= len(value) <= VALUE_CHARACTERS or _NO_TEXT.search(value):
        raise RotationError(
            f"the provider's answer to 'create' has no text of 8 to {VALUE_CHARACTERS} characters at "
            f"{api.created.value}; {api.correct('create.value')}"
        )
    return Login(key, value)


def _at(node: Any, keys_: str) -> Any:
    for key in keys_.split("."):
        if isinstance(node, list) and key.isdigit() and int(key) < len(node):
            node = node[int(key)]
        else:
            node = node.get(key) if isinstance(node, dict) else None
    return node
