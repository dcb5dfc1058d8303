# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A login to SES's mail server: an IAM user's access key, and the password that is derived from its secret."""

from __future__ import annotations

from ansible_collections.watchparty.secrets.plugins.module_utils._core import kind_names
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import RotationError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.aws_access_key import IamKeyActs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Answer, Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ses_smtp import smtp_server


class SesSmtpPassword(IamKeyActs):
    """Asks IAM and SES's mail server from the controller."""

    kind = Kind(
        kind_names.SES_SMTP_PASSWORD,
        "A login to SES's mail server, derived from a new access key of an IAM user; not run on AWS.",
        value="provider",
        needs_user=True,
        options=("region", "user"),
    )

    def check(self, part: Part) -> Answer:
        setting = part.setting
        credential = setting.catalog.credentials[part.name]
        server = smtp_server(credential)
        if setting.answers_leak():  # its key may have been deleted by hand
            return {}
        if not server.accepts(setting.held(credential).login):
            raise RotationError(
                f"{server.host}:{server.port} does not accept the login in use; correct options.region, or the value "
                "in the store"
            )
        return {}
