# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Celery application; the worker runs ``celery --app watchparty worker``."""

from __future__ import annotations

from celery import Celery

app = Celery("watchparty")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["watchparty"])
