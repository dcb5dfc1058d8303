# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The catalog's section ``notify``: receivers of events that need no AWS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Iterator, Mapping, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_alerts import ADDRESS, EVENTS
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema_parts import (
    NAME,
    described,
    schema_map,
    schema_object,
)

FAMILIES = ("rotation.*", "leak.*", "verification.*", "report.*")
IMPLICIT, STARTTLS = "implicit", "starttls"
WAYS = ("webhook", "email", "command")


@dataclass(frozen=True)
class Webhook:
    """An https URL that accepts Slack's webhook format."""

    setting: str
    """Setting that holds the URL, which is a secret: whoever knows the URL can post."""
    ca: Optional[str] = None


@dataclass(frozen=True)
class Email:
    server: str
    sender: str
    to: Tuple[str, ...]
    port: int = 465
    tls: str = IMPLICIT
    username: str = ""
    password: str = ""
    """Setting that holds the password. Empty if the server requires no login."""
    ca: Optional[str] = None


@dataclass(frozen=True)
class Notifier:
    """A receiver of events. Exactly one of webhook, email and command is set."""

    name: str
    events: Tuple[str, ...] = ()
    """Names of events, or families such as ``leak.*``. Empty for all."""
    webhook: Optional[Webhook] = None
    email: Optional[Email] = None
    command: Tuple[str, ...] = ()

    def wants(self, event: str) -> bool:
        family = event.partition(".")[0] + ".*"
        return not self.events or event in self.events or family in self.events

    @property
    def settings(self) -> Tuple[str, ...]:
        """Settings with the notifier's secrets."""
        names = (self.webhook.setting if self.webhook else "", self.email.password if self.email else "")
        return tuple(filter(None, names))


def parsed_notifier(name: str, raw: Mapping[str, Any]) -> Notifier:
    return Notifier(
        name,
        events=tuple(raw.get("events", ())),
        webhook=Webhook(**raw["webhook"]) if "webhook" in raw else None,
        email=_email(raw["email"]) if "email" in raw else None,
        command=tuple(raw.get("command", ())),
    )


def _email(raw: Mapping[str, Any]) -> Email:
    own = {key: raw[key] for key in ("server", "username", "ca") if key in raw}
    port = raw.get("port", 465)
    tls = raw.get("tls", IMPLICIT if port == 465 else STARTTLS)
    password = raw.get("password", {}).get("setting", "")
    return Email(**own, sender=raw["from"], to=tuple(raw["to"]), port=port, tls=tls, password=password)


def problems(where: str, raw: Mapping[str, Any]) -> Iterator[str]:
    if sum(way in raw for way in WAYS) != 1:
        yield f"{where}: give one of {', '.join(WAYS)}"


_SETTING = {"setting": described("Name of the setting with the value. The catalog never contains the value.", NAME)}
_CA = {
    "ca": described(
        "Path of a file with trusted certificates on the controller. By default, those of the system.", NAME
    )
}
NOTIFIER: Mapping[str, Any] = schema_object(
    {
        "events": described(
            "Events that the notifier gets. By default, all events.",
            {"type": "array", "items": {"enum": [*EVENTS, *FAMILIES]}, "minItems": 1},
        ),
        "webhook": described(
            "An https URL that accepts Slack's webhook format. A setting holds the URL.",
            schema_object({**_SETTING, **_CA}, required=["setting"]),
        ),
        "email": described(
            "A mail that is sent by SMTP, over verified TLS.",
            schema_object(
                {
                    "server": described(
                        "Name or address of the mail server.", {"type": "string", "pattern": r"^[A-Za-z0-9.:-]+$"}
                    ),
                    "port": described(
                        "Port of the mail server, 465 by default.", {"type": "integer", "minimum": 1, "maximum": 65535}
                    ),
                    "tls": described(
                        "How TLS begins. By default implicit on port 465, starttls on other ports.",
                        {"enum": [IMPLICIT, STARTTLS]},
                    ),
                    "from": described("Mail address of the sender.", ADDRESS),
                    "to": described(
                        "Mail addresses of the receivers.", {"type": "array", "items": ADDRESS, "minItems": 1}
                    ),
                    "username": described("User name at the mail server, if the server requires a login.", NAME),
                    "password": described(
                        "Password at the mail server.", schema_object(_SETTING, required=["setting"])
                    ),
                    **_CA,
                },
                required=["server", "from", "to"],
            ),
        ),
        "command": described(
            "A program on the controller, with its arguments. It gets the event as JSON on standard input.",
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
        ),
    }
)
NOTIFY: Mapping[str, Any] = described(
    "Receivers of events that need no AWS, by name: a webhook, mails or a program.",
    schema_map({"anyOf": [{"type": "null"}, {"$ref": "#/$defs/notifier"}]}),
)
