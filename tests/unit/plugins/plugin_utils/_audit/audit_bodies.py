# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The places that the tests keep audit logs in."""

from __future__ import annotations

from typing import Any

from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.backends import CloudWatchLogs, S3Objects

GROUP = "/shop/audit"
STREAM = "shop/production"
BUCKET = "shop-audit"
PREFIX = "records/shop/production/"
NAMES = {"logGroupName": GROUP, "logStreamName": STREAM}


def logs(client: Any, **extra: Any) -> CloudWatchLogs:
    return CloudWatchLogs(client, GROUP, STREAM, sleep=lambda _seconds: None, **extra)


def objects(client: Any) -> S3Objects:
    return S3Objects(client, BUCKET, PREFIX)
