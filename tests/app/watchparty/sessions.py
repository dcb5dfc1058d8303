# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A session engine that lets SECRET_KEY rotate unnoticed. Copy this file into your application; in the settings::

    SESSION_ENGINE = "watchparty.sessions"  # where you put it
    SESSION_ENGINE_BELOW = "django.contrib.sessions.backends.db"  # what SESSION_ENGINE was

A session that an old key signed is read as if the present key had signed it. So Django finds nothing to mend: it keeps
the session's key, where it would otherwise move the session away from under parallel requests, and Channels, which
knows no fallbacks, does not delete it. Nothing is written; whatever saves the session saves it with the present key.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.core.exceptions import SynchronousOnlyOperation
from django.utils.crypto import constant_time_compare


# What a hash becomes never changes while the process lives: it is looked up once a session, not once a request.
@lru_cache(maxsize=16384)
def _by_the_present_key(signed: str, user_id: str, backend: str) -> str:
    """What the present key makes of a hash that an old key made; any other hash stays as it is."""
    user = load_backend(backend).get_user(get_user_model()._meta.pk.to_python(user_id))
    if hasattr(user, "get_session_auth_fallback_hash") and any(
        constant_time_compare(signed, old) for old in user.get_session_auth_fallback_hash()
    ):
        return user.get_session_auth_hash()
    return signed


def _present(data: dict[str, Any]) -> dict[str, Any]:
    signed, backend = data.get(HASH_SESSION_KEY), data.get(BACKEND_SESSION_KEY)
    if not (settings.SECRET_KEY_FALLBACKS and signed and backend in settings.AUTHENTICATION_BACKENDS):
        return data
    try:
        return {**data, HASH_SESSION_KEY: _by_the_present_key(signed, data[SESSION_KEY], backend)}
    except SynchronousOnlyOperation:
        # Read outside of a thread, where no user can be looked up, nobody is authenticated either.
        return data


# The name is part of the signature of sessions in the database: under this one they stay readable.
class SessionStore(import_module(settings.SESSION_ENGINE_BELOW).SessionStore):
    def load(self) -> dict[str, Any]:
        return _present(super().load())

    async def aload(self) -> dict[str, Any]:
        return await sync_to_async(_present)(await super().aload())
