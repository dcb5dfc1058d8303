# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Check, Facts, Outcome, bad, good
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.finding_command import CATALOG

_ADDRESS = re.compile(
    r"(?:mailto:)?[^@\s]+@[^@\s]+\.[^@\s.]+|https?://\S+|arn:aws\S*:\S+|(?:tel:)?\+?[0-9][0-9 ()/-]{5,}"
)


def look(facts: Facts) -> Iterator[Outcome]:
    contacts = facts.catalog.contacts
    if not contacts.get("security"):
        yield bad("contacts.security is not set", "contacts")
    for name, address in sorted(contacts.items()):
        if _ADDRESS.fullmatch(address.strip()):
            yield good(f"{address}; delivery was not tested", f"contacts.{name}")
        else:
            yield bad(
                f"{address!r} is neither a mail address, a URL, a telephone number nor an ARN", f"contacts.{name}"
            )


CHECK = Check(
    id="WPS001",
    name="contacts",
    area="contacts",
    severity="high",
    title="A contact for leaks is named, and contacts have the form of an address",
    reason="A leak response shows contacts.security. Without it, the operator does not know whom to alert.",
    fix=(
        "The operator sets contacts.security in the catalog to an address that several people read. A contact is a "
        "mail address, a URL, a telephone number or an ARN."
    ),
    command=CATALOG,
    look=look,
    needs=(),
)
