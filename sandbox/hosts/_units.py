# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application's systemd units: a web server and a worker of a user without a login."""

from __future__ import annotations

COMMON = """\
[Unit]
Description=Watch Party ({role})
After=network.target
AssertPathExists=/srv/watchparty/.env
StartLimitIntervalSec=0

[Service]
User=watchparty
Group=watchparty
WorkingDirectory=/opt/watchparty/app
Environment=WATCHPARTY_ENV_FILE=/srv/watchparty/.env PYTHONDONTWRITEBYTECODE=1
Type={type}
ExecStart=/opt/watchparty/venv/bin/python -m {command}
Restart=on-failure
RestartSec=2
KillMode=mixed
TimeoutStopSec={stop}

[Install]
WantedBy=multi-user.target
"""
UNITS = {
    "watchparty-web.service": COMMON.format(
        role="web",
        type="notify",
        command="gunicorn --bind 0.0.0.0:8000 --workers 2 --threads 4 --no-control-socket watchparty.wsgi",
        stop=30,
    ),
    "watchparty-celery.service": COMMON.format(
        role="worker",
        type="exec",
        command="celery --app watchparty worker --concurrency 1 --loglevel info",
        # As long as the longest task, which the worker finishes.
        stop=60,
    ),
}
