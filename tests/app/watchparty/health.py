# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""``/health/``: asks every server that the settings name, and tells which answered. Never a value, never a message."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

import redis
from django.conf import settings
from django.core.cache import caches
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse

from watchparty.celery import app

TIMEOUT = 3

log = logging.getLogger(__name__)


def health_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer ``/health/`` before the Host header is checked: a probe asks by address, not by the public name."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return health() if request.path == "/health/" else get_response(request)

    return middleware


def health() -> JsonResponse:
    components = {name: _outcome(name, probe) for name, probe in _probes().items()}
    healthy = all(outcome == "ok" for outcome in components.values())
    body = {"status": "ok" if healthy else "failed", "components": components}
    return JsonResponse(body, status=200 if healthy else 503)


def _probes() -> dict[str, Callable[[], None]]:
    probes: dict[str, Callable[[], None]] = {"database": _database, "cache": _cache}
    if settings.CELERY_BROKER_URL:
        probes["broker"] = _broker
    for number, host in enumerate(settings.CHANNEL_LAYERS_CONFIG_HOSTS, start=1):
        probes[f"channels-{number}"] = lambda url=host: _ping(url)
    if settings.CELERY_RESULT_BACKEND.startswith(("redis:", "rediss:")):
        probes["results"] = lambda: _ping(settings.CELERY_RESULT_BACKEND)
    return probes


def _outcome(name: str, probe: Callable[[], None]) -> str:
    try:
        probe()
    except Exception as error:  # noqa: BLE001 - whatever a driver raises, the component is down
        log.warning("health: %s failed: %s", name, type(error).__name__)
        return f"failed: {type(error).__name__}"
    return "ok"


def _database() -> None:
    # A kept connection stays logged in after its password was withdrawn: only a new one proves the setting.
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()


def _cache() -> None:
    cache = caches.create_connection("default")
    key, value = f"health:{secrets.token_hex(8)}", secrets.token_hex(8)
    cache.set(key, value, timeout=TIMEOUT * 2)
    if cache.get(key) != value:
        raise ValueError("the cache does not return what it was given")
    cache.delete(key)


def _broker() -> None:
    with app.connection_for_read(connect_timeout=TIMEOUT) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=TIMEOUT)


def _ping(url: str) -> None:
    with redis.Redis.from_url(url, socket_connect_timeout=TIMEOUT, socket_timeout=TIMEOUT) as client:
        client.ping()
