# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Corrections of moto where AWS differs. Each imports moto when called, because that takes long."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any


class Clock:
    """The time of IAM and the stores in moto, so that a test's key or secret can be old."""

    def __init__(self) -> None:
        from moto.iam import models as iam
        from moto.secretsmanager import models as secretsmanager
        from moto.ssm import models as ssm

        self.behind = timedelta()
        now = iam.utcnow
        for models in (iam, ssm):
            setattr(models, now.__name__, lambda: now() - self.behind)
        shifted = SimpleNamespace(time=lambda: time.time() - self.behind.total_seconds())
        setattr(secretsmanager, time.__name__, shifted)

    def set(self, days: float) -> None:
        self.behind = timedelta(days=days)


def spare_private_keys() -> None:
    """Makes no RSA keys for KMS keys that only encrypt. moto makes them, which takes a tenth of a second."""
    from moto.kms import models

    make = models.generate_private_key
    setattr(models, make.__name__, lambda spec: None if spec == "SYMMETRIC_DEFAULT" else make(spec))


def mend_labels() -> None:
    """Corrects four differences in labels.

    After UpdateSecretVersionStage, moto's GetSecretValue or BatchGetSecretValue without a stage still returns the
    previous version: our code would ask again for each secret, which would count calls that AWS never gets. moto
    attaches a label again to the version that has it, and then removes only one of the two. So after a promotion, a
    manual write leaves AWSCURRENT on the promoted version too, and removes every label from the one before. moto adds a
    label to a second version if a call does not name the one to remove it from. It rewrites a version with AWSPENDING,
    with its other labels, if a put or a creation repeats its id: AWS compares the contents.
    """
    from moto.secretsmanager.exceptions import InvalidParameterException, ResourceExistsException
    from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

    moves, resets = SecretsManagerBackend.update_secret_version_stage, FakeSecret.reset_default_version
    compares = SecretsManagerBackend._check_with_existing_secrets_and_versions

    def update_secret_version_stage(self: Any, secret_id: str, *arguments: Any, **named: Any) -> Any:
        stage, off, to = named["version_stage"], named["remove_from_version_id"], named["move_to_version_id"]
        versions = self.secrets[secret_id].versions if secret_id in self.secrets else {}
        holder = next(
            (item for item, data in versions.items() if stage in data["version_stages"]),
            None,
        )
        if not off and holder not in (None, to):
            raise InvalidParameterException(f"Staging label {stage} is currently attached to version {holder}")
        answer = moves(self, secret_id, *arguments, **named)
        secret = self.secrets[secret_id]
        for name, version in secret.versions.items():
            version["version_stages"][:] = dict.fromkeys(version["version_stages"])
            if "AWSCURRENT" in version["version_stages"]:
                secret.default_version_id = name
        return answer

    def reset_default_version(self: Any, *arguments: Any) -> None:
        labels = {version: version_data["version_stages"] for version, version_data in self.versions.items()}
        current = next(
            (version for version, version_data in labels.items() if "AWSCURRENT" in version_data),
            None,
        )
        if current is None:
            resets(self, *arguments)
            return
        kept = [label for label in labels[current] if label not in ("AWSCURRENT", "AWSPREVIOUS")]
        self.default_version_id = current
        resets(self, *arguments)
        self.versions[current]["version_stages"] = ["AWSPREVIOUS", *kept]

    def compare(self: Any, name: str, version: str, text: Any, binary: Any, on_create: bool = False) -> Any:
        result = self.secrets[name].versions.get(version, {}) if name in self.secrets else {}
        if "AWSPENDING" not in result.get("version_stages", ()):
            return compares(self, name, version, text, binary, on_create)
        if (result.get("secret_string"), result.get("secret_binary")) == (text, binary):
            return self.secrets[name]
        raise ResourceExistsException(f"version {version} has another content")

    setattr(SecretsManagerBackend, moves.__name__, update_secret_version_stage)
    setattr(SecretsManagerBackend, compares.__name__, compare)
    setattr(FakeSecret, resets.__name__, reset_default_version)


def allow_plain_http() -> None:
    """Drops refusals of unencrypted connections from bucket policies: moto knows no conditions, and would
    refuse every connection."""
    from moto.iam.access_control import IAMPolicy, PermissionResult
    from moto.s3.models import FakeBucket

    def get_permission(self: Any, action: str, resource: str) -> Any:
        document = json.loads(self.policy or "{}")
        kept = [
            item for item in document.get("Statement", []) if "aws:SecureTransport" not in str(item.get("Condition"))
        ]
        if not kept:
            return PermissionResult.NEUTRAL
        return IAMPolicy(json.dumps({**document, "Statement": kept})).is_action_permitted(action, resource)

    setattr(FakeBucket, FakeBucket.get_permission.__name__, get_permission)


def refuse_inactive_keys() -> None:
    """Rejects deactivated access keys as AWS does. If IAM is not enforced, such a key is unknown."""
    from moto.iam.access_control import CreateAccessKeyFailure, IAMUserAccessKey
    from moto.iam.models import IAMBackend

    makes, finds = IAMUserAccessKey.__init__, IAMBackend.get_user_from_access_key_id

    def init(self: Any, *arguments: Any, **named: Any) -> None:
        makes(self, *arguments, **named)
        for key in self.backend.get_user(self._owner_user_name).access_keys:
            if key.access_key_id == self._access_key_id and key.status != "Active":
                raise CreateAccessKeyFailure(reason="InvalidId")

    def get_user_from_access_key_id(self: Any, access_key_id: str) -> Any:
        user = finds(self, access_key_id)
        active = [key.access_key_id for key in user.access_keys if key.status == "Active"] if user else []
        return user if access_key_id in active else None

    setattr(IAMUserAccessKey, makes.__name__, init)
    setattr(IAMBackend, finds.__name__, get_user_from_access_key_id)
