# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which alerts start what, by events written by hand after the public schemas, and that nothing else of them goes on.

The rulebooks' conditions are evaluated by a few lines here, for the comparisons that they use and no others;
tests/integration/test_leak_alert.py runs them in ansible-rulebook where that is installed.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from jinja2 import StrictUndefined, UndefinedError
from jinja2.nativetypes import NativeEnvironment

ROOT = Path(__file__).parents[3]
EDA = ROOT / "extensions" / "eda"
ALERTS = ROOT / "tests" / "unit" / "fixtures" / "alerts"
CREDENTIALS = {
    "github/postman_api_key": "postman",
    "aws/mailer": "mailer",
    "aws/AKIALEAKEDEXAMPLE001": "mailer,database",
    "aws/shop-decoy": "secret:shop/production/core",
    "honeytoken/reports": "secret:shop/production/core",
}
_COMPARISON = re.compile(r'event\.(?P<path>[\w.]+) (?P<operator>==|!=) (?P<value>true|false|"[^"]*")')

spec = importlib.util.spec_from_file_location("leak_alert", EDA / "plugins" / "event_filter" / "leak_alert.py")
assert spec is not None
assert spec.loader is not None
leak_alert = importlib.util.module_from_spec(spec)
spec.loader.exec_module(leak_alert)


def event(name: str) -> dict[str, Any]:
    result: dict[str, Any] = json.loads((ALERTS / f"{name}.json").read_text(encoding="utf-8"))
    return result


def filtered(result: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return leak_alert.main(result, **extra)


def rendered(text: str, **variables: Any) -> Any:
    """As ansible-rulebook 1.3.2 does, in its ``util.render_string``."""
    return NativeEnvironment(undefined=StrictUndefined).from_string(text).render(variables)


def given(book: str, name: str, result: dict[str, Any], credentials: dict[str, str]) -> str:
    """What the rule gives to the playbook."""
    text = rulebook(book)["rules"][0]["action"]["run_playbook"]["extra_vars"][name]
    return str(rendered(text, event=result, leak_alert_credentials=credentials)).strip()


def leaked(book: str, result: dict[str, Any], credentials: dict[str, str] = CREDENTIALS) -> str:
    return given(book, "leak_credentials", result, credentials)


def unknown(book: str, result: dict[str, Any], credentials: dict[str, str] = CREDENTIALS) -> str:
    return given(book, "leak_alert_unknown", result, credentials)


@cache
def rulebook(name: str) -> dict[str, Any]:
    (ruleset,) = yaml.safe_load((EDA / "rulebooks" / f"leak_alerts_{name}.yml").read_text(encoding="utf-8"))
    return ruleset


def holds(condition: str, result: dict[str, Any]) -> bool:
    """Comparisons joined by ``and``; anything else is an error here, not a guess."""
    return all(_compared(part, result) for part in condition.split(" and "))


def _compared(part: str, result: dict[str, Any]) -> bool:
    match = _COMPARISON.fullmatch(part)
    assert match is not None, f"not evaluated here: {part}"
    value: Any = result
    for name in match["path"].split("."):
        value = value[name]
    return (value == json.loads(match["value"])) == (match["operator"] == "==")


def fired(book: str, result: dict[str, Any]) -> list[str]:
    return [rule["name"] for rule in rulebook(book)["rules"] if holds(rule["condition"], result)]


ANSWER = "Answer the alert"


@pytest.mark.parametrize(
    ("name", "rules", "message"),
    [
        ("github_created", [ANSWER], "postman"),
        ("github_publicly_leaked", [ANSWER], "postman"),
        ("github_location", [], ""),
        ("github_resolved", [], "postman"),
        ("github_unknown_type", [ANSWER], ""),
        ("github_ping", [], ""),
        ("guardduty_high", [ANSWER], "mailer"),
        ("guardduty_low", [], "mailer"),
        ("guardduty_other_user", [ANSWER], "mailer,database"),
        ("guardduty_instance", [], ""),
        ("cloudtrail_honeytoken", [ANSWER], "secret:shop/production/core"),
        ("cloudtrail_role", [], ""),
        ("verify_honeytoken", [ANSWER], "secret:shop/production/core"),
        ("verify_failed", [], ""),
        ("guardduty_sequence", [ANSWER], "mailer"),
        ("health_exposed", [ANSWER], "mailer,database"),
    ],
)
def test_what_an_alert_starts(name: str, rules: list[str], message: str) -> None:
    result, book = filtered(event(name)), "github" if name.startswith("github") else "aws"
    assert fired(book, result) == rules
    assert leaked(book, result) == message


@pytest.mark.parametrize("path", sorted(ALERTS.glob("*.json")), ids=lambda path: path.stem)
def test_nothing_else_of_it_goes_on(path: Path) -> None:
    result = filtered(event(path.stem))
    assert list(result) == ["leak_alert"]
    assert "canary" not in json.dumps(result)


def test_the_events_hold_what_must_not_go_on() -> None:
    assert sum("canary" in path.read_text(encoding="utf-8") for path in ALERTS.glob("*.json")) >= 8


def test_what_stands_for_any_other() -> None:
    result = filtered(event("guardduty_high"))
    assert result["leak_alert"]["names"][0][:2] == ["aws/mailer", "aws/AKIALEAKEDEXAMPLE001"], "the narrowest first"
    assert leaked("aws", result, {"aws/*": "all", "aws/mailer": "mailer"}) == "mailer"
    assert leaked("aws", result, {"aws/*": "all", "github/*": "github"}) == "all"
    assert leaked("aws", result, {"github/*": "github"}) == ""
    assert leaked("github", filtered(event("github_unknown_type")), {"github/*": "github"}) == "github"


def test_an_alert_of_several_keys_declares_each_and_names_what_is_not_known() -> None:
    """AWS Health names all that it has found in one, and adds to it."""
    health = event("health_exposed")
    alone = filtered(health)["leak_alert"]["about"]
    assert unknown("aws", filtered(health)) == ""
    health["body"]["detail"]["affectedEntities"] += [{"entityValue": "AKIAANOTHEREXAMPLE2"}]
    result = filtered(health)
    assert alone != result["leak_alert"]["about"] == "AKIALEAKEDEXAMPLE001 AKIAANOTHEREXAMPLE2"
    assert leaked("aws", result) == "mailer,database"
    assert unknown("aws", result) == "aws/AKIAANOTHEREXAMPLE2 or aws/AWS_RISK_CREDENTIALS_EXPOSED"
    other = {"aws/AKIAANOTHEREXAMPLE2": "storage"}
    assert leaked("aws", result, other) == "storage"
    assert unknown("aws", result, other) == "aws/AKIALEAKEDEXAMPLE001 or aws/AWS_RISK_CREDENTIALS_EXPOSED"
    both = {**CREDENTIALS, **other}
    assert (leaked("aws", result, both), unknown("aws", result, both)) == ("mailer,database,storage", "")
    assert leaked("aws", result, {"aws/AKIAANOTHEREXAMPLE2": "storage", "aws/*": "all"}) == "all,storage"
    assert (leaked("aws", result, {"aws/*": "all"}), unknown("aws", result, {"aws/*": "all"})) == (
        "all",
        "",
    ), "each once"
    assert leaked("aws", result, {}) == ""
    assert unknown("aws", result, {}).count(", ") == 1, "both, each by what the map could call it"


def test_a_key_that_is_no_plain_name_is_reported_by_what_sort_of_alert_it_is() -> None:
    health = event("health_exposed")
    health["body"]["detail"]["affectedEntities"] += [{"entityValue": "a b"}, {"entityValue": "{{ x }}"}]
    result = filtered(health)
    assert leaked("aws", result) == "mailer,database"
    assert unknown("aws", result) == "aws/AWS_RISK_CREDENTIALS_EXPOSED", "once"


def test_an_alert_that_is_not_known_is_named() -> None:
    assert unknown("github", filtered(event("github_unknown_type"))) == "github/acme_internal_token"
    assert unknown("github", filtered(event("github_created"))) == ""


def sequence(**changed: Any) -> dict[str, Any]:
    result = event("guardduty_sequence")
    result["body"]["detail"]["service"]["detection"]["sequence"].update(changed)
    return result


class TestAttackSequence:
    """GuardDuty's attack sequences name no key where its other findings do, but actors and resources."""

    def test_its_event_has_the_fields_of_awss_own_model(self) -> None:
        """Those of the SDK's service model, guardduty 2017-11-28, which has the names that the event's JSON has."""
        loaders = pytest.importorskip("botocore.loaders")
        shapes = loaders.Loader().load_service_model("guardduty", "service-2", "2017-11-28")["shapes"]

        def compare(result: Any, shape: str) -> None:
            model = shapes[shape]
            if model["type"] == "list":
                for item in result:
                    compare(item, model["member"]["shape"])
            elif model["type"] == "structure":
                names = {item.get("locationName", name): item["shape"] for name, item in model["members"].items()}
                assert result.keys() <= names.keys(), shape
                for name, inner in result.items():
                    compare(inner, names[name])
            else:
                assert "enum" not in model or result in model["enum"], shape

        compare(event("guardduty_sequence")["body"]["detail"], "Finding")

    def test_each_credential_of_it_is_declared_once(self) -> None:
        result = filtered(event("guardduty_sequence"))
        kind = "aws/AttackSequence:IAM/CompromisedCredentials"
        assert result["leak_alert"]["names"] == [
            ["aws/mailer", "aws/AKIALEAKEDEXAMPLE001", kind, "aws/*"],
            ["aws/storage", "aws/AKIAANOTHEREXAMPLE2", kind, "aws/*"],
        ]
        assert leaked("aws", result) == "mailer"
        assert unknown("aws", result) == f"aws/storage or aws/AKIAANOTHEREXAMPLE2 or {kind}"

    def test_another_key_of_the_same_user_is_another(self) -> None:
        resources = [
            {"resourceType": "ACCESS_KEY", "uid": "AKIAANOTHEREXAMPLE2", "data": {"accessKey": {"userName": "mailer"}}}
        ]
        result = filtered(sequence(resources=resources))
        assert result["leak_alert"]["about"] == "mailer AKIALEAKEDEXAMPLE001 mailer AKIAANOTHEREXAMPLE2"

    def test_a_resource_alone_is_enough(self) -> None:
        assert leaked("aws", filtered(sequence(actors=[]))) == "mailer"

    def test_one_that_names_none_is_reported_and_not_passed_over(self) -> None:
        result = filtered(sequence(actors=[{"id": "process:1"}], resources=[{"resourceType": "S3_BUCKET"}]))
        assert fired("aws", result) == [ANSWER]
        assert leaked("aws", result) == ""
        assert unknown("aws", result) == "aws/AttackSequence:IAM/CompromisedCredentials"

    def test_one_that_is_about_no_credential_starts_nothing(self) -> None:
        result = sequence(actors=[{"id": "process:1"}], resources=[{"resourceType": "EKS_CLUSTER", "uid": "c"}])
        result["body"]["detail"]["type"] = "AttackSequence:EKS/CompromisedCluster"
        assert fired("aws", filtered(result)) == []


def test_the_severity_is_the_operators() -> None:
    assert filtered(event("guardduty_low"), min_severity="2")["leak_alert"]["starts"]
    result = event("guardduty_high")
    result["body"]["detail"]["service"]["archived"] = True
    assert not filtered(result)["leak_alert"]["starts"]
    result["body"]["detail"]["severity"] = "8"
    assert filtered(result)["leak_alert"]["severity"] == 0


def test_the_same_alert_has_the_same_reference() -> None:
    item = filtered(event("github_created"))["leak_alert"]["reference"]
    assert item == filtered(event("github_publicly_leaked"))["leak_alert"]["reference"] == "example/shop#42"
    assert filtered(event("guardduty_high"))["leak_alert"]["reference"] == "c6b7e8f9a0b1c2d3e4f5a6b7c8d9e0f1"


@pytest.mark.parametrize("odd", ["{{ lookup('pipe', 'id') }}", "a b", "a\nb", "", 7, None, ["x"], "x" * 300])
def test_what_is_no_plain_name_does_not_go_on(odd: Any) -> None:
    for name, at in (
        ("github_created", ("payload", "repository", "full_name")),
        ("guardduty_high", ("body", "detail", "id")),
    ):
        result = event(name)
        inner = result
        for key in at[:-1]:
            inner = inner[key]
        inner[at[-1]] = odd
        assert filtered(result)["leak_alert"]["reference"] in ("#42", "")


@pytest.mark.parametrize(
    "cut",
    [
        *("payload", "body", "alert", "repository", "detail", "resource", "affectedEntities", "service"),
        *("detection", "sequence", "actors", "user", "resources", "data", "accessKey"),
    ],
)
@pytest.mark.parametrize("odd", [None, [], "text", 7])
def test_an_event_that_is_malformed_fails_nothing(cut: str, odd: Any) -> None:
    def spoiled(result: Any) -> Any:
        if isinstance(result, dict):
            return {key: odd if key == cut else spoiled(value) for key, value in result.items()}
        return result

    for path in ALERTS.glob("*.json"):
        result = filtered(spoiled(copy.deepcopy(event(path.stem))))
        assert list(result) == ["leak_alert"]
        assert fired("github", result) in ([], [ANSWER])


@pytest.mark.parametrize("name", ["github", "aws"])
class TestRulebook:
    def test_a_drill_unless_said_otherwise(self, name: str) -> None:
        given = rulebook(name)["rules"][0]["action"]["run_playbook"]
        assert given["name"] == "watchparty.secrets.leak_alert"
        assert given["extra_vars"]["leak_drill"] == "{{ leak_alert_mode | default('drill') != 'real' }}"

    def test_nothing_but_what_the_filter_lets_through_is_used(self, name: str) -> None:
        text = json.dumps(rulebook(name))
        used = set(re.findall(r"event\.([\w.]+)", text))
        assert used <= {f"leak_alert.{name}" for name in ("starts", "names", "about", "source", "kind", "reference")}

    def test_its_source_is_filtered(self, name: str) -> None:
        (source,) = rulebook(name)["sources"]
        assert list(source["filters"][0]) == ["watchparty.secrets.leak_alert"]

    def test_by_ansible_rulebooks_own_schema(self, name: str) -> None:
        try:
            version("ansible-rulebook")
        except PackageNotFoundError:
            pytest.skip("ansible-rulebook is not installed, so its own schema of a rulebook was not applied")
        module_spec = importlib.util.find_spec("ansible_rulebook")
        assert module_spec is not None
        schema = json.loads((Path(str(module_spec.origin)).parent / "schema" / "ruleset_schema.json").read_text())
        jsonschema.validate([rulebook(name)], schema)


def test_a_webhook_without_a_signature_is_refused() -> None:
    ((_name, source),) = [(key, item) for key, item in rulebook("github")["sources"][0].items() if "webhook" in key]
    key = "a key of twenty chars"
    assert rendered(source["hmac_secret"], LEAK_WEBHOOK_SECRET=key) == key
    assert (source["hmac_algo"], source["hmac_header"]) == ("sha256", "x-hub-signature-256")


@pytest.mark.parametrize("given", [{}, {"LEAK_WEBHOOK_SECRET": ""}, {"LEAK_WEBHOOK_SECRET": "x" * 15}], ids=str)
def test_a_key_that_others_could_guess_starts_nothing(given: dict[str, str]) -> None:
    """ansible.eda's webhook takes an empty one, and with it every signature that is made with an empty key."""
    source = rulebook("github")["sources"][0]["ansible.eda.webhook"]
    with pytest.raises(UndefinedError, match="LEAK_WEBHOOK_SECRET"):
        rendered(source["hmac_secret"], **given)


def test_the_playbook_calls_the_rest_by_its_full_name() -> None:
    """ansible-rulebook copies one file of it away."""
    _look, play, _last = yaml.safe_load((ROOT / "playbooks" / "leak_alert.yml").read_text(encoding="utf-8"))
    assert play["ansible.builtin.import_playbook"] == "watchparty.secrets.leak_response"
