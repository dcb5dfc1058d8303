# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""leak_response.yml, leak_containment=immediate, for an AWS access key on moto and an externally issued value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from sandbox.process import write_private
from tests.integration import leak_lab
from tests.integration.access_key_lab import USER, in_use, keys, prepare
from tests.integration.harness import Lab, Run
from tests.integration.leak_lab import newest_post_mortem
from tests.integration.provider import Provider, running
from tests.integration.test_leak_immediate import acts

PAGE = "https://provider.example/keys"
NEW = "canary-of-a-provider-0123456789"
pytestmark = pytest.mark.slow


@pytest.fixture
def provider() -> Iterator[Provider]:
    with running() as made:
        yield made


def respond(lab: Lab, *messages: str) -> Run:
    names = ("leak_containment=immediate", "leak_sessions=false", *messages)
    return leak_lab.respond(lab, *(part for word in names for part in ("-e", word)))


def test_an_access_key_is_dead_before_the_new_one_is_deployed(lab: Lab) -> None:
    """The account is compared with its baseline in the end: who was added there may still come in."""
    old = prepare(lab)
    recorded = lab.run(playbook="playbooks/baseline.yml")
    assert recorded.code == 0, recorded.output
    lab.moto.client("iam").create_user(UserName="thief")
    run = respond(lab, "leak_credentials=storage")
    assert run.code != 0, run.output
    assert "1 possible foothold left: storage: user thief is not in the baseline" in run.text
    assert "aws iam delete-user --user-name thief" in run.text
    assert "-e leak_footholds_checked=storage" in run.text
    order = acts(run.output)
    assert order.index("test") < order.index("revoke") < order.index("Deliver the .env and verify")
    assert list(keys(lab.moto.client("iam"), USER)) == [in_use(lab).username] != [old.username]
    text = newest_post_mortem(lab)
    assert "- checked: AWS account 123456789012 was compared with its baseline of" in text
    assert "AWS account 123456789012: before the containment: possible foothold: user thief is not in" in text
    assert "- left: storage: user thief is not in the baseline" in text
    assert re.search(r"the application was taken down at \d+ s and was down for at most \d+ s", text)
    for value in (old.password, in_use(lab).password):
        assert value not in run.output + text


def test_a_third_partys_value_is_replaced_and_open_until_it_is_revoked(lab: Lab, provider: Provider) -> None:
    """Nothing here can revoke it: the page is named, and a confirmation ends it unless the old one still works."""
    prepare(lab)
    provider.keys = {NEW, lab.hosts[0].values()["API_TOKEN"]}
    lab.catalog["credentials"] = {
        "partner": {
            "kind": "external",
            "provider_url": PAGE,
            "appears_in": [{"setting": "API_TOKEN"}],
            "test": {"url": f"{provider.url}/me", "headers": {"X-Key": "{value}"}},
        }
    }
    values = lab.directory / "new-values.yml"
    write_private(values, json.dumps({"partner": NEW}))
    run = respond(lab, "leak_credentials=partner", f"rotation_values_file={values}")
    assert run.code != 0, run.output
    message = f"the new value is in force; revoke the old value at {PAGE}, then run again with -e leak_revoked=partner"
    assert f"partner: {message}" in run.text
    assert lab.hosts[0].values()["API_TOKEN"] == NEW
    assert "holds the previous value of partner, which r-" in newest_post_mortem(lab), "it is read again, to try it"
    run = respond(lab, "leak_credentials=partner", "leak_revoked=partner")
    assert run.code != 0, run.output
    assert "which r-" in run.text
    assert "STILL WORKS" in newest_post_mortem(lab)
    provider.keys = {NEW}
    run = respond(lab, "leak_credentials=partner", "leak_revoked=partner")
    assert run.code == 0, run.output
    message = "revoked, as the operator confirmed; the new value is in force; the old value was tried and refused"
    assert message in newest_post_mortem(lab)
    assert NEW not in run.output + newest_post_mortem(lab)
    run = respond(lab, "leak_credentials=partner", "leak_revoked=somebody")
    assert run.code != 0
    assert "leak_revoked: somebody: is not a credential of the catalog" in run.text
