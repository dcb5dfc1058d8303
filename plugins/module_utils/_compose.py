# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts a URL together from parts that come from several places, each escaped for its position."""

from __future__ import annotations

import re
from typing import Callable, Optional
from urllib.parse import quote

from ansible_collections.watchparty.secrets.plugins.module_utils._model import Compose, Part

_HOST = re.compile(r"^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])$")


def url(compose: Compose, value_of: Callable[[Part], Optional[str]]) -> Optional[str]:
    """The URL, or None if a part has no value.

    Raises ValueError, naming the part and never its value, where a host or port cannot stand in a URL.
    """
    found = {part: value_of(part) for part in compose.parts}
    if any(value is None for value in found.values()):
        return None

    def text(part: Part) -> str:
        return found[part] or ""

    host = text(compose.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    if not _HOST.match(host):
        raise ValueError("host is not a host name or address")
    authority = host
    if compose.port is not None:
        port = text(compose.port)
        if not re.fullmatch(r"[0-9]{1,5}", port):
            raise ValueError("port is not a number")
        authority += f":{port}"
    if compose.username is not None or compose.password is not None:
        user = quote(text(compose.username), safe="") if compose.username is not None else ""
        password = f":{quote(text(compose.password), safe='')}" if compose.password is not None else ""
        authority = f"{user}{password}@{authority}"
    path = f"/{quote(text(compose.path), safe='')}" if compose.path is not None else ""
    query = "&".join(f"{quote(name, safe='')}={quote(text(part), safe='')}" for name, part in compose.query)
    return f"{compose.scheme}://{authority}{path}" + (f"?{query}" if query else "")
