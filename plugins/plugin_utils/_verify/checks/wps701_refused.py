# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Facts,
    Outcome,
    bad,
    good,
    not_applicable,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.previous_values import EXEMPT


def look(facts: Facts) -> Iterator[Outcome]:
    for name, result in sorted(facts.of("former").items()):
        if result["state"] == "accepted":
            yield bad(result["message"], name)
        elif result["state"] == "refused":
            yield good(result["message"], name)
        elif result["state"] == EXEMPT:
            yield not_applicable(result["message"], name)
        else:
            yield unknown(result["message"], name)


CHECK = Check(
    id="WPS701",
    name="refused",
    area="revocation",
    severity="high",
    title="Every previous value that can be tried is rejected",
    reason="A rotation has no effect while the previous value is still accepted.",
    fix=(
        "Revoke the previous values: ansible-playbook watchparty.secrets.rotate. If that is not "
        "possible, remove the login or password at the server."
    ),
    scope=(
        "A login's last three different passwords, out of the previous and up to eight older versions.",
        "Of access keys, SSH keys and signing keys, only the previous version.",
        "One Valkey node, that of the application's URL. Not externally issued values.",
    ),
    command="ansible-playbook watchparty.secrets.rotate {run} -e rotation_credentials={place}",
    look=look,
    needs=("former",),
)
