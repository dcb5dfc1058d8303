# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A callback for tests: AWS clients wait for an answer for AWS_READ_TIMEOUT seconds, whatever they are made with."""

from __future__ import annotations

import os
from typing import Any

from ansible.plugins.callback import CallbackBase
from botocore.httpsession import URLLib3Session

DOCUMENTATION = """
name: impatient
type: aggregate
short_description: shortens the read timeout of AWS clients
description: For tests.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "impatient"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        makes = URLLib3Session.__init__

        # Workers are forked from this process and have it too.
        def init(session: Any, *arguments: Any, **named: Any) -> None:
            makes(session, *arguments, **{**named, "timeout": float(os.environ["AWS_READ_TIMEOUT"])})

        setattr(URLLib3Session, makes.__name__, init)
