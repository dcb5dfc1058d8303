# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The request that tests an externally issued value.

Addresses end in logs on both sides, so a value is sent in a header or a form, never in the address.
"""

from __future__ import annotations

import base64
import re
from typing import Any, Iterator, Mapping
from urllib.parse import urlsplit

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_requests import ValueProbe
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_endpoint import is_loopback
from ansible_collections.watchparty.secrets.plugins.module_utils._core.url_credentials import Login

PLACEHOLDERS = ("{value}", "{username}", "{basic}")
"""Password or key, user name, and both for HTTP Basic authentication."""
_PLACEHOLDER = re.compile(r"\{[A-Za-z_]*\}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def problems(where: str, probe: ValueProbe) -> Iterator[str]:
    yield from address_problems(f"{where}.url", probe.url)
    yield from header_problems(f"{where}.headers", probe.headers)
    parts = {f"headers.{name}": text for name, text in probe.headers.items()}
    parts |= {f"form.{name}": text for name, text in probe.form.items()}
    for path, text in parts.items():
        for unknown in sorted(set(_PLACEHOLDER.findall(text)) - set(PLACEHOLDERS)):
            yield f"{where}.{path}: {unknown} is not a placeholder; write one of {', '.join(PLACEHOLDERS)}"
    sent = {placeholder for text in parts.values() for placeholder in _PLACEHOLDER.findall(text)}
    if not sent - {"{username}"}:
        yield f"{where}: sends no {{value}}, so it would test nothing; write it in a header or in the form"
    for status in sorted(set(probe.status) & set(probe.refused)):
        yield f"{where}: {status} is in both status and refused; remove it from one of them"


def header_problems(where: str, headers: Mapping[str, str]) -> Iterator[str]:
    for name, text in headers.items():
        if not _HEADER.fullmatch(name):
            yield f"{where}: {name!r} is not a header's name"
        elif not _goes_in_a_header(text):
            yield f"{where}.{name}: has characters that a header cannot have"


def address_problems(where: str, url: str) -> Iterator[str]:
    placeholders = _PLACEHOLDER.findall(url)
    if placeholders:
        yield f"{where}: holds {placeholders[0]}, and addresses are logged; send it in a header or in the form"
        return
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        yield f"{where}: is not an address"
        return
    if not host:
        yield f"{where}: names no host"
    elif "@" in parts.netloc:
        yield f"{where}: has a login in it, and addresses are logged; send the login in a header as {{basic}}"
    elif parts.scheme != "https" and not is_loopback(host):
        yield f"{where}: would send the value unencrypted; use https"


def _goes_in_a_header(text: str) -> bool:
    return text.isascii() and text.isprintable()


def require_header_values(headers: Mapping[str, str]) -> None:
    """Raises :class:`RotationError`, without a value, for a value that no header can carry."""
    for name, text in headers.items():
        if not _goes_in_a_header(text):
            raise RotationError(
                f"the header {name} cannot carry the value, which has characters that are not printable ASCII; copy "
                "the value again"
            )


def request(probe: ValueProbe, login: Login) -> dict[str, Any]:
    """The request for a login. Raises :class:`RotationError`, without a value."""
    texts = {"{value}": login.password or ""}
    if login.username is not None:
        pair = f"{login.username}:{login.password or ''}".encode()
        texts |= {"{username}": login.username, "{basic}": base64.b64encode(pair).decode()}

    def filled(text: str) -> str:
        missing = [placeholder for placeholder in _PLACEHOLDER.findall(text) if placeholder not in texts]
        if missing:
            raise RotationError(
                "its test sends a user name, but none of its locations holds one; add a location to appears_in, such "
                "as a key named username"
            )
        return _PLACEHOLDER.sub(lambda match: texts[match.group()], text)

    headers = {name: filled(text) for name, text in probe.headers.items()}
    require_header_values(headers)
    return {
        "url": probe.url,
        "headers": headers,
        "form": {name: filled(text) for name, text in probe.form.items()},
        "status": list(probe.status),
        "refused": list(probe.refused),
    }
