# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of valkey_purge share: keys of caches and of a broker."""

from __future__ import annotations

import redis

from sandbox.valkey import Valkey


def client(server: Valkey, number: int = 0) -> redis.Redis:
    return redis.Redis.from_url(server.url(number))


def fill(server: Valkey, prefix: str, count: int, number: int = 0) -> None:
    with client(server, number) as item, item.pipeline(transaction=False) as pipe:
        for at in range(count):
            pipe.set(f"{prefix}{at}", "x")
        pipe.execute()


def celery(server: Valkey, number: int = 0, prefix: str = "") -> set[bytes]:
    """What a broker leaves: a queue of its own name, bindings, unfinished tasks, a result. Returns the keys."""
    with client(server, number) as item:
        item.sadd(f"{prefix}_kombu.binding.mail", "mail\x06\x16\x06\x16mail", "idle\x06\x16\x06\x16idle")
        item.rpush(f"{prefix}mail", "task", "task")
        item.rpush(f"{prefix}mail\x06\x166", "urgent")
        item.hset(f"{prefix}unacked", "tag", "task")
        item.set(f"{prefix}celery-task-meta-1", "{}")
        return set(item.keys("*"))
