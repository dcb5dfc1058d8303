# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The account and region of provisioning, and the ARNs there."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AccountRegion:
    account: str
    region: str
    partition: str = "aws"

    def arn(self, service: str, rest: str, *, region: bool = True) -> str:
        return f"arn:{self.partition}:{service}:{self.region if region else ''}:{self.account}:{rest}"
