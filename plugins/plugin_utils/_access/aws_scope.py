# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scope of policies: account, region and key, and ARNs there."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.watchparty.secrets.plugins.plugin_utils._access.policy_size import Grant

SUFFIX = "-??????"
"""AWS ends the ARN of a secret in a hyphen and six random characters, and documents this pattern for them.

With ``-*`` a grant would reach every secret whose name continues after a hyphen. ``-??????`` reaches no other name.
"""


@dataclass(frozen=True)
class AwsScope:
    account: str
    region: str
    key: str
    """The ARN of the encryption key."""
    partition: str = "aws"

    def arn(self, service: str, rest: str, *, region: str = "", account: bool = True) -> str:
        return f"arn:{self.partition}:{service}:{region}:{self.account if account else ''}:{rest}"

    def secret(self, name: str, region: str = "") -> str:
        return self.arn("secretsmanager", f"secret:{name}{SUFFIX}", region=region or self.region)

    def below(self, prefix: str) -> str:
        """Every secret whose name continues after the prefix and a slash."""
        return self.arn("secretsmanager", f"secret:{prefix}/*", region=self.region)

    def parameter(self, name: str, region: str = "") -> str:
        return self.arn("ssm", f"parameter{name}", region=region or self.region)

    def via(self, service: str, region: str = "") -> str:
        return f"{service}.{region or self.region}.amazonaws.com" + (".cn" if self.partition == "aws-cn" else "")


def key_grant(scope: AwsScope, sid: str, service: str, actions: tuple[str, ...], arns: tuple[str, ...]) -> Grant:
    """Use of the key through one service, for these ARNs. Both services put the ARN into the encryption context."""
    context = "kms:EncryptionContext:" + {"secretsmanager": "SecretARN", "ssm": "PARAMETER_ARN"}[service]
    return Grant(sid, actions, (scope.key,), {"kms:ViaService": scope.via(service)}, (context, arns))
