# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A text that a host chose stays text in every place that it comes to."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.action import verify_report
from ansible_collections.watchparty.secrets.plugins.modules import host_check, host_evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import host_answer
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports import pages, postmortem_markdown
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import changelog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit import record as audit_record
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import sarif as verify_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from tests.hostile.programs import sample
from tests.unit.plugins.plugin_utils._leak.postmortem_facts import facts as leak_facts
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts as verify_facts

pytestmark = pytest.mark.servers  # knows no Ansible
ESCAPES = "\x1b]0;owned\x07\x9b31m\u202e\u2066\u200b\x00"
HOSTILE = (
    f"{ESCAPES}<script>alert(1)</script><img src=x onerror=alert(1)>\"'>&lt; [contained](https://203.0.113.9/) "
    "![i](https://203.0.113.9/i) [x](javascript:alert(1)) | `code` \r\n# NOT a leak\n| a | b |\n- [ ] \u2028\x85end"
)


def answered(program: Any) -> dict[str, Any]:
    answer = json.dumps({"changed": False, **sample(program.RETURNS, HOSTILE)})
    result = host_answer.parsed(answer, program.RETURNS)
    assert result is not None
    return result


def is_printable(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    """A verification of one host that answers so, and of one that is lost with such an error."""
    lost = verify_report.host({"unreachable": True, "msg": HOSTILE})
    answer = answered(host_check)
    drift = {"missing": [], "differs": [], "gone": [], "unknown": list(answer["fingerprints"]), "same": 1}
    facts = verify_facts(hosts={"web1": {**answer, "drift": drift}, "web2": lost})
    results = verify_check.run_checks(verify_check.registry(), facts)
    result = verify_table.data(facts, results, ["web1", "web2"])
    assert "alert(1)" in json.dumps(result)
    return result


def test_the_terminal(report: dict[str, Any]) -> None:
    lines = [line for line, _colour in verify_table.table(report)]
    assert any("alert(1)" in line for line in lines)
    assert all(line.isprintable() for line in lines)


class Page(HTMLParser):
    def __init__(self, document: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def assert_inert(document: str, scripts: int) -> None:
    tags = Page(document).tags
    assert sum(tag == "script" for tag, _attributes in tags) == scripts
    assert not [tag for tag, _attributes in tags if tag == "img"]
    assert not [name for _tag, attributes in tags for name in attributes if name.startswith("on")]
    assert not [entry for _tag, entry in tags if "203.0.113.9" in (entry.get("href") or entry.get("src") or "")]
    assert is_printable(document)


def test_the_verifications_page(report: dict[str, Any]) -> None:
    document = pages.verification(report)
    clean = pages.verification({**report, "checks": [], "hosts": {}})
    assert "alert(1)" in document
    assert_inert(document, scripts=clean.count("<script"))


def test_sarif(report: dict[str, Any]) -> None:
    document = json.loads(json.dumps(verify_sarif.log(report)))
    (run,) = document["runs"]
    notes = run["invocations"][0].get("toolExecutionNotifications", [])
    texts = [item["message"]["text"] for item in (*run["results"], *notes)]
    assert any("alert(1)" in text for text in texts)
    assert all(text.isprintable() and "](" not in text for text in texts)


def evidence() -> list[str]:
    result = answered(host_evidence)
    return [*result["lines"], *result["short"]]


def assert_plain_markdown(text: str) -> None:
    assert "alert(1)" in text
    assert is_printable(text)
    assert "<script" not in text
    assert "](" not in text
    assert "# NOT a leak" not in [line.strip() for line in text.splitlines()]


def test_the_evidence_and_the_post_mortem() -> None:
    assert_plain_markdown(postmortem_markdown.evidence("leak-1", "2026-11-25T15:00:00Z", evidence(), evidence()))
    assert_plain_markdown(postmortem_markdown.markdown(leak_facts(HOSTILE, evidence=evidence(), open=[HOSTILE])))


def test_the_post_mortems_page() -> None:
    facts = leak_facts(host_answer.printable(HOSTILE), evidence=evidence())
    assert_inert(pages.postmortem(facts), scripts=0)


def test_the_changelog_and_the_audit_log() -> None:
    text = audit_record.plain(HOSTILE)
    assert text.isprintable()
    record = {"rotation": "r1", "outcome": "completed", "application": "shop", "environment": "production"}
    line = changelog.changelog_line({**record, "who": text, "at": "2026-11-25T10:00:00Z", "credentials": [text]})
    assert line.isprintable()
    assert "<script" not in line.replace("\\<", "")
    assert "](" not in line.replace("\\]", "")
