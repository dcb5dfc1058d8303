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
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host

SHRED = "ansible {place} --become -m ansible.builtin.command -a 'shred -u {target}'"
SHOW = "ansible {place} --become -m ansible.builtin.command -a 'stat {target}'"
NEEDED_BY_NOBODY = ("/tmp/", "/var/tmp/", "/dev/shm/", "/var/backups/")  # noqa: S108 nothing is written there


def _command(path: str) -> str:
    """Empty elsewhere: without a unit or login file a host may not start, and a log is evidence."""
    return SHRED if path.startswith(NEEDED_BY_NOBODY) else ""


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    for copy in result["copies"]:
        yield bad(
            f"{copy['path']} (mode {copy['mode']}) {copy['why']}",
            host,
            target=copy["path"],
            command=_command(copy["path"]),
        )
    for message in result["copies_unread"]:
        yield unknown(message, host)
    for message in result["copies_closed"]:
        yield not_applicable(message, host)
    if not result.get("drift"):
        yield unknown(result.get("drift_problem") or "no values are known to search for", host)
    elif not result["copies"] and not result["copies_unread"]:
        yield good("none in the last 256 KiB of the newest files", host)


CHECK = Check(
    id="WPS208",
    name="host-copies",
    area="hosts",
    severity="high",
    title="No recent unit, shell history, temporary file, backup or log holds a value",
    reason="Other accounts and backups read these files, and no rotation replaces the values in them.",
    fix="The host's administrator removes the value from the file, or deletes the file.",
    scope=(
        (
            "Units, cron, configuration in /etc, histories and login files of every home, /tmp, /var/tmp, "
            "/dev/shm, /var/backups, /var/log, /var/mail, /var/www, /opt, /srv, /usr/local."
        ),
        "Of each place only the 500 newest files, and of a file that is not packed only the last 256 KiB.",
        "Packed files (gzip, bzip2, xz, zip, tar, and zstd if the host has it) of any size, up to 6 levels.",
        "Only values of high sensitivity and 12 characters or more that .env or the catalog's other files hold now.",
    ),
    command=SHOW,
    look=by_host(_host, "stores"),
    needs=("hosts", "stores"),
)
