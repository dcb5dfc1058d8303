# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sessions of boto3 that make clients in a tenth of the time.

Ansible forks a process for each task from the process that imports an action. That process reads botocore's
descriptions of services and endpoints once. Its garbage collector then ignores the present objects, because each fork
would touch, and so copy, all of them.
"""

from __future__ import annotations

import gc
import os
from typing import Any

try:
    import boto3
    import botocore.loaders
    import botocore.session
except ImportError:  # the plugins that make clients check for boto3 and say how to install it
    boto3 = None


def _loader() -> Any:
    """Botocore's caching loader, filled with the descriptions that every client and this collection's stores need.

    Errors in AWS's configuration are reported when a client is made.
    """
    loader = botocore.loaders.create_loader(os.environ.get("AWS_DATA_PATH"))
    for name in ("endpoints", "partitions", "sdk-default-configuration", "_retry"):
        loader.load_data_with_path(name)
    for service in ("secretsmanager", "ssm"):
        for description in ("service-2", "endpoint-rule-set-1", "paginators-1"):
            loader.load_service_model(service, description, api_version=None)
    return loader


_LOADER = _loader() if boto3 else None
gc.freeze()


def session(profile: str | None) -> Any:
    """A session of boto3 with these descriptions. An unknown profile is reported when a client is made."""
    inner = botocore.session.get_session()
    inner.register_component("data_loader", _LOADER)
    return boto3.session.Session(botocore_session=inner, profile_name=profile)
