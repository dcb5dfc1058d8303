# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions end: the sample application is asked with the old cookies, for each of Django's engines."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import session_results
from sandbox.application import SOURCE, python
from sandbox.faults import Fault
from sandbox.postgres import Postgres
from sandbox.process import clean_environment
from sandbox.valkey import Valkey
from tests.integration.harness import Lab
from tests.integration.sessions_lab import AS_ROOT, ENGINES, KEY, NEXT_KEY, STOCK, Servers, end, engine_settings, site


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Postgres() as postgres, Valkey() as valkey:
        yield postgres, valkey


# --- through the application ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("wrapped", [False, True], ids=["Django's own", "a project's own upon it"])
@pytest.mark.parametrize("engine", ENGINES[:-1])
def test_one_users_sessions_end_and_then_everybodys(
    servers: Servers, tmp_path: Path, engine: str, wrapped: bool
) -> None:
    with site(servers, tmp_path, **engine_settings(engine, wrapped=wrapped)) as shop:
        at_home, at_work, ben = shop.log_in("ana"), shop.log_in("ana"), shop.log_in("ben")
        shop.cache().set(":1:page", "x")
        places = ["db", "cache"] if engine == "cached_db" else [engine]

        counted = end(**shop.options, users=["ana"], check=True)
        assert (counted["changed"], counted["engine"], counted["count"]) == (True, engine, 2), counted
        assert shop.knows(at_home)

        entry = end(**shop.options, users=["ana"])
        assert (entry["count"], [place["store"] for place in entry["stores"]]) == (2, places), entry
        assert not shop.knows(at_home)
        assert not shop.knows(at_work)
        assert shop.knows(ben)
        assert end(**shop.options, user_ids=[shop.id_of("ana")])["count"] == 0

        everybody = end(**shop.options)
        assert (everybody["count"], everybody["only_the_key"]) == (1, False)
        assert not shop.knows(ben)
        assert not end(**shop.options)["changed"]
        assert shop.cache().get(":1:page") == b"x"
        assert shop.knows(shop.log_in("ben"))


@pytest.mark.slow
@pytest.mark.parametrize("wrapped", [False, True], ids=["Django's own", "a project's own upon it"])
def test_sessions_in_cookies_end_with_the_key(servers: Servers, tmp_path: Path, wrapped: bool) -> None:
    with site(servers, tmp_path, **engine_settings("signed_cookies", wrapped=wrapped)) as shop:
        ana = shop.log_in("ana")
        answer = end(**shop.options)
        assert (answer["changed"], answer["count"], answer["only_the_key"]) == (False, 0, True)
        assert "SECRET_KEY is replaced" in answer["warnings"][0]
        assert shop.knows(ana)
        shop.web.hosts[0].restart({**shop.web.settings, "SECRET_KEY": NEXT_KEY, "SECRET_KEY_FALLBACKS": KEY})
        assert shop.knows(ana)
        shop.web.hosts[0].restart({**shop.web.settings, "SECRET_KEY": NEXT_KEY})
        assert not shop.knows(ana)


@pytest.mark.slow
def test_a_session_is_found_though_its_key_is_gone(servers: Servers, tmp_path: Path) -> None:
    """The session's signature is not asked: after a leak, the key that made it may be no more."""
    with site(servers, tmp_path, SESSION_ENGINE=STOCK + "db") as shop:
        ana = shop.log_in("ana")
        env = shop.web.hosts[0].env_file
        other = tmp_path / "other.env"
        other.write_text(env.read_text().replace(KEY, NEXT_KEY))
        assert end(chdir=str(SOURCE), env_file=str(other), users=["ana"])["count"] == 1
        assert not shop.knows(ana)


# --- by the settings alone ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES[:-1])
def test_without_the_applications_source(servers: Servers, tmp_path: Path, engine: str) -> None:
    with site(servers, tmp_path, SESSION_ENGINE=STOCK + engine) as shop:
        ana, ben = shop.log_in("ana"), shop.log_in("ben")
        shop.cache().set(":1:page", "x")
        options = {"engine": engine, "env_file": shop.options["env_file"], "file_path": str(tmp_path / "sessions")}
        assert end(**options, check=True)["count"] == 2
        entry = end(**options, user_ids=[shop.id_of("ana")])
        assert entry["count"] == 1, entry
        assert not shop.knows(ana)
        assert shop.knows(ben)
        assert end(**options)["count"] == 1
        assert not shop.knows(ben)
        assert shop.cache().get(":1:page") == b"x"


def alive(answer: dict[str, Any], *, by_application: bool = False) -> list[str]:
    """What a leak response tells of it as not contained."""
    gathered = {"wanted": True, "host": "web1", "by_application": by_application, "ended": answer, "each": {}}
    return session_results.messages(gathered, ["cache"], {"django_key": False})["problems"]


@pytest.mark.slow
def test_copies_that_were_looked_for_elsewhere_are_not_reported_as_ended(servers: Servers, tmp_path: Path) -> None:
    """A copy in the cache logs in without its row."""
    with site(servers, tmp_path, SESSION_ENGINE=STOCK + "cached_db") as shop:
        ana = shop.log_in("ana")
        shop.cache().set(":1:page", "x")
        options = {"engine": "cached_db", "env_file": shop.options["env_file"]}

        server = end(**options, cache_setting="CELERY_RESULT_BACKEND")
        assert [store["count"] for store in server["stores"]] == [1, 0]
        assert shop.knows(ana), "it lives on"
        (line,) = alive(server)
        assert line.startswith("web1: sessions in the cache may still be valid: "), line
        assert "check django_session_cache_prefix and django_session_cache_setting against" in line

        for engine in ("cached_db", "cache"):
            prefix = end(**{**options, "engine": engine}, cache_prefix="shop:1:")
            assert prefix["count"] == 0
            assert shop.knows(ana), "it lives on"
            (line,) = alive(prefix)
            assert "the cache has session keys that begin with :1:django.contrib.sessions.cached_db, but none" in line
            assert "check django_session_cache_prefix and django_session_engine against" in line

        result = end(**options)
        assert [store["count"] for store in result["stores"]] == [0, 1]
        assert not shop.knows(ana)
        assert alive(result) == []
        assert alive(end(**options, cache_prefix="shop:1:")) == [], "nobody is logged in"


@pytest.mark.slow
def test_rows_that_have_expired_need_no_copy(servers: Servers, tmp_path: Path) -> None:
    with site(servers, tmp_path, SESSION_ENGINE=STOCK + "cached_db") as shop:
        shop.log_in("ana")
        shop.cache().flushdb()
        shop.postgres.execute("UPDATE django_session SET expire_date = now() - interval '1 hour'", database="web")
        result = end(engine="cached_db", env_file=shop.options["env_file"])
        assert [store["count"] for store in result["stores"]] == [1, 0]
        assert alive(result) == []


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.fixture
def env_file(tmp_path: Path) -> Path:
    """Settings of an application without servers."""
    path = tmp_path / ".env"
    path.write_text(
        "SECRET_KEY='canary-key'\nDJANGO_SETTINGS_MODULE='watchparty.settings.development'\n"
        f"DATABASE_URL='sqlite:///{tmp_path}/db.sqlite3'\nREDIS_URL='redis://:canary-cache@127.0.0.1:1/0'\n"
    )
    return path


def migrated(env_file: Path) -> None:
    environment = clean_environment(WATCHPARTY_ENV_FILE=str(env_file), PYTHONDONTWRITEBYTECODE="1")
    subprocess.run([python(), "manage.py", "migrate", "--verbosity=0"], cwd=SOURCE, env=environment, check=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "auto"}, "set django_chdir (option chdir) to the folder of its manage.py"),
        ({"engine": "db", "users": ["ana"]}, "give chdir, or user_ids"),
        ({"engine": "file"}, "set django_session_file_path (option file_path)"),
        (
            {"engine": "db", "database_setting": "OTHER"},
            "set django_session_database_setting (option database_setting)",
        ),
        ({"engine": "cache", "cache_setting": "OTHER"}, "set django_session_cache_setting (option cache_setting)"),
        ({"engine": "cache"}, "127.0.0.1:1: the server cannot be reached"),
        ({"engine": "db", "table": "x; y"}, "is not a table's name"),
        ({"engine": "db"}, "DATABASE_URL"),
        ({"chdir": "/nowhere"}, "/nowhere is not a directory"),
        ({"chdir": str(SOURCE), "settings_module": "nowhere"}, "No module named 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_said(env_file: Path, options: dict[str, Any], message: str) -> None:
    answer = end(env_file=str(env_file), **options)
    assert answer.get("failed"), answer
    assert message in answer["msg"]


def test_a_file_of_settings_that_is_not_there(tmp_path: Path) -> None:
    assert "cannot be read: No such file" in end(engine="db", env_file=str(tmp_path / "none"))["msg"]


def test_an_unknown_user_ends_nothing(env_file: Path) -> None:
    migrated(env_file)
    answer = end(chdir=str(SOURCE), env_file=str(env_file), users=["nobody"])
    assert "there is no user nobody; no session was ended" in answer["msg"]
    assert end(chdir=str(SOURCE), env_file=str(env_file))["count"] == 0
    assert end(engine="db", env_file=str(env_file))["count"] == 0
    assert "set django_session_table (option table)" in end(engine="db", env_file=str(env_file), table="other")["msg"]


def test_an_engine_that_is_none_of_djangos(env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "own_engine.py").write_text("class SessionStore: pass\n")
    (tmp_path / "own_settings.py").write_text("SECRET_KEY = 'x' * 50\nSESSION_ENGINE = 'own_engine'\n")
    answer = end(chdir=str(tmp_path), settings_module="own_settings")
    assert "SESSION_ENGINE own_engine is based on none of Django's engines" in answer["msg"]


@pytest.fixture(scope="module")
def empty_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with Django's tables for sessions, to copy: to make them takes a second."""
    directory = tmp_path_factory.mktemp("tables")
    own_settings(directory, "locmem.LocMemCache", "db")
    environment = clean_environment(DJANGO_SETTINGS_MODULE="own_settings", PYTHONPATH=str(directory))
    subprocess.run([python(), "-m", "django", "migrate", "--verbosity=0"], env=environment, check=True)
    return directory / "db.sqlite3"


def own_settings(directory: Path, backend: str, engine: str) -> dict[str, Any]:
    """Options for an application whose sessions are in such a cache."""
    cache = {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": str(directory / "cache")}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(directory / "db.sqlite3")}
    (directory / "own_settings.py").write_text(
        f"SECRET_KEY = 'x' * 50\nSESSION_ENGINE = '{STOCK}{engine}'\nCACHES = {{'default': {cache!r}}}\n"
        f"DATABASES = {{'default': {database!r}}}\nINSTALLED_APPS = ['django.contrib.sessions']\n"
    )
    return {"chdir": str(directory), "settings_module": "own_settings"}


RESTART = "restart the services on every host, then run again with -e leak_sessions=false"


@pytest.mark.parametrize(
    ("backend", "engine", "expected", "open_words"),
    [
        ("locmem.LocMemCache", "cache", "restart the services", RESTART),
        ("locmem.LocMemCache", "cached_db", "restart the services", RESTART),
        ("dummy.DummyCache", "cache", "stores nothing", "check django_chdir and env_deploy_path against"),
        ("dummy.DummyCache", "cached_db", "stores nothing", ""),
        (
            "filebased.FileBasedCache",
            "cache",
            "set django_session_clear_cache=true (option clear_cache)",
            "sessions were not ended",
        ),
        ("filebased.FileBasedCache", "cached_db", "cannot list its keys", "set django_session_clear_cache=true"),
    ],
)
def test_caches_that_do_not_tell_their_keys(
    tmp_path: Path, empty_tables: Path, backend: str, engine: str, expected: str, open_words: str
) -> None:
    """What may still be valid there is reported as alive; what is cleared is not."""
    options = own_settings(tmp_path, backend, engine)
    shutil.copy(empty_tables, tmp_path)
    answer = end(**options)
    assert expected in str(answer.get("msg", answer.get("warnings")))
    results = alive(answer, by_application=True)
    assert [open_words in line for line in results] == ([True] if open_words else []), results
    if backend.startswith("filebased"):
        cleared = end(**options, clear_cache=True)
        assert cleared["warnings"] == ["the whole cache was emptied"]
        assert alive(cleared, by_application=True) == []
        assert "all users' sessions" in end(**options, clear_cache=True, user_ids=["1"])["msg"]


def test_a_cache_in_a_table_of_the_database(tmp_path: Path) -> None:
    cache = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cached"}
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "db.sqlite3")}
    (tmp_path / "own_settings.py").write_text(
        f"SECRET_KEY = 'x' * 50\nSESSION_ENGINE = '{STOCK}cache'\nCACHES = {{'default': {cache!r}}}\n"
        f"DATABASES = {{'default': {database!r}}}\nINSTALLED_APPS = ['django.contrib.contenttypes']\n"
    )
    program = (
        "import django; django.setup(); from django.core.management import call_command as c; c('createcachetable');"
        "from django.core.cache import cache; from django.contrib.sessions.backends.cache import SessionStore as S\n"
        "for user in '112':\n s = S(); s['_auth_user_id'] = user; s.create()\n"
        "cache.set('page', 1)"
    )
    environment = clean_environment(DJANGO_SETTINGS_MODULE="own_settings", PYTHONPATH=str(tmp_path))
    subprocess.run([python(), "-c", program], cwd=tmp_path, env=environment, check=True)
    options: dict[str, Any] = {"chdir": str(tmp_path), "settings_module": "own_settings"}
    assert end(**options, user_ids=["1"])["count"] == 2
    assert end(**options)["count"] == 1
    assert end(**options)["count"] == 0


# --- through Ansible ------------------------------------------------------------------------------------------------


def test_a_task_says_how_many(lab: Lab, env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "sessionidabcdefgh12345678").write_text("unreadable")
    (tmp_path / "sessionid-notes.txt").write_text("is not a session")
    lab.add_hosts(1)
    module = {
        "python": str(python()),
        "chdir": str(SOURCE),
        **AS_ROOT,
        "env_file": str(env_file),
        "engine": "file",
        "users": "{{ users | default([]) }}",
    }
    with env_file.open("a") as handle:
        handle.write(f"SESSION_FILE_PATH='{tmp_path}'\n")
    migrated(env_file)
    tasks = [
        {"watchparty.secrets.django_sessions": module, "register": "ended"},
        {"ansible.builtin.debug": {"msg": "ended {{ ended.count }} of {{ ended.engine }}"}},
    ]
    play = [{"hosts": "app_hosts", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": tasks}]
    playbook = lab.directory / "sessions.yml"
    playbook.write_text(yaml.safe_dump(play), encoding="utf-8")
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(lab.root / "playbooks" / "collections")}
    checked = lab.run("--check", "-vvv", playbook=playbook, environment=environment)
    assert "ended 1 of file" in checked.text, checked.output
    done = lab.run("-vvv", playbook=playbook, environment=environment)
    assert "ended 1 of file" in done.text, done.output
    assert "canary" not in checked.output + done.output
    assert sorted(path.name for path in tmp_path.glob("sessionid*")) == ["sessionid-notes.txt"]
    refused = lab.run("-e", '{"users": ["nobody"]}', playbook=playbook, environment=environment)
    assert refused.code == 2
    assert "there is no user nobody" in refused.text


def test_former_keys_that_cannot_be_read_keep_nobody_logged_in(lab: Lab, tmp_path: Path) -> None:
    """They are read for the try alone."""
    session = tmp_path / "sessionidabcdefgh12345678"
    session.write_text("unreadable")
    lab.add_hosts(1)
    module = {
        "python": str(python()),
        "engine": "file",
        "file_path": str(tmp_path),
        "catalog": "{{ secrets_catalog }}",
        "environment": "{{ app_environment }}",
    }
    tasks = [{"watchparty.secrets.django_sessions": {**module, "state": "{{ state | default('absent') }}"}}]
    play = [{"hosts": "app_hosts", "gather_facts": False, "vars": {"ansible_pipelining": True}, "tasks": tasks}]
    playbook = lab.directory / "sessions.yml"
    playbook.write_text(yaml.safe_dump(play), encoding="utf-8")
    environment = {"ANSIBLE_COLLECTIONS_PATH": str(lab.root / "playbooks" / "collections")}
    lab.moto.set_faults(Fault("deny", operation="GetObject"))
    refused = lab.run("-e", "state=tried", playbook=playbook, environment=environment)
    assert (refused.code, session.exists()) == (2, True)
    assert "cannot be read; allow s3:GetObject" in refused.text
    done = lab.run(playbook=playbook, environment=environment)
    lab.moto.set_faults()
    assert (done.code, session.exists()) == (0, False), done.output
