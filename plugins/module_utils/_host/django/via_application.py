# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Finds and ends sessions of a Django application through the application itself. Runs on the host; Python 3.8."""

from __future__ import annotations

import os
import stat
import sys
from importlib import import_module
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import valkey_key_patterns
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django import session_formats
from ansible_collections.watchparty.secrets.plugins.module_utils._host.django.session_formats import (
    CACHED,
    STOCK,
    DjangoSession,
    Doubt,
    SessionStore,
    session,
)

PAGE = 500
_MARK = "0mark0"


def start(directory: str, settings: Mapping[str, str], module: Optional[str]) -> None:
    """Starts Django as the application's own programs do. Settings apply to this process only."""
    if not os.path.isdir(directory):
        raise HostError("%s is not a directory; set django_chdir (option chdir) to the folder of manage.py" % directory)
    os.chdir(directory)
    sys.path.insert(0, directory)
    os.environ.update(settings)
    if module:
        os.environ["DJANGO_SETTINGS_MODULE"] = module
    if not os.environ.get("DJANGO_SETTINGS_MODULE"):
        raise HostError(
            "DJANGO_SETTINGS_MODULE is not in the .env; declare this setting in the catalog, or give the option "
            "settings_module"
        )
    try:
        import django
    except ImportError:
        raise HostError(
            "%s has no Django; set rotation_python (option python) to the application's interpreter" % sys.executable
        ) from None
    django.setup()


def engine_and_store(engine: str) -> Tuple[str, Any]:
    """Django's engine on which the application's sessions build, and their class."""
    from django.conf import settings

    if engine != "auto":
        return engine, import_module(STOCK + engine).SessionStore
    store = import_module(settings.SESSION_ENGINE).SessionStore
    name = session_formats.engine_of(base.__module__ for base in store.__mro__)
    if name is None:
        raise HostError(
            "SESSION_ENGINE %s is based on none of Django's engines (%s); set django_session_engine (option engine) "
            "to the engine that keeps its sessions" % (settings.SESSION_ENGINE, ", ".join(session_formats.ENGINES))
        )
    return name, store


def ids_of(names: Sequence[str]) -> FrozenSet[str]:
    """Ids of users by name. Raises an error that names all unknown users."""
    from django.contrib.auth import get_user_model

    model = get_user_model()
    ids: Dict[str, str] = {}
    for name in names:
        user = model._default_manager.filter(**{model.USERNAME_FIELD: name}).first()
        if user is not None:
            ids[name] = model._meta.pk.value_to_string(user)
    unknown = [name for name in names if name not in ids]
    if unknown:
        raise HostError("there is no user %s; no session was ended" % ", ".join(unknown))
    return frozenset(ids.values())


def stores(engine: str, store: Any, *, clear_cache: bool) -> List[SessionStore]:
    """Stores of an engine's sessions, in the order of emptying."""
    from django.conf import settings

    if engine == "file":
        return [Files(store._get_storage_path(), settings.SESSION_COOKIE_NAME)]
    if engine == "signed_cookies":
        return []
    if engine == "db":
        return [Rows(store.get_model_class())]
    from django.core.cache import caches

    cache = caches[settings.SESSION_CACHE_ALIAS]
    prefix = getattr(store, "cache_key_prefix", CACHED[engine])
    if engine == "cache":
        return [cached(cache, prefix, clear_cache=clear_cache, alone=True)]
    # The row first: a cached copy is made again from a row that still exists.
    copies = cached(cache, prefix, clear_cache=clear_cache, alone=False)
    return [Rows(store.get_model_class(), copies), copies]


class Rows(SessionStore):
    """Sessions in the database, and their cached ``copies``."""

    name = "db"

    def __init__(self, model: Any, copies: Optional[Cached] = None) -> None:
        from django.db import router

        self._rows = model._default_manager.using(router.db_for_write(model)).order_by("session_key")
        self._label, self._copies = model._meta.label, copies

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        last = ""
        while True:
            columns = ["session_key", "session_data"] if read else ["session_key"]
            page = list(self._rows.filter(session_key__gt=last).values_list(*columns)[:PAGE])
            if not page:
                return
            last = page[-1][0]
            yield [session(row[0], session_formats.decoded(row[1]) if read else {}) for row in page]

    def end(self, keys: Sequence[str]) -> int:
        _all, each = self._rows.filter(session_key__in=keys).order_by().delete()
        if self._copies is not None:
            self._copies.forget(keys)
        return int(each.get(self._label, 0))


class Files(SessionStore):
    name = "file"

    def __init__(self, directory: str, prefix: str) -> None:
        self._directory, self._prefix = directory, prefix

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        try:
            names = sorted(os.listdir(self._directory))
        except OSError as error:
            raise HostError("%s: cannot be listed: %s" % (self._directory, error.strerror)) from None
        keys = [name[len(self._prefix) :] for name in names if name.startswith(self._prefix)]
        chosen = [key for key in keys if session_formats.is_key(key) and self._is_file(key)]
        for at in range(0, len(chosen), PAGE):
            yield [session(key, self._content(key) if read else {}) for key in chosen[at : at + PAGE]]

    def _path(self, key: str) -> str:
        return os.path.join(self._directory, self._prefix + key)

    def _is_file(self, key: str) -> bool:
        try:
            return stat.S_ISREG(os.lstat(self._path(key)).st_mode)
        except OSError:
            return False

    def _content(self, key: str) -> Optional[Mapping[str, Any]]:
        try:
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as handle:
                return session_formats.decoded(handle.read(session_formats.LARGEST).decode("ascii"))
        except (OSError, UnicodeDecodeError):
            return None

    def end(self, keys: Sequence[str]) -> int:
        count, problems = 0, []
        for key in keys:
            try:
                os.unlink(self._path(key))
                count += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(error.strerror)
        if problems:
            raise HostError(
                "%s: %d session files cannot be removed (%s); set django_become_user to the application's account"
                % (self._directory, len(problems), problems[0])
            )
        return count


def cached(cache: Any, prefix: str, *, clear_cache: bool, alone: bool) -> Cached:
    """Sessions in a cache, by its abilities. ``alone``: nothing else knows their keys."""
    kinds = {"%s.%s" % (base.__module__, base.__name__) for base in type(cache).__mro__}
    if "django.core.cache.backends.redis.RedisCache" in kinds:
        return InValkey(cache, prefix, cache._cache.get_client(None, write=True))
    if "django_redis.cache.RedisCache" in kinds:
        return InValkey(cache, prefix, cache.client.get_client(write=True))
    if "django.core.cache.backends.db.DatabaseCache" in kinds:
        return InTable(cache, prefix)
    own = "django.core.cache.backends.locmem.LocMemCache" in kinds
    if own or "django.core.cache.backends.dummy.DummyCache" in kinds:
        return InProcesses(cache, prefix, own=own, alone=alone)
    if clear_cache:
        return Cleared(cache, prefix)
    if alone:
        raise HostError(
            "the cache %s cannot list its keys, so sessions cannot be distinguished from other entries; set "
            "django_session_clear_cache=true (option clear_cache), which empties the whole cache" % type(cache).__name__
        )
    return Cached(cache, prefix)


class Cached(SessionStore):
    """Sessions in a cache that cannot list its keys."""

    name = "cache"
    note = "the cache cannot list its keys; cached sessions that the database no longer has stay until they expire"

    def __init__(self, cache: Any, prefix: str) -> None:
        self._cache, self._prefix = cache, prefix

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        del read
        return iter(())

    def doubt(self, rows: int) -> Optional[Doubt]:
        del rows
        why = "the cache cannot list its keys, so cached sessions that the database no longer has are not found"
        return Doubt(why, ("clear_cache",))

    def forget(self, keys: Sequence[str]) -> None:
        self._cache.delete_many([self._prefix + key for key in keys])

    def end(self, keys: Sequence[str]) -> int:
        return sum(bool(self._cache.delete(self._prefix + key)) for key in keys)

    def _sessions(self, keys: Sequence[str], *, read: bool) -> List[DjangoSession]:
        if not read:
            return [DjangoSession(key, None) for key in keys]
        values = self._cache.get_many([self._prefix + key for key in keys])
        contents = {key: values.get(self._prefix + key) for key in keys}
        return [session(key, entry if isinstance(entry, dict) else None) for key, entry in contents.items()]

    def _start(self) -> str:
        """The beginning of every session's whole key."""
        maker = getattr(getattr(self._cache, "client", None), "make_key", None) or self._cache.make_key
        key = str(maker(self._prefix + _MARK))
        if not key.endswith(_MARK):
            raise HostError(
                "KEY_FUNCTION changes more than the start of a key, so sessions cannot be found by their keys"
            )
        return key[: -len(_MARK)]

    def _paged(self, keys: Iterable[str], *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        all_keys = list(keys)
        for at in range(0, len(all_keys), PAGE):
            yield self._sessions(all_keys[at : at + PAGE], read=read)


class Listed(Cached):
    """Sessions in a cache that lists all of them, at the place of the application's settings."""

    note = ""

    def doubt(self, rows: int) -> Optional[Doubt]:
        del rows
        return None


class Cleared(Listed):
    """A cache that is emptied as a whole."""

    note = "the whole cache was emptied"

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        if read:
            raise HostError("clear_cache would end all users' sessions; leave users and user_ids out")
        yield [DjangoSession("*", None)]

    def end(self, keys: Sequence[str]) -> int:
        self._cache.clear()
        return 1


class InProcesses(Cached):
    """A cache in each process's memory, or none at all."""

    def __init__(self, cache: Any, prefix: str, *, own: bool, alone: bool) -> None:
        super().__init__(cache, prefix)
        self._own, self._alone = own, alone
        self.note = (
            "the cache is in each process's own memory: restart the services to empty it"
            if own
            else "the cache stores nothing"
        )

    def doubt(self, rows: int) -> Optional[Doubt]:
        del rows
        if self._own:
            return Doubt("the cache is in each process's own memory", restart=True)
        if self._alone:
            return Doubt("the cache stores nothing, so no login lasts with these settings", ("chdir", "env_file"))
        return None


class InValkey(Listed):
    """Sessions in Valkey or Redis, through the cache's driver."""

    def __init__(self, cache: Any, prefix: str, client: Any) -> None:
        super().__init__(cache, prefix)
        self._client = client

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        start, cursor = self._start(), 0
        while True:
            cursor, page = self._client.scan(cursor, match=valkey_key_patterns.literal(start) + "*", count=1000)
            names = [data.decode("utf-8", "replace") if isinstance(data, bytes) else str(data) for data in page]
            keys = [name[len(start) :] for name in dict.fromkeys(names)]
            yield self._sessions([key for key in keys if session_formats.is_key(key)], read=read)
            if not int(cursor):
                return

    def end(self, keys: Sequence[str]) -> int:
        start = self._start()
        return int(self._client.unlink(*[start + key for key in keys]))


class InTable(Listed):
    """Sessions in a cache in a database table."""

    def pages(self, *, read: bool) -> Iterator[Sequence[DjangoSession]]:
        from django.db import connections, router

        start = self._start()
        connection = connections[router.db_for_write(self._cache.cache_model_class)]
        table = connection.ops.quote_name(self._cache._table)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT cache_key FROM %s WHERE SUBSTR(cache_key, 1, %%s) = %%s" % table,  # noqa: S608 - a quoted name
                [len(start), start],
            )
            keys = [row[0][len(start) :] for row in cursor.fetchall()]
        yield from self._paged((key for key in keys if session_formats.is_key(key)), read=read)
