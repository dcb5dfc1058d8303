# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.health_addresses import health_urls

WEB, ADMIN = "http://127.0.0.1:8000/health/", "http://127.0.0.1:9000/health/"
DECLARED: dict[str, Any] = {"web": {"health": WEB}, "worker": {}, "admin": {"health": ADMIN}, "copy": {"health": WEB}}


@pytest.mark.parametrize(
    ("names", "own", "expected"),
    [
        (None, None, [WEB, ADMIN]),
        (["admin", "gone"], None, [ADMIN]),
        (["worker"], None, []),
        ([], None, []),
        (None, "http://10.0.0.1/", ["http://10.0.0.1/"]),
        (["web"], "", [""]),
    ],
)
def test_where_services_are_asked(names: list[str] | None, own: str | None, expected: list[str]) -> None:
    assert health_urls(DECLARED, names, own) == expected
