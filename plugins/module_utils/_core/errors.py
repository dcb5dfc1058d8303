# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The errors of this collection.

A message names the setting, store and id, and the next step. It never contains a value.
"""

from __future__ import annotations

from typing import Sequence

INTERFERED = "interfered"
"""Reason in a program's answer: the leaked login's holder may have caused the failure. The act may succeed once the
login is disabled."""


class SecretsError(Exception):
    """Base class."""


class CatalogError(SecretsError):
    """Raised for an invalid catalog. Each problem is ``path: problem``."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("The catalog (secrets_catalog) is not valid:\n" + "\n".join("  - " + p for p in self.problems))


class InvalidEnvironment(SecretsError):
    """Raised when the values in the stores do not satisfy the catalog."""

    def __init__(self, problems: Sequence[str], environment: str) -> None:
        self.problems = list(problems)
        super().__init__(
            "Environment %s is not deployable:\n%s" % (environment, "\n".join("  - " + str(p) for p in self.problems))
        )


class StoreError(SecretsError):
    """Raised when a store cannot be read or written."""


class NoAccess(StoreError):
    """Raised when a store denies access or is unreachable."""


class Denied(NoAccess):
    """Raised when policies deny one operation on one name."""

    def __init__(self, message: str, detail: str = "") -> None:
        self.detail = detail
        super().__init__(message)


class NotFound(StoreError):
    """Raised when a secret or parameter does not exist, or is scheduled for deletion."""


class Conflict(StoreError):
    """Raised when a compare-and-swap fails, or when a version id has other content."""


class AlreadyExists(StoreError):
    """Raised when a secret or parameter to be created exists."""


class WrongAccount(NoAccess):
    """Raised when the AWS account differs from the catalog's."""


class JournalError(SecretsError):
    """Raised when the journal is invalid, or forbids the request."""


class Overtaken(JournalError):
    """Raised when another run wrote to the journal after this run read it."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message + "; this run stops here. To see what is open or due now, run "
            "ansible-playbook watchparty.secrets.rotation_report"
        )


class AuditError(SecretsError):
    """Raised when a record is invalid, or the audit log cannot be read, written or trusted."""


class DotenvError(SecretsError):
    """Raised when the readers cannot read a value back, or a file cannot be parsed."""


class EncryptedEnvError(SecretsError):
    """Raised when a .env.enc cannot be written, opened or trusted."""


class HostError(SecretsError):
    """Raised when a host's file cannot be written, or its services cannot be restarted."""


class RotationError(SecretsError):
    """Raised when a rotation cannot begin, continue or end."""


class PolicyError(SecretsError):
    """Raised when a policy grants too much, is too large, or cannot be evaluated."""


class ProvisionError(SecretsError):
    """Raised with every problem, before the first write."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__("Nothing was written:\n" + "\n".join("  - " + str(p) for p in self.problems))


class ProvisionedOtherwise(SecretsError):
    """Raised when a deploy would write another file than the expected one."""

    def __init__(self, environment: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        super().__init__(
            "The .env cannot be deployed to %s, because the file would hold other values:\n%s"
            % (environment, "\n".join("  - " + str(problem) for problem in self.problems))
        )


class ScanError(SecretsError):
    """Raised when a scan cannot begin. Unreadable items are in its report instead."""


def one_line(message: object) -> str:
    return " ".join(str(message).split())


def counted(number: int, noun: str) -> str:
    """``1 setting``, ``2 settings``."""
    return "%d %s%s" % (number, noun, "" if number == 1 else "s")
