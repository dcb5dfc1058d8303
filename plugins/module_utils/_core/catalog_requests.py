# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's sections ``test`` and ``api`` of a credential: requests to the provider that issues it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    NUMBER,
    described,
    schema_map,
    schema_object,
)


@dataclass(frozen=True)
class ValueProbe:
    """A request that a third party answers well only if the value in it is valid."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    """What is posted; without it the request is a GET."""
    status: Tuple[int, ...] = (200,)
    """What is answered to a valid value."""
    refused: Tuple[int, ...] = (400, 401, 403)
    """What is answered to one that is not; any other status proves nothing."""


@dataclass(frozen=True)
class ApiRequest:
    """One request to a provider's API."""

    method: str
    path: str
    body: Optional[Mapping[str, Any]] = None
    """Sent as JSON."""


@dataclass(frozen=True)
class AnswerPaths:
    """Where an answer has what: keys, joined by dots."""

    id: str
    label: str = ""
    items: str = ""
    """The list; empty where the answer itself is the list."""
    active: str = ""
    """True of a key that may be used; empty where the provider does not say so."""
    value: str = ""


@dataclass(frozen=True)
class ProviderApi:
    """How a provider makes, lists and revokes keys."""

    url: str
    headers: Mapping[str, str]
    listing: ApiRequest
    listed: AnswerPaths
    create: ApiRequest
    created: AnswerPaths
    revoke: ApiRequest
    disable: Optional[ApiRequest] = None
    """Comes before the revocation."""
    first_label: str = ""
    """Of the key that no rotation has made."""
    limit: Optional[int] = None
    """The most keys that the provider allows."""
    ca: Optional[str] = None
    value_has_id: bool = False
    """Whether the value is a URL whose user name is the id."""


_STATUS = {"type": "array", "items": {"type": "integer", "minimum": 100}, "minItems": 1}
TEST = schema_object(
    {
        "url": described(
            "Address of the request, without the value.", {"type": "string", "pattern": r"^https?://\S*$"}
        ),
        "headers": described(
            "Headers; {value}, {username} and {basic} stand for the login's parts.", schema_map({"type": "string"})
        ),
        "form": described(
            "The form fields of a POST, with the same placeholders; without it the request is a GET.",
            schema_map({"type": "string"}),
        ),
        "status": described("The status for a valid value; 200 by default.", _STATUS),
        "refused": described("The statuses for a rejected value; 400, 401 and 403 by default.", _STATUS),
    },
    required=["url"],
)
_PATH = {"type": "string", "pattern": r"^/[!-~]*$"}
_KEYS = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"}
_METHOD = {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]}


def _request(text: str, **paths: Any) -> Mapping[str, Any]:
    """The schema of a request; ``paths`` say where its answer has what. All but ``items`` and ``active`` are needed."""
    common = {
        "method": described("The method; GET for list, POST for create, PUT for disable, DELETE for revoke.", _METHOD),
        "path": described("What follows url; {id} stands for the key's id in disable and revoke.", _PATH),
        "body": described("Sent as JSON. {label} and {id} stand for the key's label and id.", {"type": "object"}),
    }
    required = ["path", *(name for name in paths if name not in ("items", "active"))]
    return described(text, schema_object({**common, **paths}, required=required))


_ID = described("Where an answer has the key's id: keys joined by dots, such as data.id.", _KEYS)
API = schema_object(
    {
        "url": described(
            "Beginning of every address. No request goes to another host.",
            {"type": "string", "pattern": r"^https?://\S+$"},
        ),
        "headers": described(
            "Headers of every request. {admin}, {admin_username}, {admin_basic} stand for the administrator's login.",
            schema_map({"type": "string"}),
        ),
        "list": _request(
            "Lists the keys; pages that a Link header names are read too.",
            items=described("Where the answer has the list; without it the answer is the list.", _KEYS),
            id=_ID,
            label=described("Where an item has the label.", _KEYS),
            active=described("Where an item says true of a key that may be used.", _KEYS),
        ),
        "create": _request(
            "Makes a key with the label {label}.",
            id=_ID,
            value=described("Where the answer has the value.", _KEYS),
        ),
        "disable": _request("Disables the key {id}, before revoke."),
        "revoke": _request("Deletes the key {id}."),
        "first_label": described(
            "Label of the key in use that no rotation has made; no other such key is revoked.", NAME
        ),
        "limit": described("The most keys that the provider allows.", NUMBER),
        "ca": described("File of trusted certificates on the controller; the system's by default.", NAME),
    },
    required=["url", "headers", "list", "create", "revoke"],
)


def parsed_test(raw: Mapping[str, Any]) -> ValueProbe:
    lists = {name: tuple(raw[name]) for name in ("status", "refused") if name in raw}
    return ValueProbe(url=raw["url"], headers=raw.get("headers", {}), form=raw.get("form", {}), **lists)


def parsed_api(raw: Mapping[str, Any]) -> ProviderApi:
    listing, create = raw["list"], raw["create"]
    given = {key: raw[key] for key in ("first_label", "limit", "ca") if key in raw}
    return ProviderApi(
        url=raw["url"].rstrip("/"),
        headers=raw["headers"],
        listing=_parsed(listing, "GET"),
        listed=AnswerPaths(**{key: listing[key] for key in ("id", "label", "items", "active") if key in listing}),
        create=_parsed(create, "POST"),
        created=AnswerPaths(create["id"], value=create["value"]),
        revoke=_parsed(raw["revoke"], "DELETE"),
        disable=_parsed(raw["disable"], "PUT") if "disable" in raw else None,
        **given,
    )


def _parsed(raw: Mapping[str, Any], method: str) -> ApiRequest:
    return ApiRequest(raw.get("method", method), raw["path"], raw.get("body"))
