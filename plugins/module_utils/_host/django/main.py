# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of django_sessions that runs on the host, with the application's interpreter. Python 3.8."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import dotenv, redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._host import program, safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import (
    own_command,
    session_formats,
    session_probe,
    via_application,
    via_urls,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_formats import SessionStore, Whose

ENGINES = ["auto", "db", "cache", "cached_db", "file", "signed_cookies"]
ONLY_THE_KEY = "sessions in cookies are on no server: they end only when SECRET_KEY is replaced without a fallback"
AS_ROOT = (
    "the application's own code would run as root. Set django_become_user to the application's "
    "account. To run the code as root, set django_become_user to root"
)
ARGUMENT_SPEC: dict[str, Any] = {
    "engine": {"type": "str", "choices": ENGINES, "default": "auto"},
    "users": {"type": "list", "elements": "str", "default": []},
    "user_ids": {"type": "list", "elements": "str", "default": []},
    "chdir": {"type": "path"},
    "allow_root": {"type": "bool", "default": False},
    "env_file": {"type": "path"},
    "settings_module": {"type": "str"},
    "database_setting": {"type": "str", "default": "DATABASE_URL"},
    "cache_setting": {"type": "str", "default": "REDIS_URL"},
    "cache_nodes": {"type": "list", "elements": "str", "default": []},
    "table": {"type": "str", "default": "django_session"},
    "cache_prefix": {"type": "str", "default": ":1:"},
    "file_path": {"type": "path"},
    "cookie_name": {"type": "str", "default": "sessionid"},
    "clear_cache": {"type": "bool", "default": False},
    "probe_url": {"type": "str"},
    "probe_user": {"type": "str"},
    "state": {"type": "str", "choices": ["absent", "tried"], "default": "absent"},
    "make": {"type": "bool", "default": False},
    "ended": {"type": "bool", "default": False},
    "command": {"type": "list", "elements": "str", "default": []},
    "former": {"type": "list", "elements": "str", "default": [], "no_log": True},
    "former_unread": {"type": "list", "elements": "str", "default": []},
}
RETURNS: dict[str, Any] = {
    "engine": {"db", "cache", "cached_db", "file", "signed_cookies", own_command.ENGINE},
    "count?": int,
    "stores?": [{"store": str, "count": int, "unreadable": int}],
    "only_the_key": bool,
    "doubtful?": [{"store": str, "why": str, "options": [str], "restart": bool}],
    "warnings?": [str],
    "tried?": [str],
    "accepted?": [str],
    "not_tried?": [str],
    "skipped?": bool,
}


def settings_of(params: Mapping[str, Any]) -> dict[str, str]:
    """Settings in the application's .env. Empty if no file was named and none exists."""
    path, beside = params["env_file"], os.path.join(params["chdir"] or "", ".env")
    if path is None and params["chdir"] and os.path.exists(beside):
        path = beside
    if path is None:
        return {}
    try:
        with safe_files.place(path) as at, os.fdopen(safe_files.opened(at), encoding="utf-8", newline="") as handle:
            return dotenv.from_dotenv(handle.read())
    except OSError as error:
        raise HostError("%s: cannot be read: %s" % (path, error.strerror)) from None
    except UnicodeDecodeError:
        raise HostError("%s: is not UTF-8" % path) from None


def through_the_application(
    params: Mapping[str, Any], settings: Mapping[str, str]
) -> tuple[str, Whose, list[SessionStore]]:
    via_application.start(params["chdir"], settings, params["settings_module"])
    engine, store = via_application.engine_and_store(params["engine"])
    ids = set(params["user_ids"])
    if params["users"]:
        ids |= via_application.ids_of(params["users"])
    places = via_application.stores(engine, store, clear_cache=params["clear_cache"])
    return engine, Whose(frozenset(ids) if ids else None), places


def by_its_settings(params: Mapping[str, Any], settings: Mapping[str, str]) -> tuple[str, Whose, list[SessionStore]]:
    engine = params["engine"]
    if engine == "auto":
        raise HostError(
            "engine auto asks the application; set django_chdir (option chdir) to the folder of its manage.py, or set "
            "django_session_engine (option engine). For an application without Django, set sessions.engine in the "
            "catalog"
        )
    if params["users"]:
        raise HostError("only the application knows names of users; give chdir, or user_ids instead of users")
    whose = Whose(frozenset(params["user_ids"]) if params["user_ids"] else None)
    if engine == "file":
        if not params["file_path"]:
            raise HostError(
                "engine file needs the directory of the session files; set django_session_file_path (option file_path)"
            )
        return engine, whose, [via_application.Files(params["file_path"], params["cookie_name"])]
    named = {name: (params[name], settings.get(params[name])) for name in ("database_setting", "cache_setting")}
    urls = {name: (setting, url) if url else None for name, (setting, url) in named.items()}
    places = via_urls.stores(
        engine,
        database=urls["database_setting"],
        cache=urls["cache_setting"],
        nodes=params["cache_nodes"],
        table=params["table"],
        prefix=params["cache_prefix"],
    )
    return engine, whose, places


def outcome(engine: str, whose: Whose, places: Sequence[SessionStore], *, check: bool) -> dict[str, Any]:
    tallies = [session_formats.ended(place, whose, check=check) for place in places]
    rows = sum(tally.live for tally in tallies if tally.store == "db")
    doubts = [(place, doubt) for place in places for doubt in [place.doubt(rows)] if doubt]
    warnings = [place.note for place in places if place.note]
    warnings += [
        "%s; check %s against the application's settings" % (doubt.why, " and ".join(doubt.options))
        for place, doubt in doubts
        if not place.note
    ]
    if engine == "signed_cookies":
        warnings.append(ONLY_THE_KEY)
    unreadable = sum(tally.unreadable for tally in tallies)
    if unreadable:
        warnings.append(
            "%d sessions cannot be read, so their users are unknown. To end them, end the sessions of all users"
            % unreadable
        )
    return {
        "changed": any(tally.count for tally in tallies),
        "engine": engine,
        # A cache's copy of a database session is the same session.
        "count": max((tally.count for tally in tallies), default=0),
        "stores": [tally.as_data() for tally in tallies],
        "only_the_key": engine == "signed_cookies",
        "doubtful": [{"store": place.name, **doubt.as_data()} for place, doubt in doubts],
        "warnings": warnings,
    }


def probed(
    params: Mapping[str, Any], masked: list[str], end: Callable[[Any], dict[str, Any]], *, again: bool
) -> dict[str, Any]:
    """Ends the sessions, among them a test session that the application accepted and must then refuse."""

    def made_by() -> session_probe.Made:
        return via_application.engine_and_store("auto")[1], session_probe.user_of(params["probe_user"])

    def scrub(message: str) -> str:
        return str(redaction.scrub(message, masked))

    # The probe's own messages are addresses and numbers. Masking the .env's values would hide the host's name, in
    # ALLOWED_HOSTS.
    probe = session_probe.SessionProbe(params["probe_url"], made_by, scrub=scrub)
    try:
        session = probe.begin()
        result = end(session)
        if probe.works and again and not result["only_the_key"]:
            probe.again(session, "a session that was ended")
        for number, key in enumerate(params["former"] if probe.tells else (), start=1):
            probe.under(key, "a session that previous SECRET_KEY %d signed" % number)
    finally:
        probe.close()
    probe.answer["not_tried"] += params["former_unread"]
    doubtful = [item for item in result.get("doubtful", ()) if item["restart"] or not probe.refused]
    return {**result, **({"doubtful": doubtful} if "doubtful" in result else {}), **probe.answer}


def only_tried(
    params: Mapping[str, Any], settings: Mapping[str, str], masked: list[str], *, check: bool
) -> dict[str, Any]:
    """Ends nothing. Unless sessions are in cookies, makes one in the application's store, and removes it."""
    if not params["probe_url"] or not params["chdir"]:
        raise HostError(
            "the application makes the session for a test; set django_chdir (option chdir) and django_probe_url "
            "(option probe_url)"
        )
    via_application.start(params["chdir"], settings, params["settings_module"])
    engine = via_application.engine_and_store("auto")[0]
    result = {"changed": False, "engine": engine, "only_the_key": engine == "signed_cookies"}
    if engine != "signed_cookies" and (check or not params["make"]):
        message = "the test needs a new session (engine %s), and this run makes none; verify makes one with " % engine
        message += "-e verify_sessions=true (option make)"
        return {**result, "skipped": True, "msg": message}

    def end(session: Any) -> dict[str, Any]:
        if params["ended"] and session is not None:
            session.delete()
        return result

    return probed(params, masked, end, again=params["ended"])


def answer(params: Mapping[str, Any], *, check: bool) -> dict[str, Any]:
    """Ends, counts or tests sessions. Raises HostError without values of the .env."""
    if (params["chdir"] or params["command"]) and os.geteuid() == 0 and not params["allow_root"]:
        raise HostError(AS_ROOT)
    if params["command"]:
        return own_command.ended(params["command"], check=check)
    settings = settings_of(params)
    masked = [*redaction.maskable(settings, {}), *params["former"]]

    def end(_session: Any = None) -> dict[str, Any]:
        return outcome(engine, whose, places, check=check)

    try:
        if params["state"] == "tried":
            return only_tried(params, settings, masked, check=check)
        way = through_the_application if params["chdir"] else by_its_settings
        engine, whose, places = way(params, settings)
        why = _why_not(params, check=check)
        if why:
            return {**end(), "tried": [], "accepted": [], "not_tried": ["an old session: %s" % why]}
        return probed(params, masked, end, again=True)
    except SecretsError as error:
        raise HostError(redaction.scrub(str(error), masked)) from None
    except Exception as error:  # noqa: BLE001 - the application's settings and drivers can raise anything
        message = " ".join(redaction.scrub(str(error), masked).split())
        raise HostError("%s: %s" % (type(error).__name__, message[:400])) from None


def _why_not(params: Mapping[str, Any], *, check: bool) -> str:
    """The reason why no session is tested against the application. Empty if one is."""
    if not params["probe_url"]:
        return "django_probe_url is not set (an address that answers only logged-in users; option probe_url)"
    if not params["chdir"]:
        return "only the application can make a session, and django_chdir (option chdir) is not set"
    if params["users"] or params["user_ids"]:
        return "not all users' sessions were ended"
    return "check mode makes no session" if check else ""


def main() -> None:
    program.run(ARGUMENT_SPEC, answer)


if __name__ == "__main__":
    main()
