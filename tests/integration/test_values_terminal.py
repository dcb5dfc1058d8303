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
    code, seen = typed(lab, PROVISION, {**TYPED, **BESIDE}, "-e", "secret_provision_optional=true")
    assert code == 0, seen
    account.assert_complete()
    assert account.parameter("/shop/production/Mail/USER") == "mailer@example.com"
    assert account.secret("shop/production/integrations") == {"MAIL_PASSWORD": "mail-password-of-ours"}
    for value in ("api-token-of-the-partner", "admin-password-of-somebody", "mail-password-of-ours"):
        assert value not in seen
    assert "not set, and not needed: SECRET_KEY_FALLBACKS" in seen
    code, seen = typed(lab, PROVISION, {})
    assert code == 0, seen
    assert "every value that is known is there already" in seen

    code, seen = typed(lab, SET, {"New value of API_TOKEN: ": "canary-of-a-new-token"}, "-e", "name=API_TOKEN")
    assert code == 0, seen
    assert "canary-of-a-new-token" not in seen
    assert account.secret("shop/production/core")["API_TOKEN"] == "canary-of-a-new-token"


def test_a_malformed_answer_writes_nothing(lab: Lab) -> None:
    account = Account(lab)
    lab.add_hosts()
    code, seen = typed(lab, PROVISION, {**TYPED, "Value of ALLOWED_HOSTS: ": "https://shop.example.com"})
    assert code != 0
    assert "ALLOWED_HOSTS: is a list of hosts, and item 1 is none" in seen
    assert account.state() == {}
