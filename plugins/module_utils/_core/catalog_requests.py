# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sections ``test`` and ``api`` of a credential: requests to the provider that issues it."""

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
    """A request that a provider accepts only with a valid value."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    """Fields of a POST. Without them, the request is a GET."""
    status: Tuple[int, ...] = (200,)
    refused: Tuple[int, ...] = (400, 401, 403)
    """Statuses that mean a rejected value. Any other status proves nothing."""


@dataclass(frozen=True)
class ApiRequest:
    method: str
    path: str
    body: Optional[Mapping[str, Any]] = None
    """Sent as JSON."""


@dataclass(frozen=True)
class AnswerPaths:
    """Paths of fields in an answer: keys, joined by dots."""

    id: str
    label: str = ""
    items: str = ""
    """Path of the list. Empty if the answer itself is the list."""
    active: str = ""
    """Path of a field that is true for a valid key. Empty if the provider has none."""
    value: str = ""


@dataclass(frozen=True)
class ProviderApi:
    url: str
    headers: Mapping[str, str]
    listing: ApiRequest
    listed: AnswerPaths
    create: ApiRequest
    created: AnswerPaths
    revoke: ApiRequest
    disable: Optional[ApiRequest] = None
    first_label: str = ""
    """Label of the key that an operator created."""
    limit: Optional[int] = None
    """Highest number of keys that the provider allows."""
    ca: Optional[str] = None
    value_has_id: bool = False
    """Whether the value is a URL whose user name is the id."""
    remedy: str = ""
    """Remedy for an operator if the kind, not the catalog, declares the requests."""

    def correct(self, *names: str) -> str:
        return self.remedy or f"correct {', '.join(f'api.{name}' for name in names)} in the catalog"


_STATUS = {"type": "array", "items": {"type": "integer", "minimum": 100}, "minItems": 1}
TEST = schema_object(
    {
        "url": described(
            "Address of the request, without the value.", {"type": "string", "pattern": r"^https?://\S*$"}
        ),
        "headers": described(
            "Headers. {value} is the password or key, {username} the user name, {basic} both in basic authentication.",
            schema_map({"type": "string"}),
        ),
        "form": described(
            "Form fields of a POST, with the placeholders of headers. Without form, the request is a GET.",
            schema_map({"type": "string"}),
        ),
        "status": described("Statuses that mean a valid value, 200 by default.", _STATUS),
        "refused": described("Statuses that mean a rejected value, 400, 401 and 403 by default.", _STATUS),
    },
    required=["url"],
)
_PATH = {"type": "string", "pattern": r"^/[!-~]*$"}
_KEYS = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"}
_METHOD = {"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]}


def _request(text: str, **paths: Any) -> Mapping[str, Any]:
    """The schema of a request. ``paths`` are keys for paths in the answer. Only ``items`` and ``active`` are
    optional."""
    common = {
        "method": described(
            "HTTP method. By default GET for list, POST for create, PUT for disable, DELETE for revoke.", _METHOD
        ),
        "path": described("Path of the request, after url. In disable and revoke, {id} is the key's id.", _PATH),
        "body": described(
            "Body of the request, sent as JSON. {label} is the key's label, {id} its id.", {"type": "object"}
        ),
    }
    required = ["path", *(name for name in paths if name not in ("items", "active"))]
    return described(text, schema_object({**common, **paths}, required=required))


_ID = described("Path of the key's id in the answer, with dots between JSON keys, such as data.id.", _KEYS)
API = schema_object(
    {
        "url": described(
            "Beginning of the URL of every request. No request goes to another host.",
            {"type": "string", "pattern": r"^https?://\S+$"},
        ),
        "headers": described(
            "Headers of every request. {admin} is the administrator's token or password, {admin_username} the user "
            "name, {admin_basic} both for HTTP Basic authentication.",
            schema_map({"type": "string"}),
        ),
        "list": _request(
            'Request that lists the keys. The run also follows rel="next" in a Link header, up to 100 pages.',
            items=described("Path of the list in the answer. Without items, the answer itself is the list.", _KEYS),
            id=_ID,
            label=described("Path of the label in an item of the list.", _KEYS),
            active=described("Path, in an item of the list, of the field that is true if the key is valid.", _KEYS),
        ),
        "create": _request(
            "Request that creates a key with the label {label}.",
            id=_ID,
            value=described("Path of the new value in the answer.", _KEYS),
        ),
        "disable": _request("Request that disables the key {id}, before revoke."),
        "revoke": _request("Request that deletes the key {id}."),
        "first_label": described(
            "Label of the first key in use, which you created. A rotation revokes no other key that you created.",
            NAME,
        ),
        "limit": described("Highest number of keys that the provider allows.", NUMBER),
        "ca": described(
            "Path of a file with trusted certificates on the controller. By default, those of the system.", NAME
        ),
    },
    required=["url", "headers", "list", "create", "revoke"],
)


def parsed_test(raw: Mapping[str, Any]) -> ValueProbe:
    lists = {name: tuple(raw[name]) for name in ("status", "refused") if name in raw}
    return ValueProbe(url=raw["url"], headers=raw.get("headers", {}), form=raw.get("form", {}), **lists)


def parsed_api(raw: Mapping[str, Any]) -> ProviderApi:
    listing, create = raw["list"], raw["create"]
    options = {key: raw[key] for key in ("first_label", "limit", "ca") if key in raw}
    return ProviderApi(
        url=raw["url"].rstrip("/"),
        headers=raw["headers"],
        listing=_parsed(listing, "GET"),
        listed=AnswerPaths(**{key: listing[key] for key in ("id", "label", "items", "active") if key in listing}),
        create=_parsed(create, "POST"),
        created=AnswerPaths(create["id"], value=create["value"]),
        revoke=_parsed(raw["revoke"], "DELETE"),
        disable=_parsed(raw["disable"], "PUT") if "disable" in raw else None,
        **options,
    )


def _parsed(raw: Mapping[str, Any], method: str) -> ApiRequest:
    return ApiRequest(raw.get("method", method), raw["path"], raw.get("body"))
