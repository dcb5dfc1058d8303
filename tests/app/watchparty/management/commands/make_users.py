# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make users, or give them a new password: names as arguments, the one password on standard input."""

from __future__ import annotations

import sys

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("names", nargs="+")

    def handle(self, *, names: list[str], **_: object) -> None:
        # Hashed once for all: each hash takes a third of a second.
        password = make_password(sys.stdin.read().rstrip("\n"))
        for name in names:
            get_user_model().objects.update_or_create(username=name, defaults={"password": password})
