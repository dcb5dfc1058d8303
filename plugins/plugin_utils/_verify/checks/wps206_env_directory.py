# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    path = result["file"]["path"]
    replaceable: dict[str, list[str]] = {}
    for file in ({**result, "path": path}, *result.get("other_files", ())):
        for cause in _causes(result, file):
            replaceable.setdefault(cause, []).append(file["path"])
    for cause, paths in replaceable.items():
        yield bad(f"{cause} can replace {', '.join(paths)}", host)
    if not replaceable:
        yield good(f"only root and the deploying account can replace {path}", host)


def _causes(result: Mapping[str, Any], file: Mapping[str, Any]) -> Iterator[str]:
    """Directories and accounts that can replace the file. Its writer may, unless the services run as that account."""
    services = [unit["user"] for unit in result["units"]]
    deploying = {result["account"], *([file["wanted_owner"]] if services else [])} - set(services)
    for directory in file.get("replaceable", ()):
        if not directory["owner"]:
            yield f"{directory['path']} has mode {directory['mode']}, so other accounts"
        elif directory["owner"] not in deploying:
            yield f"{directory['path']} belongs to {directory['owner']}, which"


CHECK = Check(
    id="WPS206",
    name="env-directory",
    area="hosts",
    severity="high",
    title="Only root and the deploying account can replace .env and other files",
    reason="systemd reads an EnvironmentFile as root. An account that can replace .env by a link can read any file.",
    fix=(
        "Run the command as an administrator, by -e ansible_user=NAME: it corrects the directory. Or keep .env in its "
        "own directory. An account that runs the services must not own this directory."
    ),
    scope=("Owners and modes of the directories of .env and of the catalog's other files.",),
    command="ansible-playbook watchparty.secrets.host {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
