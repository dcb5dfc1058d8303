# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Send tasks until standard input ends, then say as JSON which of them were lost: ``send_tasks --env-file FILE …``

The file is read anew for each task. A task that cannot be sent is sent again, by the same id, with the next file that
was given: so a broker's password may change at any time, and a host with an old file may be gone.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import select
import ssl
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import redis
from celery import Celery
from django.core.management.base import BaseCommand, CommandParser

from watchparty import environment

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    id: str
    name: str
    arguments: tuple[float, ...]
    result: float

    @classmethod
    def number(cls, number: int) -> Task:
        """Every tenth is still running when the next is sent."""
        if number % 10 == 9:
            return cls(str(uuid.uuid4()), "watchparty.tasks.wait", (0.5,), 0.5)
        return cls(str(uuid.uuid4()), "watchparty.tasks.add", (number, 1), number + 1)


class Sender:
    """Keeps a connection as long as the broker's URL stays what it is."""

    def __init__(self, files: list[Path], patience: float) -> None:
        self.resent = 0
        self.errors: Counter[str] = Counter()
        self._patience = patience
        self._files = itertools.cycle(files)
        self._file = next(self._files)
        self._url = ""
        self._app: Celery | None = None

    def send(self, task: Task) -> bool:
        end = time.monotonic() + self._patience
        while True:
            try:
                app = self._connected(environment.values(self._file)["CELERY_BROKER_URL"])
                # Twice when an answer was lost; the result is the same.
                app.send_task(task.name, task.arguments, task_id=task.id, retry=False)
            except Exception as error:  # noqa: BLE001 - kombu lets each transport's errors through
                self._failed(error)
                if time.monotonic() > end:
                    return False
                self.resent += 1
                time.sleep(0.1)
            else:
                return True

    def results(self, ids: list[str]) -> list[dict[str, object] | None]:
        """The worker's own records. None: there is no result yet."""
        found: list[bytes | None] = []
        with redis.Redis.from_url(environment.values(self._file)["CELERY_RESULT_BACKEND"], socket_timeout=5) as store:
            for begin in range(0, len(ids), 500):
                found += store.mget([f"celery-task-meta-{each}" for each in ids[begin : begin + 500]])
        return [json.loads(text) if text else None for text in found]

    def lost(self, tasks: list[Task]) -> list[Task]:
        """Wait for every result; return the tasks that have none or another one."""
        end = time.monotonic() + self._patience
        open_tasks = tasks
        while open_tasks and time.monotonic() < end:
            try:
                answers = self.results([task.id for task in open_tasks])
            except (OSError, KeyError, redis.RedisError) as error:
                self._failed(error)
            else:
                paired = zip(open_tasks, answers, strict=True)
                open_tasks = [task for task, answer in paired if answer is None or answer["result"] != task.result]
            if open_tasks:
                time.sleep(0.5)
        return open_tasks

    def _failed(self, error: Exception) -> None:
        log.warning("%s, once more", type(error).__name__)
        self.errors[type(error).__name__] += 1
        self._forget()

    def _connected(self, url: str) -> Celery:
        if self._app is None or url != self._url:
            self._forget(next_file=False)
            self._url = url
            # Without a result backend of its own: it would keep a subscription for each task.
            self._app = Celery("sender", broker=url, backend="disabled://", set_as_current=False)
            self._app.conf.update(broker_transport_options={"socket_timeout": 5, "socket_connect_timeout": 5})
            if url.startswith("rediss:"):
                self._app.conf.update(broker_use_ssl={"ssl_cert_reqs": ssl.CERT_REQUIRED})
        return self._app

    def _forget(self, *, next_file: bool = True) -> None:
        if self._app is not None:
            self._app.close()
            self._app = None
        if next_file:
            self._file = next(self._files)


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--env-file", type=Path, action="append", default=[])
        parser.add_argument("--pause", type=float, default=0.2, help="seconds between two tasks")
        parser.add_argument("--patience", type=float, default=60, help="seconds to try to send one, and for results")

    def handle(self, *, env_file: list[Path], pause: float, patience: float, **_: object) -> None:
        # Celery prefers these to what it is reported; they are as old as this process.
        for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
            os.environ.pop(name, None)
        sender = Sender(env_file or [environment.file()], patience)
        tasks: list[Task] = []
        unsent = 0
        while not _ended(pause):
            task = Task.number(len(tasks) + unsent)
            if sender.send(task):
                tasks.append(task)
            else:
                unsent += 1
        lost = sender.lost(tasks)
        report = {
            "sent": len(tasks) + unsent,
            "lost": len(lost) + unsent,
            "resent": sender.resent,
            "errors": sender.errors,
        }
        self.stdout.write(json.dumps(report))


def _ended(seconds: float) -> bool:
    """Wait; tell whether standard input has ended meanwhile."""
    return bool(select.select([sys.stdin], [], [], seconds)[0]) and not sys.stdin.readline()
