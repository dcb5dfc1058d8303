# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of this collection: one small tree.

A message names the setting, the store and the id concerned, and the next thing to do. It never holds a value.
"""

from __future__ import annotations

from typing import Sequence


class SecretsError(Exception):
    """Base of every error that this collection raises on purpose."""


class CatalogError(SecretsError):
    """Raised when the catalog is malformed. Each problem is ``path.inside.it: what is wrong``."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("The catalog (secrets_catalog) is not valid:\n" + "\n".join("  - " + p for p in self.problems))


class InvalidEnvironment(SecretsError):
    """Raised when what the stores hold does not satisfy the catalog: missing, malformed or conflicting settings."""

    def __init__(self, problems: Sequence[str], environment: str) -> None:
        self.problems = list(problems)
        super().__init__(
            "Environment %s is not deployable:\n%s" % (environment, "\n".join("  - " + str(p) for p in self.problems))
        )


class StoreError(SecretsError):
    """Raised when a store cannot be read or written."""


class NoAccess(StoreError):
    """Raised when the store refuses us or cannot be reached: no credentials, no region, denied, endpoint down."""


class Denied(NoAccess):
    """Raised when the policies in force deny one operation on one name."""

    def __init__(self, message: str, detail: str = "") -> None:
        self.detail = detail
        super().__init__(message)


class NotFound(StoreError):
    """Raised when a secret or parameter does not exist, or is scheduled for deletion."""


class Conflict(StoreError):
    """Raised when a compare-and-swap failed, or when a version id is taken by other content."""


class AlreadyExists(StoreError):
    """Raised when what was to be created is there already."""


class WrongAccount(NoAccess):
    """Raised when the AWS account is not the one that the catalog expects."""


class JournalError(SecretsError):
    """Raised when the journal cannot be folded, or when it forbids what was asked for."""


class Overtaken(JournalError):
    """Raised when another run has written to the journal since we read it."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message + "; this run stops here. To see what is open or due now, run "
            "ansible-playbook watchparty.secrets.rotation_report"
        )


class AuditError(SecretsError):
    """Raised when a record does not belong in the audit log, or when the log cannot be read, written or trusted."""


class DotenvError(SecretsError):
    """Raised when a value has no spelling that every chosen reader reads back exactly, or a file cannot be parsed."""


class EncryptedEnvError(SecretsError):
    """Raised when a .env.enc cannot be written, opened or trusted."""


class HostError(SecretsError):
    """Raised when a host's file cannot be written, or its services cannot be restarted, as asked for."""


class RotationError(SecretsError):
    """Raised when a rotation cannot begin, go on or end as asked for."""


class PolicyError(SecretsError):
    """Raised when a policy would grant more than the catalog reads, does not fit, or cannot be judged."""


class ProvisionError(SecretsError):
    """Raised when values cannot be written as asked for: every problem at once, before the first write."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("Nothing was written:\n" + "\n".join("  - " + str(p) for p in self.problems))


class ProvisionedOtherwise(SecretsError):
    """Raised when a deploy would write another file than the one it is compared with."""

    def __init__(self, environment: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(
            "The .env cannot be deployed to %s, because the file would hold other values:\n%s"
            % (environment, "\n".join("  - " + str(problem) for problem in self.problems))
        )


class ScanError(SecretsError):
    """Raised when a scan cannot begin as asked for; what it cannot look at is not an error, and is in its report."""


def one_line(message: object) -> str:
    """What an error says, or another text, in one line."""
    return " ".join(str(message).split())


def counted(number: int, noun: str) -> str:
    """``1 setting``, ``2 settings``."""
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")
