# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The connection to AWS, with amazon.aws's options from the environment."""

from __future__ import annotations

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.amazon.aws.plugins.module_utils.modules import aws_argument_spec

from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.aws_connection import AwsConnection

NAME = "watchparty.secrets.command"


def connection() -> AwsConnection:
    made = AwsConnection(NAME, ArgumentSpecValidator(aws_argument_spec()).validate({}).validated_parameters)
    made.require_aws_sdk()
    return made
