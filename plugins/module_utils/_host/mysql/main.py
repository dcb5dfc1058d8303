# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the kind mysql_user that runs on the rotation host. Python 3.8."""

from __future__ import annotations

from typing import Any, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._host import two_users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql import footholds, users
from ansible_collections.watchparty.secrets.plugins.module_utils._host.mysql.connection import (
    LoginRefused,
    NoConnectionLeft,
    administered,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.two_users import CHECKED, PRESENT, USABLE

ARGUMENT_SPEC = two_users.ARGUMENT_SPEC
RETURNS = {**two_users.RETURNS, "untested?": str, "warning": str}


def main() -> None:
    two_users.run(ARGUMENT_SPEC, answer)


def answer(params: Mapping[str, Any]) -> dict[str, Any]:
    """Carries out the state. Raises RotationError."""
    state, server, login, search = (params[name] for name in ("state", "server", "login", "search"))
    with administered(server, params["admin"]) as admin:
        result: dict[str, Any] = {"place": admin.place}
        result["warning"] = users.require_primary(admin, leaked=params["leaked"])
        if state == USABLE:
            try:
                users.require_visible(admin, server, login)
            except NoConnectionLeft as error:
                result["full"] = str(error)
            except LoginRefused as error:
                message = users.shadowed(admin) if params["leaked"] else ""
                if not message:
                    raise
                result["untested"] = "%s, so the user was not tested: %s" % (error, message)
        elif state == CHECKED:
            users.require_twins(admin, login["username"], params["other"], leaked=params["leaked"])
        elif state == PRESENT:
            users.set_password(admin, login)
        else:
            result.update(ended=users.revoke(admin, server, login), footholds=[])
            if search:
                result.update(footholds.search_footholds(admin, server, params["admin"], login["username"], search))
        return result


if __name__ == "__main__":
    main()
