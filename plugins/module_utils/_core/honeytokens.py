# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Honeytokens: access keys and logins that no program uses."""

from __future__ import annotations

from typing import Any, Dict, Iterator, List, Mapping

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, Credential
from ansible_collections.watchparty.secrets.plugins.module_utils._core.kind_names import AWS_ACCESS_KEY, HONEYTOKENS

OPTION, PLANTED = "honeytoken", "planted"
POLICY = "deny-everything"
"""Name of the user's only policy."""
DENIED: Dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


def is_honeytoken(credential: Credential) -> bool:
    return credential.kind in HONEYTOKENS or credential.options.get(OPTION) is True


def users(catalog: Catalog) -> Dict[str, str]:
    """IAM users of the access keys that are honeytokens, by credential."""
    keys = (item for item in catalog.credentials.values() if is_honeytoken(item) and item.kind == AWS_ACCESS_KEY)
    return {item.name: str(item.options["user"]) for item in keys}


def planted(catalog: Catalog) -> Dict[str, List[str]]:
    """Paths in repositories that hold a honeytoken too, by setting."""
    credentials = [item for item in catalog.credentials.values() if is_honeytoken(item)]
    return {setting: list(item.options.get(PLANTED) or ()) for item in credentials for setting in item.settings}


def answered(rotated: Mapping[str, Any]) -> Mapping[str, Any]:
    """The uses that a leak response has answered: the server's count, and when. ``rotated`` is the journal's entry of
    the last rotation."""
    used = rotated.get("used", {})
    if rotated.get("incident"):
        return {"uses": used.get("uses", 0), "at": rotated["at"]}
    answer: Mapping[str, Any] = used.get("answered", {})
    return answer


def newer_uses(report: Mapping[str, Any], uses: int, at: str) -> int:
    """The number of uses since ``at``. All uses, if the server's count restarted since."""
    began_again = report["since"] > at or report["uses"] < uses
    return int(report["uses"]) - (0 if began_again else uses)


def problems(catalog: Catalog) -> Iterator[str]:
    for name, credential in catalog.credentials.items():
        if credential.kind in HONEYTOKENS:
            yield from _of_login(catalog, credential)
        if PLANTED in credential.options:
            yield from _planted(credential)
        if OPTION not in credential.options:
            continue
        where = f"credentials.{name}.options.{OPTION}"
        if credential.options[OPTION] is not True:
            yield f"{where}: must be true, or left out"
        elif credential.kind != AWS_ACCESS_KEY:
            yield f"{where}: only a credential of the kind {AWS_ACCESS_KEY} can be a honeytoken"
        elif not credential.options.get("user"):
            yield f"{where}: needs options.user, the IAM user whose calls are watched"
        elif not catalog.alerts:
            yield f"{where}: needs the catalog's key alerts, whose topic gets a message for each use"


def _planted(credential: Credential) -> Iterator[str]:
    where, paths = f"credentials.{credential.name}.options.{PLANTED}", credential.options[PLANTED]
    if not is_honeytoken(credential):
        yield f"{where}: is for honeytokens only; a secret in a repository is a leak"
    elif not isinstance(paths, list) or not all(isinstance(path, str) and path for path in paths):
        yield f"{where}: must be a list of paths, relative to the repository"


def _of_login(catalog: Catalog, credential: Credential) -> Iterator[str]:
    where = f"credentials.{credential.name}"
    admin = catalog.credentials.get(credential.admin or "")
    if not credential.options.get("user"):
        yield f"{where}.options.user: is required; the login's name"
    if admin is None or admin.server is None:
        yield f"{where}.admin: must name a credential with a server, whose administrator looks for uses"
