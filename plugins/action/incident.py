# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks import (
    _false_alarm,
    _joined,
    _postmortem,
    _postmortem_page,
    _standing,
    _warning,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._leaks._incident import Incident, shortened
from ansible_collections.watchparty.secrets.plugins.module_utils._rotations import _ages, _let_in, _owed
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import CURRENT
from ansible_collections.watchparty.secrets.plugins.plugin_utils import (
    _files,
    _gathered,
    _holder,
    _leak_ahead,
    _logged_out,
)
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _rotation as _shared
from ansible_collections.watchparty.secrets.plugins.plugin_utils._former_keys import session_keys
from ansible_collections.watchparty.secrets.plugins.plugin_utils._incident_facts import facts_of, serving
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import RotationAction, Setting


class ActionModule(RotationAction):
    """Keeps a leak in the journal, and writes its post-mortem."""

    name = "watchparty.secrets.incident"
    extra_options = {
        "state": {
            "type": "str",
            "choices": ["warned", "declared", "shown", "noted", "kept", "reported", "contained", "unfounded"],
            "required": True,
        },
        "leaked": {"type": "list", "elements": "str", "default": []},
        "impact": {"type": "dict", "default": {}},
        "matches": {"type": "list", "elements": "dict", "default": []},
        "exposed_since": {"type": "str", "default": ""},
        "containment": {"type": "str", "choices": ["graceful", "immediate"], "default": "graceful"},
        "event": {"type": "str", "default": ""},
        "event_at": {"type": "float"},
        "evidence": {"type": "str", "default": ""},
        "results": {"type": "dict", "default": {}},
        "told": {"type": "dict", "default": {}},
        "gathered": {"type": "dict", "default": {}},
        "mermaid": {"type": "str", "default": ""},
        "path": {"type": "path"},
        "audit": {"type": "dict", "default": {}},
    }

    def answer(self, setting: Setting, args: Mapping[str, Any], task_vars: Mapping[str, Any]) -> dict[str, Any]:
        state = args["state"]
        journal = setting.rotator.look()
        if state == "warned":
            found = _leak_ahead.ahead(setting, journal, args["impact"], args["told"])
            return {"changed": self._make_ready(args["path"]), "lines": _warning.lines(found)}
        if state == "declared":
            return self._declare(setting, args, journal)
        if journal.incident is None:
            then = (
                "there is nothing to close"
                if state == "unfounded"
                else "start watchparty.secrets.leak_response from its beginning"
            )
            raise RotationError(f"no leak is declared; {then}")
        if state == "unfounded":
            return self._unfounded(setting, args, journal, journal.incident)
        if self._task.check_mode or state == "shown":
            keys = session_keys(setting, journal.incident)
            shown = {"replaced_keys": [name for name in keys if keys[name]], "opened": _let_in.hosts(journal)}
            return {"changed": False, **shown, "behind": journal.incident.behind, **_told(journal.incident)}
        if state == "noted":
            return self._note(setting, args, journal, journal.incident)
        if state == "kept":
            return self._keep(args, journal.incident)
        if state == "reported":
            told = {
                **args["told"],
                "let_in": _let_in.by_credential(journal),
                "waits": _owed.waiting(journal),
                "left_out": args["gathered"].get("left_out") or [],
            }
            return self._report(setting, {**args, "told": told}, journal, journal.incident)
        setting.rotator.append(journal, journal.incident.id, "closed", contained=journal.incident.id)
        return {"changed": True, **_told(journal.incident)}

    def _make_ready(self, path: str | None) -> bool:
        """Whether the report's folder was made. Known before anybody is asked, since it is written when all is done."""
        try:
            return path is not None and _files.ready(path, make=not self._task.check_mode)
        except RotationError as error:
            raise RotationError(
                f"leak_report_path: {error}. Nothing was touched; give another folder by -e leak_report_path=…"
            ) from None

    def _declare(self, setting: Setting, args: Mapping[str, Any], journal: Journal) -> dict[str, Any]:
        since = _since(args["exposed_since"])
        at = _shared.now()
        incident = journal.incident or Incident(
            id=f"leak-{at:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}",
            at=_ages.stamp(at),
            who=_holder.me(),
            containment=args["containment"],
        )
        joined = incident.joined(args["leaked"], args["containment"], since)
        matches = [_in_force(setting, one) for one in args["matches"]]
        joined = joined.without(_joined.spoiled(journal, incident, joined, args["impact"], matches))
        opened = _joined.open_rotation(journal, joined)
        words = _containment(journal.incident, joined, args["containment"])
        answer = {"changed": True, "open_rotation": opened, "words": words, "behind": incident.behind}
        if self._task.check_mode:
            return {**answer, **_told(joined)}
        if journal.incident is None or joined != incident:
            said = replace(joined, events={}, evidence={}, dead={}, parameters=())
            again = {event.partition("/")[2] for event in incident.events.keys() - joined.events.keys()}
            events = {f"again/{name}": _ages.stamp(at) for name in sorted(again)}
            journal = setting.rotator.append(journal, incident.id, "closed", incident=said.entry(), events=events)
        return {**answer, **_told(journal.incident or joined)}

    def _unfounded(
        self, setting: Setting, args: Mapping[str, Any], journal: Journal, incident: Incident
    ) -> dict[str, Any]:
        """Closes what was no leak. A look is made in check mode, so that the audit log has it first."""
        against = _false_alarm.against(incident, journal.rotation)
        if against:
            raise RotationError(f"{incident.id} cannot be closed as a false alarm: {against}")
        at, me = _ages.stamp(_shared.now()), setting.rotator.me
        answer = {
            "changed": True,
            "done": _false_alarm.done(incident),
            "record": _false_alarm.record(incident, me.who, at, me.run, journal.head),
            "audit": _shared.audit_of(setting, journal),
            **_told(incident),
        }
        if not self._task.check_mode:
            more = {"audit": args["audit"]} if args["audit"] else {}
            setting.rotator.append(journal, incident.id, "closed", contained=incident.id, **more)
        return answer

    def _note(self, setting: Setting, args: Mapping[str, Any], journal: Journal, incident: Incident) -> dict[str, Any]:
        if not args["event"]:
            raise RotationError("event: say what was seen, such as live/NAME")
        if args["event"] == "healthy":
            return self._note_health(setting, args, journal, incident)
        if not _is_news(incident, args["event"]) or _ended(setting, args, incident)["alive"]:
            return {"changed": False, **_told(incident)}
        at = _shared.now() if args["event_at"] is None else datetime.fromtimestamp(args["event_at"], UTC)
        return self._noted(setting, journal, incident, args["event"], at, args["evidence"])

    def _noted(
        self, setting: Setting, journal: Journal, incident: Incident, event: str, at: datetime, evidence: str
    ) -> dict[str, Any]:
        words = shortened(evidence)
        shown = {event: words} if words else {}
        events = {event: _ages.stamp(at)}
        journal = setting.rotator.append(journal, incident.id, "closed", events=events, evidence=shown)
        return {"changed": True, **_told(journal.incident or incident)}

    def _note_health(
        self, setting: Setting, args: Mapping[str, Any], journal: Journal, incident: Incident
    ) -> dict[str, Any]:
        """Once a run, since each may have taken something away."""
        healthy, problems = _gathered.health(args["gathered"].get("health"), incident.behind)
        if problems or not healthy:
            return {"changed": False, "problems": problems, **_told(incident)}
        before = incident.about("healthy")
        event = f"healthy/{len(before) + 1}" if before else "healthy"
        words = "; ".join(f"{host}: {told}" for host, told in healthy.items())
        return {"problems": [], **self._noted(setting, journal, incident, event, _shared.now(), words)}

    def _keep(self, args: Mapping[str, Any], incident: Incident) -> dict[str, Any]:
        """Evidence on disk before the first act: a run that is killed must not take it along."""
        words = _gathered.told(args["gathered"])
        base = _files.free(_files.folder(args["path"]), f"{incident.id}-evidence")
        path = base.with_name(f"{base.name}.md")
        _files.write_text(path, _postmortem.evidence(incident.id, incident.at, words["evidence"], words["readers"]))
        return {"changed": True, "files": [str(path)], **_told(incident)}

    def _report(
        self, setting: Setting, args: Mapping[str, Any], journal: Journal, incident: Incident
    ) -> dict[str, Any]:
        words = {**(_gathered.told(args["gathered"]) if args["gathered"] else {}), **args["told"]}
        words.update({name: [*lines, *words.get(name, ())] for name, lines in _ended(setting, args, incident).items()})
        restarts = serving(setting.catalog, words.get("hosts"), args["gathered"].get("left_out") or ())
        if not (_logged_out_of(args).get("plan") or {}).get("ends", True):
            words["clock_without"] = ["sessions"]
        sockets = _logged_out.websockets(_logged_out_of(args), session_keys(setting, incident), restarts)
        words["open"] = [*words.get("open", ()), *filter(None, [sockets])]
        healthy, problems = _gathered.health(args["gathered"].get("health"), incident.behind)
        words["healthy"] = {host: f"in the end, {told}" for host, told in healthy.items()}
        words["unhealthy"] = [f"not seen healthy in the end: {one}" for one in problems]
        results = dict(args["results"])
        for name, why in _joined.still_leaked(journal).items():
            if results.get(name, {}).get("replaced", True):
                results[name] = {"replaced": False, "why": why}
        stuck = _standing.stuck(journal.rotation, incident.id, results)
        words["alive"] = [*words.get("alive", ()), *filter(None, [stuck])]
        facts = facts_of(setting.catalog, incident, args["impact"], results, words, _shared.now())
        files, unwritten = _written(args["path"], incident.id, facts, args["mermaid"])
        return {
            "changed": bool(files),
            "files": files,
            "unwritten": unwritten,
            "open": facts["open"],
            "unhealthy": problems,
            "tried": facts["tried"],
            "contained_seconds": facts["contained_seconds"],
            "on_word": _postmortem.word_of(facts),
            "clock": [
                f"{words}: {'not yet' if at is None else f'{at:.0f} s'}" for words, at in _postmortem.clock_of(facts)
            ]
            + _postmortem.outages_of(facts),
            **_told(incident),
        }


def _written(path: str | None, name: str, facts: Mapping[str, Any], mermaid: str) -> tuple[list[str], str]:
    """Both files, or why they are not written: what is open must be told all the same."""
    try:
        base = _files.free(_files.folder(path), name)
        files = {
            base.with_name(f"{base.name}.md"): _postmortem.markdown(facts, mermaid),
            base.with_name(f"{base.name}.html"): _postmortem_page.page(facts),
        }
        for file, text in files.items():
            _files.write_text(file, text)
    except RotationError as error:
        return [], f"the post-mortem is not written: {error}; -e leak_report_path=… names another folder"
    return [str(file) for file in files], ""


def _is_news(incident: Incident, event: str) -> bool:
    """An event counts once; but a host may be left behind again, and be back only from there."""
    what, _slash, host = event.partition("/")
    if what in ("left", "back"):
        return (host in incident.behind) is (what == "back")
    return event not in incident.events


def _containment(before: Incident | None, now: Incident, asked: str) -> str:
    """What became of the containment that a second declaration asks for."""
    if before is None or before.containment == asked:
        return f"containment: {now.containment}"
    if now.immediate and not before.immediate:
        return f"containment: immediate from now on; {now.id} was declared as graceful"
    return f"containment: stays immediate, as {now.id} was declared, although {asked} was asked for"


def _in_force(setting: Setting, match: Mapping[str, Any]) -> Mapping[str, Any]:
    """A former key in the list of those that still verify is as good as the one that signs."""
    fallbacks = setting.catalog.credentials[match["credential"]].fallbacks
    return {**match, "stage": CURRENT} if fallbacks and match["stage"] == fallbacks else match


def _ended(setting: Setting, args: Mapping[str, Any], incident: Incident) -> dict[str, list[str]]:
    """What became of sessions, where the task brought it."""
    keys = session_keys(setting, incident)
    return _logged_out.told(_logged_out_of(args), incident.declared, keys, incident.behind)


def _logged_out_of(args: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = args["gathered"].get("logged_out") or {}
    return found


def _told(incident: Incident) -> dict[str, Any]:
    return {"incident": {**incident.entry(), "id": incident.id}}


def _since(text: str) -> str:
    """The beginning of the exposure as the journal keeps it. Raises RotationError for what is no time, or to come."""
    if not text:
        return ""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise RotationError(f"exposed_since: {text!r} is no time such as 2026-11-20T10:00Z") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if found > _shared.now():
        raise RotationError(f"exposed_since: {text} lies in the future")
    return _ages.stamp(found)
