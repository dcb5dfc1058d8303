# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.utils.display import Display

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import encrypted_file
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import outcome as rotation_outcome
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import preflight as rotation_preflight
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import segment as rotation_segment
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.run import RunState
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


class ActionModule(rotation_segment.SegmentAction):
    """Plans, checks the plan at the servers, opens the rotation, and continues it until hosts have work."""

    name = "watchparty.secrets.rotation_start"
    checks_account = True
    extra_options = {
        **rotation_segment.SETTINGS,
        "ask": {"type": "bool", "default": False},
        "looked": {"type": "list", "elements": "str"},
        "waited": {"type": "float", "default": 0},
    }

    def carried_on(
        self, setting: RotationSetup, args: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> dict[str, Any]:
        write = not self._task.check_mode
        looks: list[Callable[[], Any]] = [setting.first_look]
        if not args["incident"]:
            # After a leak nothing waits for the log, and the record itself names the problem.
            audit = rotation_segment.Audit(setting, args, required=True)
            audit.open()
            looks.append(audit.ready)
        journal = setting.rotator.secrets.side_by_side(looks)[0]
        server = self.server(setting, args, task_vars)
        looked = args["looked"]
        seen = None if looked is None else rotation_segment.seen_of(looked, args, task_vars["hostvars"])
        options = {**args, "seen": seen}
        result = rotation_preflight.begin_with_servers(
            setting, options, task_vars, server, write=write, journal=journal
        )
        for warning in result.pop("warnings", ()):
            Display().warning(warning)
        if result.get("looks"):
            return {**result, "tasks": "look"}
        if write and args["ask"] and result.get("needs"):
            return {**result, "tasks": "ask"}
        messages = result.pop("messages")
        for message in messages:
            rotation_segment.show("plan", "", message)
        remaining = {"refused": result.get("refused") or {}, "revocations": result.get("revocations") or []}
        if result["nothing"] or not write:
            summary, verdict = (
                rotation_outcome.lines(remaining, (), ()),
                rotation_outcome.verdict(remaining, abort=False),
            )
            # Makes up for a run that was killed between a rotation's end and the file's renewal.
            behind = write and encrypted_file.is_behind(setting.catalog, journal.head)
            ending = rotation_outcome.ending(summary, verdict, incident=args["incident"], encrypted=behind)
            return {**result, **remaining, "messages": messages, **ending}
        rotation = {**result["rotation"], "revocations": remaining["revocations"]}
        rotation["refused"] = remaining["refused"] or rotation["refused"]
        unannounced = rotation_segment.announced_as_started(setting, rotation)
        run_state = RunState(waited=args["waited"], since=result["since"], unannounced=unannounced)
        engine = self.engine(setting, args, task_vars, run_state)
        answer = engine.go_on(rotation)
        return {"changed": True, "messages": messages, **rotation_segment.result(engine, answer, args)}
