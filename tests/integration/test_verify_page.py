# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The verification's page in a real browser: drawn, sorted, filtered and printed, without a request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.reports.pages import verification as page
from tests.integration.test_postmortem_page import BROWSER, BROWSERS, ODD, SCHEMES, opened
from tests.unit.plugins.plugin_utils._verify.verify_facts import found

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason=f"no browser is installed (one of {', '.join(BROWSERS)})"),
]
REPORT = found()
DRIVEN = """<script>
addEventListener('load',function(){
var said=[],rows=function(){return Array.from(document.querySelectorAll('#checks tbody tr')).filter(function(row){
return !row.hidden}).map(function(row){return row.id})};
function press(what){document.querySelector(what).click();return rows()}
said.push(['start',rows().length,rows()[0]]);
said.push(['severity',press('#checks th button[data-by=severity]')[0]]);
said.push(['status',press('#checks th button[data-by=status]')[0]]);
said.push(['backwards',press('#checks th button[data-by=status]').slice(-1)[0]]);
said.push(['fail',press('.tools button[data-status=fail]').length]);
var area=document.querySelector('#area');area.value='ages';area.dispatchEvent(new Event('change'));
said.push(['ages',rows().join()]);
area.value='';area.dispatchEvent(new Event('change'));press('.tools button[data-status=""]');
var search=document.querySelector('#search');search.value='deploy_ssh';search.dispatchEvent(new Event('input'));
said.push(['search',rows().join()]);
dispatchEvent(new Event('beforeprint'));
said.push(['closed',document.querySelectorAll('details:not([open])').length]);
document.body.setAttribute('data-said',JSON.stringify(said));
});
</script>"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_page_is_drawn_and_asks_for_nothing(tmp_path: Path, scheme: str) -> None:
    seen = opened(tmp_path, page(found(ODD)), scheme)
    assert seen.console == []
    assert seen.requests == []
    assert seen.dom.count('class="edge"') == len(REPORT["graph"]["edges"])
    assert f"{len(REPORT['checks'])} of {len(REPORT['checks'])} shown" in seen.dom, "its script ran"
    assert "<img" not in seen.dom
    assert seen.ground == SCHEMES[scheme][1]


def test_sorted_filtered_searched_and_opened_for_print(tmp_path: Path) -> None:
    """What is clicked here is clicked by a second script, which only a page without its policy lets run."""
    text = page(REPORT)
    start, end = text.index("<meta http-equiv"), text.index("<title>")
    seen = opened(tmp_path, (text[:start] + text[end:]).replace("</main>", f"</main>{DRIVEN}"))
    assert seen.console == []
    (message,) = (part.partition('"')[0] for part in seen.dom.split('data-said="')[1:])
    answer = {item[0]: item[1:] for item in json.loads(message.replace("&quot;", '"'))}
    fails = [check["id"].lower() for check in REPORT["checks"] if check["status"] == "fail"]
    grave = next(check["id"].lower() for check in REPORT["checks"] if check["severity"] == "high")
    assert answer == {
        "start": [len(REPORT["checks"]), "wps001"],
        "severity": [grave],
        "status": [fails[0]],
        "backwards": [fails[0]],
        "fail": [len(fails)],
        "ages": ["wps801"],
        "search": ["wps801"],
        "closed": [0],
    }


def test_its_policy_stops_any_other_script(tmp_path: Path) -> None:
    seen = opened(tmp_path, page(REPORT).replace("</main>", "</main><script>console.error('ran')</script>"))
    assert not [line for line in seen.console if "ran" in line and "Content Security Policy" not in line]
    assert [line for line in seen.console if "Content Security Policy" in line]
