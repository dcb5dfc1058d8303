# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application: what the collection deploys to, and what its tests log in to."""

from __future__ import annotations

from watchparty import environment

environment.load()

from watchparty.celery import app as celery_app  # noqa: E402 - the file names the settings module

__all__ = ["celery_app"]
