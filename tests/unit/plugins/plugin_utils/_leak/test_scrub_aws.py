# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is done to revoked values. moto keeps policies and labels but enforces no resource policy, so a denied
version is still readable there: what is asserted is the policy that AWS is given."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Denied
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import Reading
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.numbered_versions import HISTORY
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.parameter_store import ParameterStore
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import scrub_aws
from tests.fakes.memory_stores import Hook, MemoryParameters

Client = Callable[[str], tuple[Any, list[str]]]
Stubbed = Callable[[str], tuple[Any, Stubber]]
OLD, NOW, COMING = "1" * 32, "2" * 32, "3" * 32
THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "secretsmanager:*", "Resource": "*"}
PATH, NAME = "/app/test", "/app/test/TOKEN"
PUSHED = f"the history of parameter {NAME} holds only its present value"


@pytest.fixture
def asked(moto: Client) -> tuple[Any, list[str]]:
    """A secret with a former, a current and a coming version; and what AWS is asked from then on."""
    client, calls = moto("secretsmanager")
    client.create_secret(Name="core", SecretString="canary-1", ClientRequestToken=OLD)
    client.put_secret_value(SecretId="core", SecretString="canary-2", ClientRequestToken=NOW)
    client.put_secret_value(
        SecretId="core", SecretString="canary-3", ClientRequestToken=COMING, VersionStages=["AWSPENDING", "ours"]
    )
    calls.clear()
    return client, calls


@pytest.fixture
def client(asked: tuple[Any, list[str]]) -> Any:
    return asked[0]


def of(client: Any) -> dict[str, list[str]]:
    version_ids: dict[str, list[str]] = client.describe_secret(SecretId="core")["VersionIdsToStages"]
    return version_ids


def labels(client: Any) -> dict[str, list[str]]:
    return {version: sorted(stages) for version, stages in of(client).items() if stages}


def statements(client: Any) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = json.loads(client.get_resource_policy(SecretId="core")["ResourcePolicy"])[
        "Statement"
    ]
    return results


def condition(versions: list[str]) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"secretsmanager:VersionId": versions}}}


def put(client: Any, statement: Any) -> None:
    policy = {"Version": "2012-10-17", "Id": "theirs", "Statement": statement}
    client.put_resource_policy(SecretId="core", ResourcePolicy=json.dumps(policy))


class TestUnlabel:
    def test_every_label_of_these_versions_only(self, client: Any) -> None:
        assert labels(client) == {OLD: ["AWSPREVIOUS"], NOW: ["AWSCURRENT"], COMING: ["AWSPENDING", "ours"]}
        assert scrub_aws.unlabel(client, "core", [COMING], of(client)) == [
            f"AWSPENDING off version {COMING} of core",
            f"ours off version {COMING} of core",
        ]
        assert labels(client) == {OLD: ["AWSPREVIOUS"], NOW: ["AWSCURRENT"]}

    def test_the_current_label_stays(self, client: Any) -> None:
        assert scrub_aws.unlabel(client, "core", [NOW], of(client)) == []
        assert labels(client)[NOW] == ["AWSCURRENT"]

    def test_again_and_for_a_version_that_is_gone(self, client: Any) -> None:
        scrub_aws.unlabel(client, "core", [OLD], of(client))
        assert scrub_aws.unlabel(client, "core", [OLD, "9" * 32], of(client)) == []


class TestDeny:
    def test_everybody_these_versions(self, client: Any) -> None:
        assert scrub_aws.deny(client, "core", [OLD]) == [f"a policy of core denies version {OLD}"]
        assert statements(client) == [
            {
                "Sid": scrub_aws.LEAKED_VERSIONS,
                "Effect": "Deny",
                "Principal": "*",
                "Action": "secretsmanager:GetSecretValue",
                "Resource": "*",
                "Condition": {"StringEquals": {"secretsmanager:VersionId": [OLD]}},
            }
        ]

    @pytest.mark.parametrize("theirs", [[THEIRS], THEIRS], ids=["list", "one"])
    def test_other_statements_stay(self, client: Any, theirs: Any) -> None:
        put(client, theirs)
        scrub_aws.deny(client, "core", [OLD])
        assert statements(client)[0] == THEIRS
        assert [statement["Sid"] for statement in statements(client)] == ["Theirs", scrub_aws.LEAKED_VERSIONS]
        policy = json.loads(client.get_resource_policy(SecretId="core")["ResourcePolicy"])
        assert policy["Id"] == "theirs"

    def test_again_writes_nothing(self, asked: tuple[Any, list[str]]) -> None:
        client, calls = asked
        scrub_aws.deny(client, "core", [OLD])
        calls.clear()
        assert scrub_aws.deny(client, "core", [OLD]) == []
        assert calls == ["GetResourcePolicy"]

    def test_those_of_an_earlier_leak_stay_denied(self, client: Any) -> None:
        scrub_aws.deny(client, "core", [OLD])
        assert scrub_aws.deny(client, "core", [COMING, OLD]) == [
            f"a policy of core denies version {OLD}",
            f"a policy of core denies version {COMING}",
        ]
        (ours,) = statements(client)
        assert ours["Condition"]["StringEquals"]["secretsmanager:VersionId"] == [OLD, COMING]

    def test_a_condition_with_one_version_as_aws_may_give_it_back(self, client: Any) -> None:
        scrub_aws.deny(client, "core", [OLD])
        (ours,) = statements(client)
        put(client, [{**ours, "Condition": {"StringEquals": {"secretsmanager:VersionId": OLD}}}])
        assert scrub_aws.deny(client, "core", [OLD]) == []
        scrub_aws.deny(client, "core", [COMING])
        assert statements(client)[0]["Condition"]["StringEquals"]["secretsmanager:VersionId"] == [OLD, COMING]

    def test_a_policy_that_is_not_there(self, stubbed: Stubbed) -> None:
        """AWS answers without a policy, others with ResourceNotFoundException."""
        client, stubber = stubbed("secretsmanager")
        stubber.add_client_error("get_resource_policy", "ResourceNotFoundException")
        stubber.add_response("put_resource_policy", {})
        assert scrub_aws.deny(client, "core", [OLD]) != []


class TestScrubbed:
    def test_labels_and_policy_of_each_secret(self, client: Any) -> None:
        done, cannot = scrub_aws.scrub(client, {"core": [OLD]})
        assert done == [f"AWSPREVIOUS off version {OLD} of core", f"a policy of core denies version {OLD}"]
        assert cannot == []
        assert scrub_aws.scrub(client, {"core": [OLD]}) == ([], []), "repeatable"

    def test_the_current_version_is_left_and_reported(self, asked: tuple[Any, list[str]]) -> None:
        client, calls = asked
        done, cannot = scrub_aws.scrub(client, {"core": [NOW]})
        assert (done, cannot) == ([], [f"version {NOW} of core is the current version"])
        assert calls == ["DescribeSecret"]
        done, cannot = scrub_aws.scrub(client, {"core": [NOW, OLD]})
        assert len(done) == 2
        assert len(cannot) == 1
        assert NOW not in json.dumps(statements(client))

    def test_one_that_is_gone_keeps_nobody_up(self, client: Any) -> None:
        done, cannot = scrub_aws.scrub(client, {"gone": [OLD], "core": [OLD]})
        assert len(done) == 2
        assert len(cannot) == 1
        assert cannot[0].startswith("secret gone does not exist (secretsmanager:DescribeSecret)")

    @pytest.mark.parametrize(
        ("code", "message"),
        [
            ("AccessDeniedException", "AWS denies secretsmanager:{} on secret core; allow"),
            ("PublicPolicyException", "AWS refused secretsmanager:{} on secret core: PublicPolicyException"),
            ("MalformedPolicyDocumentException", "AWS refused secretsmanager:{} on secret core: Malformed"),
            ("ThrottlingException", "AWS still throttles secretsmanager:{} on secret core"),
        ],
    )
    def test_what_is_refused_is_reported_and_the_rest_is_done(self, stubbed: Stubbed, code: str, message: str) -> None:
        client, stubber = stubbed("secretsmanager")
        described = {"VersionIdsToStages": {OLD: ["AWSPREVIOUS"]}}
        stubber.add_response("describe_secret", described, {"SecretId": "core"})
        stubber.add_client_error("update_secret_version_stage", code)
        stubber.add_response("get_resource_policy", {}, {"SecretId": "core"})
        stubber.add_client_error("put_resource_policy", code)
        done, cannot = scrub_aws.scrub(client, {"core": [OLD]})
        assert done == []
        asked = ("UpdateSecretVersionStage", "PutResourcePolicy")
        assert all(line.startswith(message.format(name)) for line, name in zip(cannot, asked, strict=True))

    def test_a_policy_that_may_not_be_read_is_not_written(self, stubbed: Stubbed) -> None:
        """Written without having been read it would take other statements' place."""
        client, stubber = stubbed("secretsmanager")
        stubber.add_client_error("get_resource_policy", "AccessDeniedException")
        with pytest.raises(Denied, match="secretsmanager:GetResourcePolicy"):
            scrub_aws.deny(client, "core", [OLD])

    def test_no_value_is_reported(self, client: Any) -> None:
        assert "canary" not in str(scrub_aws.scrub(client, {"core": [OLD, NOW]}))


class TestReplicas:
    """AWS's documentation says that policies are replicated; moto lets nobody look whether they are."""

    @pytest.fixture
    def there(self, client: Any) -> Any:
        client.replicate_secret_to_regions(SecretId="core", AddReplicaRegions=[{"Region": "us-east-1"}])
        return boto3.client("secretsmanager", region_name="us-east-1")

    def test_a_policy_that_arrives_is_left_alone(self, stubbed: Stubbed) -> None:
        client, stubber = stubbed("secretsmanager")
        policy = json.dumps({"Statement": [{"Sid": scrub_aws.LEAKED_VERSIONS, **condition([OLD, COMING])}]})
        stubber.add_response("get_resource_policy", {})
        stubber.add_response("get_resource_policy", {"ResourcePolicy": policy})
        slept: list[float] = []
        message = scrub_aws.deny_in(client, "us-east-1", "core", [OLD], sleep=slept.append)
        assert message == "the policy of core in us-east-1 denies the same versions"
        assert slept == [0.0, 1.0]

    def test_one_that_does_not_is_put_there(self, stubbed: Stubbed) -> None:
        client, stubber = stubbed("secretsmanager")
        for _look in range(len(scrub_aws.DELAYS) + 1):
            stubber.add_response("get_resource_policy", {})
        stubber.add_response("put_resource_policy", {})
        message = scrub_aws.deny_in(client, "us-east-1", "core", [OLD], sleep=lambda _seconds: None)
        assert message == f"a policy of core in us-east-1 denies version {OLD}"

    def test_what_aws_refuses_there_is_reported(self, client: Any, there: Any) -> None:
        done, cannot = scrub_aws.scrub(client, {"core": [OLD]}, lambda _region: there, sleep=lambda _seconds: None)
        assert len(done) == 2
        assert len(cannot) == 1
        assert cannot[0].startswith("replica in us-east-1: AWS refused secretsmanager:GetResourcePolicy on secret core")


class TestPushOut:
    def test_a_parameters_history(self, moto: Client) -> None:
        client, calls = moto("ssm")
        store, theirs = ParameterStore(client), boto3.client("ssm", region_name="eu-west-3")
        for value in ("canary-1", "canary-2", "now"):
            theirs.put_parameter(Name=NAME, Value=value, Type="SecureString", Overwrite=True)
        missing: list[str] = []

        def look(**_more: Any) -> None:
            value = theirs.get_parameter(Name=NAME, WithDecryption=True)["Parameter"]["Value"]
            if value != "now":
                missing.append(value)

        # Whatever is asked, the parameter is there and holds its value before and after.
        client.meta.events.register("before-call.ssm.PutParameter", look)
        client.meta.events.register("after-call.ssm.PutParameter", look)
        calls.clear()
        assert scrub_aws.push_out(store, [NAME]) == ([PUSHED], [])
        pages = theirs.get_paginator("get_parameter_history").paginate(Name=NAME, WithDecryption=True)
        history = [parameter for page in pages for parameter in page["Parameters"]]
        assert {item["Value"] for item in history} == {"now"}
        assert {item["Type"] for item in history} == {"SecureString"}
        assert len(history) == HISTORY
        assert missing == []
        assert calls.count("PutParameter") == HISTORY - 1
        assert {call: calls.count(call) for call in set(calls) - {"PutParameter"}} == {
            "GetParameterHistory": 1,
            "DescribeParameters": 1,
            "GetParameter": 1,
        }
        calls.clear()
        assert scrub_aws.push_out(store, [NAME]) == ([PUSHED], []), "again"
        assert "PutParameter" not in calls, "nothing is left to push out"

    def test_a_run_that_was_killed_is_finished(self) -> None:
        store = MemoryParameters()
        for value in ("canary-1", *["now"] * 40):
            store.seed(NAME, value)
        scrub_aws.push_out(store, [NAME])
        assert len(store.history(NAME)) == 1 + HISTORY

    def test_a_history_that_does_not_show_the_newest_versions(self) -> None:
        """What it does not show may be the value that leaked."""

        class Behind(MemoryParameters):
            def history(self, name: str) -> list[Reading]:
                return super().history(name)[:1]

        store = Behind()
        for value in ("now", "canary-1", "now"):
            store.seed(NAME, value)
        scrub_aws.push_out(store, [NAME])
        assert {reading.value for reading in MemoryParameters.history(store, NAME)[-HISTORY:]} == {"now"}

    def test_one_that_is_not_there_keeps_no_other(self) -> None:
        store = MemoryParameters()
        store.seed(NAME, "now")
        gone = f"{PATH}/GONE"
        assert scrub_aws.push_out(store, [gone, NAME]) == (
            [PUSHED],
            [f"parameter {gone} does not exist, or may not be read"],
        )

    def test_somebody_who_writes_meanwhile_is_not_overwritten(self) -> None:
        class Meanwhile(Hook):
            at = 0

            def before(self, op: str, name: str) -> None:
                self.at += op == "write"
                if self.at == 3 and op == "write":
                    self.at += 1
                    store.seed(NAME, "theirs")

        store = MemoryParameters(Meanwhile())
        store.seed(NAME, "former")
        store.seed(NAME, "ours")
        done, (problem,) = scrub_aws.push_out(store, [NAME])
        assert done == []
        assert "somebody wrote at the same moment; the other writer's value was restored" in problem
        assert store.history(NAME)[-1].value == "theirs"
