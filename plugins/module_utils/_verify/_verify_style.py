# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How the page of a verification looks, and what it does when it is clicked. Pure."""

from __future__ import annotations

STYLE = """
:root{--ground:#fbfaf8;--panel:#fff;--ink:#1d2129;--soft:#5c6570;--line:#dfe2e6;--bad:#b3261e;--badsoft:#fbe9e7;
--warn:#8a5a00;--warnsoft:#fdf3dc;--good:#1a7f4b;--goodsoft:#e3f4ea;--accent:#2b59c3}
@media(prefers-color-scheme:dark){:root{--ground:#14171c;--panel:#1c2128;--ink:#e6e9ee;--soft:#9aa4b1;--line:#323a45;
--bad:#ff8a80;--badsoft:#3a1f1f;--warn:#e3b341;--warnsoft:#332a12;--good:#5fd39a;--goodsoft:#163226;--accent:#8ab0ff}}
*{box-sizing:border-box}html{color-scheme:light dark}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1120px;margin:0 auto;padding:40px 24px 80px}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px}h2{font-size:1.15rem;margin:48px 0 12px}
p{margin:0 0 12px}.soft{color:var(--soft)}a{color:var(--accent)}
.verdict{margin:26px 0 0;padding:20px 22px;background:var(--panel);border:1px solid var(--line);border-radius:10px;
border-left:6px solid var(--good)}.verdict.fail{border-left-color:var(--bad)}
.verdict.open{border-left-color:var(--warn)}
.verdict b{font-size:1.6rem;line-height:1.2}
.share{display:flex;height:10px;margin-top:14px;border-radius:5px;overflow:hidden;background:var(--line);gap:2px}
.share i{display:block}.share .pass{background:var(--good)}.share .fail{background:var(--bad)}
.share .open{background:var(--warn)}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0 0 12px}
.tools button,.tools select,.tools input{font:inherit;font-size:.9rem;color:var(--ink);background:var(--panel);
border:1px solid var(--line);border-radius:18px;padding:5px 14px;min-height:34px}
.tools button{cursor:pointer}
.tools button[aria-pressed=true]{border-color:var(--accent);box-shadow:inset 0 0 0 1px var(--accent)}
.tools input{flex:1;min-width:160px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.scroll{overflow-x:auto;background:var(--panel);border:1px solid var(--line);border-radius:10px;padding:4px 8px}
table{border-collapse:collapse;width:100%;font-size:.93rem}
th,td{text-align:left;padding:9px 10px;vertical-align:top;border-bottom:1px solid var(--line)}
tbody tr:last-child td{border-bottom:0}th{color:var(--soft);font-weight:600;white-space:nowrap}
th button{all:unset;cursor:pointer}th button:focus-visible{outline:2px solid var(--accent)}
th[aria-sort=ascending] button::after{content:" ↑"}th[aria-sort=descending] button::after{content:" ↓"}
td.id{font-variant-numeric:tabular-nums;white-space:nowrap;color:var(--soft)}td.number,th.number{text-align:right;
font-variant-numeric:tabular-nums;white-space:nowrap}
.badge{display:inline-block;padding:1px 10px;border-radius:11px;font-size:.84rem;font-weight:600;white-space:nowrap}
.badge.pass{color:var(--good);background:var(--goodsoft)}.badge.fail{color:var(--bad);background:var(--badsoft)}
.badge.open{color:var(--warn);background:var(--warnsoft)}
.severity{color:var(--soft)}tr[data-status=fail] .severity.high{color:var(--bad);font-weight:600}
tr[data-status=fail] .severity.medium{color:var(--warn);font-weight:600}.wrong{color:var(--bad)}
summary{cursor:pointer;font-weight:500}details ul{margin:8px 0 8px;padding-left:20px}
li{margin:3px 0;overflow-wrap:anywhere}
li.fail{color:var(--bad)}li.open{color:var(--warn)}details p{margin:6px 0 0}li b{font-weight:600}
.age{position:relative;height:14px;background:var(--line);border-radius:7px;min-width:200px;margin-top:5px}
.age i{position:absolute;inset:0 auto 0 0;border-radius:7px;background:var(--good);min-width:3px}
.age.near i{background:var(--warn)}.age.due i{background:var(--bad)}
.age u{position:absolute;top:-4px;bottom:-4px;width:2px;background:var(--ink);text-decoration:none}
.age.none i{background:repeating-linear-gradient(45deg,var(--bad) 0 5px,transparent 5px 10px);right:0}
.grid td,.grid th{text-align:center;padding:8px 6px}.grid td:first-child,.grid th:first-child{text-align:left}
.grid td.names,.grid th.names{text-align:left;min-width:220px}
.dot{display:inline-grid;place-items:center;width:22px;height:22px;border-radius:50%;font-size:.8rem;font-weight:700}
.dot.pass{color:var(--good);background:var(--goodsoft)}.dot.fail{color:var(--bad);background:var(--badsoft)}
.dot.open{color:var(--warn);background:var(--warnsoft)}
svg.graph{display:block;max-width:none}svg .node rect{fill:var(--panel);stroke:var(--line);stroke-width:1.5}
svg .node.due rect{stroke:var(--bad);stroke-width:2.5}svg .node.source rect{stroke:var(--accent)}
svg text{fill:var(--ink);font:600 13px system-ui,sans-serif}
svg text.kind{fill:var(--soft);font-weight:400;font-size:11.5px}svg .edge{fill:none;stroke:var(--soft);stroke-width:1.4}
svg .arrow{fill:var(--soft)}[hidden]{display:none!important}
@media(max-width:700px){main{padding:24px 12px 60px}.area,.severity{display:none}}
@media print{:root{--ground:#fff;--panel:#fff;--ink:#000;--soft:#444;--line:#bbb;--bad:#a00;--badsoft:#fff;--warn:#740;
--warnsoft:#fff;--good:#060;--goodsoft:#fff;--accent:#000}main{max-width:none;padding:0}.tools{display:none}
h2{break-after:avoid}tr,.verdict{break-inside:avoid}.scroll{border:0;padding:0;overflow:visible}
svg.graph{width:100%;height:auto}
.badge,.share i,.age i,.age u,.dot{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""

SCRIPT = """
(function(){
var body=document.querySelector('#checks tbody'),rows=Array.from(body.rows),status='',order={fail:0,open:1,pass:2},
grave={high:0,medium:1,low:2},search=document.querySelector('#search'),area=document.querySelector('#area'),
shown=document.querySelector('#shown');
document.querySelector('.tools').hidden=false;
function filter(){var words=search.value.toLowerCase(),count=0;rows.forEach(function(row){
var fits=(!status||row.dataset.status===status)&&(!area.value||row.dataset.area===area.value)&&
row.textContent.toLowerCase().indexOf(words)>=0;row.hidden=!fits;count+=fits?1:0});
shown.textContent=count+' of '+rows.length+' shown'}
document.querySelectorAll('.tools button').forEach(function(button){button.addEventListener('click',function(){
status=button.dataset.status;document.querySelectorAll('.tools button').forEach(function(one){
one.setAttribute('aria-pressed',one===button)});filter()})});
search.addEventListener('input',filter);area.addEventListener('change',filter);
function key(row,by){if(by==='status')return order[row.dataset.status];
if(by==='severity')return grave[row.dataset.severity];
if(by==='id')return Number(row.dataset.id);return row.dataset[by].toLowerCase()}
document.querySelectorAll('#checks th button').forEach(function(button){button.addEventListener('click',function(){
var head=button.parentNode,down=head.getAttribute('aria-sort')==='ascending',by=button.dataset.by;
document.querySelectorAll('#checks th').forEach(function(one){one.removeAttribute('aria-sort')});
head.setAttribute('aria-sort',down?'descending':'ascending');
rows.sort(function(one,other){var a=key(one,by),b=key(other,by),
c=a<b?-1:a>b?1:one.dataset.id-other.dataset.id;return down?-c:c});
rows.forEach(function(row){body.appendChild(row)})})});
var opened=[];
window.addEventListener('beforeprint',function(){opened=Array.from(document.querySelectorAll('details:not([open])'));
opened.forEach(function(one){one.open=true})});
window.addEventListener('afterprint',function(){opened.forEach(function(one){one.open=false})});
filter();
})();
"""
