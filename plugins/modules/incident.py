#!/usr/bin/python
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: incident
short_description: Keep a leak in the journal from its declaration to its containment, and write its post-mortem
version_added: 0.2.0
author:
  - The watchparty.secrets contributors (@watchparty)
description:
  - A leak is one incident, however often the command that contains it is started. It lives in the journal of rotations,
    as names and times.
  - The playbook C(watchparty.secrets.leak_response) calls this module.
options:
  state:
    description:
      - V(warned) tells before anybody is asked who notices what, what cannot be undone, how it is stopped and what is
        left to people. It makes the folder O(path), and fails where that cannot be written; in check mode it looks.
      - V(declared) opens the incident, or joins the one that is open. V(shown) tells it. V(noted) keeps when O(event)
        was first seen.
      - V(kept) writes down what was gathered before the first act. V(reported) writes the post-mortem, as Markdown and
        as one page that needs no network. A file that is there already is not written over; why it could not be
        written is told (RV(unwritten)). V(contained) ends it.
      - V(unfounded) ends one that was none, unless a value was taken away in its name already; in check mode it tells
        whether it would, and RV(record).
    type: str
    choices: [warned, declared, shown, noted, kept, reported, contained, unfounded]
    required: true
  leaked:
    description: What was declared.
    type: list
    elements: str
    default: []
  impact:
    description: The blast radius, as RV(watchparty.secrets.impact_info#module:impact).
    type: dict
    default: {}
  matches:
    description: As RV(watchparty.secrets.impact_info#module:matches).
    type: list
    elements: dict
    default: []
  exposed_since:
    description:
      - Since when it may have been known to others, such as V(2026-11-20T10:00Z); not in the future. Of two
        declarations the earlier one counts.
    type: str
    default: ''
  containment:
    description:
      - Whether old values are removed at the end or first. A second declaration may make it V(immediate), never back.
    type: str
    choices: [graceful, immediate]
    default: graceful
  event:
    description:
      - With O(state=noted), V(planned), V(purged), V(invalidated/NAME), V(sessions), V(left/HOST), V(back/HOST) or
        V(revoked/NAME). Of a host the newest of its two words counts, and one that was not left behind is not back.
      - V(healthy) is kept if C(health) in O(gathered) says so of every host that was not left behind, and once a run.
      - What the steps of a rotation mean, such as V(refused/NAME), M(watchparty.secrets.rotation) keeps by itself.
    type: str
    default: ''
  evidence:
    description: With O(state=noted), what shows the event, in words for the report. No values; 200 characters are kept.
    type: str
    default: ''
  event_at:
    description: When it was, in seconds since 1970; now by default.
    type: float
  results:
    description: With O(state=reported), what became of each credential (C(replaced), C(why), C(evidence)).
    type: dict
    default: {}
  told:
    description:
      - With O(state=reported), lists of words by heading. No values.
      - With O(state=warned), C(plan) of M(watchparty.secrets.rotation), C(would) of a declaration in check mode,
        C(purge), and what the operator said (C(logs_out), C(compromised), C(revoked), C(contact)).
    type: dict
    default: {}
  gathered:
    description:
      - With O(state=kept) and O(state=reported), what tasks registered, as C(seen) and C(copies) by host, and
        C(health) by host, C(sessions), C(readers), C(scrubbed), C(unread) and C(left_out). It becomes the words of the
        same headings, but for those in O(told).
      - C(logged_out) is what M(watchparty.secrets.django_sessions) told on each host. With O(state=noted) nothing is
        kept where it says that a session may be alive. With O(state=reported) such a session is open, and so is, where
        sessions were ended, the restart that websockets need; that alone keeps no incident open.
    type: dict
    default: {}
  mermaid:
    description: With O(state=reported), the graph for Markdown viewers.
    type: str
    default: ''
  path:
    description: With O(state=warned), O(state=kept) and O(state=reported), the folder on the controller.
    type: path
  audit:
    description: With O(state=unfounded), the head of the audit log since it was recorded there.
    type: dict
    default: {}
extends_documentation_fragment:
  - amazon.aws.common.modules
  - amazon.aws.region.modules
  - amazon.aws.boto3
  - watchparty.secrets.catalog
  - watchparty.secrets.rotation
attributes:
  check_mode:
    description: Writes nothing.
    support: full
  diff_mode:
    description: Nothing is shown.
    support: none
  idempotent:
    description: An event is kept once; a declaration that adds nothing is not written.
    support: full
  action:
    description: Runs on the controller, inside Ansible itself.
    support: full
seealso:
  - module: watchparty.secrets.impact_info
  - module: watchparty.secrets.rotation
"""

EXAMPLES = r"""
- name: Declare a leak
  watchparty.secrets.incident:
    state: declared
    catalog: "{{ secrets_catalog }}"
    environment: production
    leaked: [cache]
  run_once: true
"""

RETURN = r"""
problems:
  description: Which hosts are not healthy, and why.
  type: list
  elements: str
  returned: when O(event=healthy)
incident:
  description:
    - Id, when and by whom it was declared, what was declared, and when what was seen. C(spoiled) names the new values
      that may have leaked too, as rotation and credential; they are made anew.
  type: dict
  returned: success
behind:
  description: The hosts that were left behind, and not proven on what is in force since.
  type: list
  elements: str
  returned: when O(state=shown) or O(state=declared)
opened:
  description: The hosts that still let a leaked key in, since they could not be reached. They get nothing new.
  type: list
  elements: str
  returned: when O(state=shown)
words:
  description: How it is contained, and whether an earlier declaration was escalated.
  type: str
  returned: when O(state=declared)
record:
  description: Its line for M(watchparty.secrets.audit_log).
  type: dict
  returned: when O(state=unfounded)
audit:
  description: Whether the catalog names an audit log (C(wanted)), and its C(head) that the journal knows.
  type: dict
  returned: when O(state=unfounded)
done:
  description: What was done in its name and needs no undoing.
  type: list
  elements: str
  returned: when O(state=unfounded)
lines:
  description: What is to be known before it is confirmed.
  type: list
  elements: str
  returned: when O(state=warned)
replaced_keys:
  description: The credentials that sign sessions and were replaced with no fallback left.
  type: list
  elements: str
  returned: when O(state=shown)
open_rotation:
  description:
    - The rotation that is open, and whether it is to be taken back, as its new values may have leaked; or null.
  type: dict
  returned: when O(state=declared)
files:
  description: The paths of what was written.
  type: list
  elements: str
  returned: when O(state=kept) or O(state=reported)
unwritten:
  description: Why the post-mortem could not be written, with the remedy; empty if it was.
  type: str
  returned: when O(state=reported)
  version_added: 0.3.0
open:
  description: What is still open.
  type: list
  elements: str
  returned: when O(state=reported)
unhealthy:
  description: Of these what is wrong with hosts that were not seen healthy in the end.
  type: list
  elements: str
  returned: when O(state=reported)
tried:
  description: What was tried where it used to work, and what was not, with the reason.
  type: list
  elements: str
  returned: when O(state=reported)
contained_seconds:
  description:
    - Seconds from the declaration to the last refusal, or to the operator's last word that something was revoked, or
      null while something is open.
  type: float
  returned: when O(state=reported)
on_word:
  description: Whose end RV(contained_seconds) takes from the operator's word, in words; empty if all were seen.
  type: str
  returned: when O(state=reported)
  version_added: 0.3.0
clock:
  description: The clock in words.
  type: list
  elements: str
  returned: when O(state=reported)
"""
