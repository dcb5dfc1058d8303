# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import (
    Check,
    Outcome,
    bad,
    good,
    unknown,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check_helpers import by_host


def _host(host: str, result: Mapping[str, Any]) -> Iterator[Outcome]:
    flaws = result.get("flaws")
    if flaws is None:
        yield unknown(result.get("drift_problem") or "the file could not be read", host)
        return
    problems = [f"assigns {name} more than once; readers differ in which one counts" for name in flaws["twice"]]
    problems += [f"{item['name']} is spelt so that {item['reader']} reads another value" for item in flaws["misread"]]
    problems += [f"line {item['line']}: a comment {item['why']}" for item in flaws["comments"]]
    for problem in problems:
        yield bad(problem, host)
    if not problems:
        yield good("each setting once, no value in a comment", host)


CHECK = Check(
    id="WPS308",
    name="env-lines",
    area="drift",
    severity="high",
    title=".env has each setting once, alike for all readers; no value in a comment",
    reason="Of two assignments django-environ takes the first, python-dotenv the last. A comment keeps revoked values.",
    fix="Deploy again, which writes the whole file.",
    command="ansible-playbook watchparty.secrets.deploy {run} --limit {place}",
    look=by_host(_host),
    needs=("hosts",),
)
