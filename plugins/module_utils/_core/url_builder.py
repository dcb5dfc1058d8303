# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Composes a URL. Each part is escaped for its position."""

from __future__ import annotations

import re
from typing import Callable, Optional
from urllib.parse import quote as _quote

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Compose, Part

_HOST = re.compile(r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$")


def _escaped(text: str, part: str) -> str:
    try:
        return _quote(text, safe="")
    except UnicodeEncodeError:
        raise ValueError(f"{part} is not text that can be encoded") from None


def url(compose: Compose, value_of: Callable[[Part], Optional[str]]) -> Optional[str]:
    """The URL, or None if a part has no value.

    Raises ValueError, which names the part but never its value, if a URL cannot contain it.
    """
    result = {part: value_of(part) for part in compose.parts}
    if any(value is None for value in result.values()):
        return None

    def text(part: Part) -> str:
        return result[part] or ""

    host = text(compose.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not _HOST.fullmatch(host):
        raise ValueError("host is not a host name or address")
    authority = host
    if compose.port is not None:
        port = text(compose.port)
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError("port is not a number")
        authority += f":{port}"
    if compose.username is not None or compose.password is not None:
        user = _escaped(text(compose.username), "username") if compose.username is not None else ""
        password = f":{_escaped(text(compose.password), 'password')}" if compose.password is not None else ""
        authority = f"{user}{password}@{authority}"
    path = f"/{_escaped(text(compose.path), 'path')}" if compose.path is not None else ""
    query = "&".join(f"{_escaped(name, 'query')}={_escaped(text(part), 'query')}" for name, part in compose.query)
    return f"{compose.scheme}://{authority}{path}" + (f"?{query}" if query else "")
