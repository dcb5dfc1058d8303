# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    file = result["file"]
    if not file["exists"]:
        yield unknown(f"{file['path']} is not a regular file", host)
        return
    for companion in result["companions"]:
        if companion["owner"] not in ("root", result["account"]):
            yield bad(f"{companion['path']} belongs to {companion['owner']} instead of {result['account']}", host)
    for row in result.get("other_files", ()):
        if "owner" in row and row["wanted_owner"] not in (None, row["owner"], str(row["uid"])):
            yield bad(f"{row['path']} belongs to {row['owner']} instead of {row['wanted_owner']}", host)
        if "group" in row and row.get("wanted_group") not in (None, row["group"]):
            yield bad(f"{row['path']} has the group {row['group']} instead of {row['wanted_group']}", host)
    users = {unit["user"] for unit in result["units"] if unit["load"] == "loaded" and unit["user"]}
    wanted = [result["wanted_owner"]] if result.get("wanted_owner") else sorted({*users, "root"} if users else ())
    if not wanted:
        yield unknown("the expected owner is unknown: set env_deploy_owner", host)
    elif file["owner"] in wanted or str(file["uid"]) in wanted:
        yield good(f"belongs to {file['owner']}", host)
    else:
        yield bad(f"{file['path']} belongs to {file['owner']} instead of {' or '.join(wanted)}", host)


CHECK = Check(
    id="WPS202",
    name="env-owner",
    area="hosts",
    severity="high",
    title="Each file that a deploy writes belongs to the right owner",
    reason="The owner can read the file whatever its mode is, and can change the values that the services start with.",
    fix=(
        "Set env_deploy_owner to the services' user and deploy again, or chown the file. Without env_deploy_owner, "
        ".env must belong to root or a user of the services. The deploy marker and the last healthy .env must belong "
        "to root or the account that deploys. The catalog's other files must have their declared owner and group."
    ),
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
