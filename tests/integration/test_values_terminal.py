# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody sits at a terminal: is asked once for what is needed, unseen, and for one setting that changes."""

from __future__ import annotations

import pytest

from tests.integration.harness import Lab
from tests.integration.terminal import typed
from tests.integration.values_lab import PROVISION, SET, Account

pytestmark = pytest.mark.slow
TYPED = {
    "Value of API_TOKEN: ": "api-token-of-the-partner",
    "Value of ALLOWED_HOSTS: ": "shop.example.com",
    "Value of admin.username: ": "root",
    "Value of admin.password: ": "admin-password-of-somebody",
}
BESIDE = {
    "Value, or nothing, of SECRET_KEY_FALLBACKS: ": "",
    "Value, or nothing, of MAIL_USER: ": "mailer@example.com",
    "Value, or nothing, of MAIL_PASSWORD: ": "mail-password-of-ours",
}


def test_asked_once(lab: Lab) -> None:
    account = Account(lab)
    lab.add_hosts()
    code, seen = typed(lab, PROVISION, {**TYPED, **BESIDE}, "-e", "provision_optional=true")
    assert code == 0, seen
    account.assert_complete()
    assert account.parameter("/shop/production/Mail/USER") == "mailer@example.com"
    assert account.secret("shop/production/integrations") == {"MAIL_PASSWORD": "mail-password-of-ours"}
    for value in ("api-token-of-the-partner", "admin-password-of-somebody", "mail-password-of-ours"):
        assert value not in seen
    assert "optional, and not set: SECRET_KEY_FALLBACKS" in seen
    code, seen = typed(lab, PROVISION, {})
    assert code == 0, seen
    assert "nothing to write: the stores have all known values" in seen

    code, seen = typed(lab, SET, {"New value of API_TOKEN: ": "canary-of-a-new-token"}, "-e", "set_names=API_TOKEN")
    assert code == 0, seen
    assert "canary-of-a-new-token" not in seen
    assert account.secret("shop/production/core")["API_TOKEN"] == "canary-of-a-new-token"


def test_asked_again(lab: Lab) -> None:
    """An answer that cannot be the value, and a key of several lines: what was answered before is kept."""
    account = Account(lab)
    lab.add_hosts()
    lab.catalog["readers"] = ["python_dotenv", "systemd"]
    lab.catalog["settings"]["API_TOKEN"] |= {"type": "pem", "description": "Key of the partner's API"}
    key = "-----BEGIN KEY-----\nY2FuYXJ5\n-----END KEY-----"
    answers: dict[str, str | bytes] = {
        "Value of API_TOKEN (you can paste several lines; Enter ends the answer): ": f"{key}\n".replace(
            "\n", "\r"
        ).encode(),
        "Value of ALLOWED_HOSTS: ": "https://canary.example.com",
        "Answer again": "shop.example.com",
        "Value of admin.username: ": "root",
        "Value of admin.password: ": "admin-password-of-somebody",
    }
    code, seen = typed(lab, PROVISION, answers)
    assert code == 0, seen
    assert (
        "API_TOKEN (pem): Key of the partner's API. It is stored in secret shop/production/core key API_TOKEN." in seen
    )
    assert "ALLOWED_HOSTS: is a list of hosts, but item 1 is not a host" in seen
    assert not {"Y2FuYXJ5", "canary.example.com"} & set(seen.split())
    assert account.secret("shop/production/core")["API_TOKEN"] == key
    assert account.parameter("/shop/production/App/ALLOWED_HOSTS") == "shop.example.com"
