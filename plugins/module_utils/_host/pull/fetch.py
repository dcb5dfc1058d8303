# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Lets a host fetch its own settings: reads the stores and writes the file, or keeps the last file and reports why.

Runs without Ansible, with a client from the caller.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, fields
from typing import Any, Callable, Mapping, Optional, Sequence, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import (
    catalog_files,
    catalog_parser,
    dotenv,
    timestamps,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog, names_outside_aws
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    CatalogError,
    HostError,
    JournalError,
    NoAccess,
    SecretsError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.file_formats import CREDENTIAL
from ansible_collections.watchparty.secrets.plugins.module_utils._host import safe_files
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import atomic_file, file_set
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import delivery as env_file_delivery
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import diff as env_file_diff
from ansible_collections.watchparty.secrets.plugins.module_utils._host.env_file import mark as env_file_mark
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import encrypted_source
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import aws_errors
from ansible_collections.watchparty.secrets.plugins.module_utils._stores import environment_reader as environment

GOOD, INVALID, USAGE, NO_ACCESS, KEPT = 0, 1, 2, 3, 75
"""Exit codes of env-validator.sh, and 75 of sysexits (temporary failure), which a unit can count as success."""
PAUSE = 5
"""Seconds between tries while no file exists."""

_WRITTEN = " (snapshot"
"""Start of the origin of a file that a run wrote. The file may be empty: other files may hold all settings."""

Connect = Callable[[Optional[str]], environment.Client]
"""Function that gives clients of a region."""


class NotConfigured(SecretsError):
    """Raised if the host's setup for the fetch cannot be used."""


@dataclass(frozen=True)
class FetchRequest:
    environment: str
    path: str
    owner: Optional[str] = None
    group: Optional[str] = None
    mode: str = "0600"
    region: Optional[str] = None
    file: Optional[str] = None
    """A ``.env.enc`` on this host, read instead of the stores."""
    names: Tuple[str, ...] = ()
    """Names of this host and its groups in the inventory."""
    patience: int = 60
    """Seconds to keep trying while no file exists."""


@dataclass(frozen=True)
class FetchResult:
    """Exit code, and messages without a value."""

    code: int
    messages: Tuple[str, ...]
    changed: bool = False


def wanted_of(document: Any) -> FetchRequest:
    """Raises NotConfigured with the problem."""
    known = {option.name for option in fields(FetchRequest)}
    if not isinstance(document, Mapping) or not {"environment", "path"} <= set(document) or set(document) - known:
        raise NotConfigured(
            "the configuration must be a JSON object with environment, path, and no keys other than %s" % sorted(known)
        )
    result = {key: value for key, value in document.items() if value is not None}
    for key, value in result.items():
        right = {"patience": int, "names": list}.get(key, str)
        if not isinstance(value, right) or isinstance(value, bool):
            raise NotConfigured("the configuration: %s must be of type %s" % (key, right.__name__))
    for key in ("path", "file"):
        if not os.path.isabs(result.get(key, "/")):
            raise NotConfigured("the configuration: %s must be absolute" % key)
    return FetchRequest(**{**result, "names": tuple(result.get("names", ()))})


def fetch(
    wanted: FetchRequest,
    load: Callable[[], Any],
    connect: Connect,
    *,
    check: bool = False,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> FetchResult:
    """Writes the stores' values. ``load`` returns the catalog.

    If anything fails, an existing file stays, and the messages say why. While no file exists, an unusable store is
    asked again for a while: at boot the network may be late.
    """
    until = clock() + wanted.patience
    while True:
        try:
            return _written(wanted, load(), connect, check=check)
        except SecretsError as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001 - the application must start; its text might quote a value
            error = SecretsError("unexpected error: %s" % type(caught).__name__)
        is_kept, message = _fallback(wanted)
        if is_kept:
            return FetchResult(KEPT, (str(error), message))
        if check or not isinstance(error, (NoAccess, JournalError)) or clock() >= until:
            return FetchResult(_code_of(error), (str(error), message))
        sleep(PAUSE)


def _code_of(error: SecretsError) -> int:
    if isinstance(error, NoAccess):
        return NO_ACCESS
    return USAGE if isinstance(error, (CatalogError, NotConfigured)) else INVALID


@dataclass(frozen=True)
class _Source:
    """Values of the stores or the ``.env.enc``."""

    values: Mapping[str, str] = field(repr=False)
    snapshot: str
    journal: int
    warnings: Tuple[str, ...] = ()
    encrypted_at: str = ""
    """Write time of the ``.env.enc``."""


def _of_stores(wanted: FetchRequest, document: Any, catalog: Catalog, connect: Connect) -> _Source:
    outside = names_outside_aws(catalog.places)
    if outside:
        raise NotConfigured(
            f"secret {outside[0]}: hosts fetch from AWS only; deliver it by ansible-playbook watchparty.secrets.deploy"
        )
    client = connect(wanted.region or catalog.region)
    if catalog.expected_account_id:
        aws_errors.require_account(aws_errors.account_id(client("sts")), catalog.expected_account_id)
    result = environment.read(environment.ReadRequest(document, wanted.environment), catalog, client)
    values = result.resolution.require_deliverable().values
    return _Source(values, result.resolution.snapshot_id, result.journal.head, tuple(result.warnings))


def _of_file(wanted: FetchRequest, path: str, catalog: Catalog, connect: Connect) -> _Source:
    result, values = encrypted_source.opened(path, catalog, wanted.region, connect)
    return _Source(values, result.snapshot_id, result.journal, encrypted_at=result.written_at)


def _written(wanted: FetchRequest, document: Any, connect: Connect, *, check: bool) -> FetchResult:
    catalog = catalog_parser.parse(document, wanted.environment)
    own = catalog_files.of_host(catalog.files.values(), wanted.names)
    for file in own:
        if file.format == CREDENTIAL:
            raise NotConfigured(
                "files.%s: a host that fetches cannot encrypt a systemd credential; use another format, or deliver "
                "files by ansible-playbook watchparty.secrets.deploy" % file.name
            )
    owned = atomic_file.ownership(wanted.owner, wanted.group, wanted.mode)
    if wanted.file:
        result = _of_file(wanted, wanted.file, catalog, connect)
    else:
        result = _of_stores(wanted, document, catalog, connect)
    in_env = catalog_files.in_env(catalog.files.values(), result.values)
    content = dotenv.to_dotenv(in_env, readers=catalog.readers, header=atomic_file.HEADER).encode("utf-8")
    known = [file.path for file in catalog.files.values()]
    texts = [(file, file.content(result.values, catalog.readers, atomic_file.HEADER)) for file in own]
    declared = [
        file_set.declared(file.data, text, wanted.owner, wanted.group) for file, text in texts if text is not None
    ]
    with atomic_file.open_file(wanted.path, owner=owned.uid, write=not check) as env:
        present = atomic_file.present(env.file)
        mark = env_file_mark.Mark(env)
        mark.refuse_older(result.journal)
        mark.refuse_older_file(result.encrypted_at)
        plan = env_file_delivery.planned(env, content, owned, present, mark, declared, check=check, removable=known)
        if not check:
            env_file_delivery.deliver(plan, result.snapshot, result.journal, encrypted_at=result.encrypted_at)
    before = env_file_diff.settings_of(present.content if present else None, catalog.readers)
    changes = env_file_diff.changes(before, in_env)
    messages = [*result.warnings, _message(wanted, plan, changes, result.snapshot, check=check)]
    return FetchResult(GOOD, tuple(messages), plan.rewrite)


def _message(
    wanted: FetchRequest,
    plan: env_file_delivery.Delivery,
    changes: Mapping[str, Sequence[str]],
    snapshot: str,
    *,
    check: bool,
) -> str:
    if not plan.rewrite:
        return "%s is unchanged (snapshot %s)" % (wanted.path, snapshot)
    texts = ["%s: %s" % (kind, ", ".join(names)) for kind, names in changes.items() if names]
    others = sorted(change.path for change in plan.others if change.rewrite)
    texts += ["other files: %s" % ", ".join(others)] if others else []
    verb = "would be written" if check else "is written"
    return "%s %s, mode %04o (snapshot %s)%s" % (
        wanted.path,
        verb,
        plan.wanted.mode,
        snapshot,
        "; " + ("; ".join(texts) or "owner, mode or spelling corrected"),
    )


def _fallback(wanted: FetchRequest) -> Tuple[bool, str]:
    """Whether an application can start with the present file, and a message about the file."""
    path = wanted.path
    try:
        with atomic_file.open_file(path, look=True) as env:
            present, status = atomic_file.present(env.file), safe_files.status(env.file)
            origin = _origin(env, present)
    except HostError as error:
        return False, "the last good file cannot be used: %s" % error
    if present is None or status is None:
        return False, "%s: does not exist either, so the application cannot start" % path
    # Without a catalog its readers are unknown; only docker_run keeps quotes.
    either = (dotenv.DEFAULT_READERS, ("docker_run",))
    if not origin.startswith(_WRITTEN) and not any(
        env_file_diff.settings_of(present.content, readers) for readers in either
    ):
        return False, "%s: holds no settings, so the application cannot start" % path
    written = timestamps.stamp_of(status.st_mtime)
    return True, "%s stays as written at %s%s" % (path, written, origin)


def _origin(env: atomic_file.EnvFile, present: Optional[atomic_file.Present]) -> str:
    if present is None:
        return ""
    try:
        mark = env_file_mark.Mark(env)
        content = mark.current(present)
    except HostError:
        return ", and its deploy marker cannot be read"
    for entry in (mark.accepted, mark.healthy):
        if entry.get("digest") == content:
            return "%s %s)" % (_WRITTEN, entry.get("snapshot"))
    return ", and its deploy marker names another file: somebody edited it, or a run was interrupted"
