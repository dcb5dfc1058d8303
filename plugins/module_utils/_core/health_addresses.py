# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Addresses of health checks."""

from __future__ import annotations

from typing import Any, Iterable, List, Mapping, Optional


def health_urls(declared: Mapping[str, Any], names: Optional[Iterable[str]], own: Optional[str]) -> List[str]:
    """The host's ``own`` address, else those of the named services. Of all services, if ``names`` is None."""
    if own is not None:
        return [own]
    chosen = declared if names is None else [name for name in names if name in declared]
    return list(dict.fromkeys(url for url in (declared[name].get("health") for name in chosen) if url))
