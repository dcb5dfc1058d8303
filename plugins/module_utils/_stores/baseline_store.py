# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline of an environment's servers as a store: one object beside the journal, replaced only as it was read."""

from __future__ import annotations

import contextlib
import gzip
import secrets
import zlib
from typing import Any, Callable, Optional, Tuple

from ansible_collections.watchparty.secrets.plugins.module_utils._core import server_baseline
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import (
    AlreadyExists,
    Conflict,
    Denied,
    NotFound,
    StoreError,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.server_baseline import ServerBaseline
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.s3_object import S3Object

LIMIT = 16 << 20
"""The most bytes that it holds."""
PLAIN, LARGEST = 1 << 20, 256 << 20
"""Bytes of a baseline up to which it is stored as it is, and the most of a compressed one."""
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class BaselineStore:
    def __init__(self, client: Any, catalog: Catalog) -> None:
        self._object = S3Object(client, catalog, catalog.baseline_place, "application/json")
        self._catalog, self.where = catalog, self._object.where

    def read(self) -> Tuple[Optional[ServerBaseline], str]:
        """The baseline and its version; None where nothing was recorded. Raises StoreError."""
        try:
            content, version = self._object.read(LIMIT)
        except NotFound:
            return None, ""
        except Denied as error:  # S3 says the same of what does not exist, to whom may not list the bucket
            raise Denied(
                f"the baseline {self.where} cannot be read; allow s3:GetObject on it. If it does not exist, create it "
                f"by ansible-playbook watchparty.secrets.provision ({error.detail})",
                error.detail,
            ) from None
        named = (self._catalog.application, self._catalog.environment)
        baseline = server_baseline.parsed(_unpacked(content), *named, where=self.where)
        return baseline if baseline.sources else None, version

    def is_missing(self) -> bool:
        """Without reading it. Raises StoreError."""
        try:
            self._object.read(0)
        except NotFound:
            return True
        return False

    def make(self) -> None:
        """Stores an empty one: S3 denies a missing object to roles that may not list the bucket, and they may not."""
        with contextlib.suppress(AlreadyExists):
            empty = ServerBaseline(self._catalog.application, self._catalog.environment, secrets.token_hex(32))
            self._object.replace(server_baseline.written(empty), None)

    def replace(self, baseline: ServerBaseline, version: str) -> None:
        """Stores it in place of this version, or of nothing. Raises StoreError where another run was quicker."""
        content = server_baseline.written(baseline)
        packed = content if len(content) <= PLAIN else gzip.compress(content, mtime=0)
        if len(packed) > LIMIT or len(content) > LARGEST:
            raise StoreError(f"the baseline {self.where} would hold {len(packed):,} bytes, and at most {LIMIT:,} fit")
        try:
            self._object.replace(packed, version or None)
        except (AlreadyExists, Conflict):
            stored, _version = self.read()
            if stored and server_baseline.written(stored) == content:
                return  # a repeated request of ours, whose first answer was lost
            raise StoreError(
                f"another run wrote the baseline {self.where} meanwhile; run the same command again"
            ) from None


def _unpacked(content: bytes) -> bytes:
    """What cannot be unpacked is no baseline."""
    if not content.startswith(_MAGIC):
        return content
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(_GZIP).decompress(content, LARGEST)
    return b""


def baseline_of(catalog: Catalog, client: Callable[[str], Any]) -> Optional[BaselineStore]:
    """Of a catalog that names a journal, beside which the baseline lies."""
    return BaselineStore(client("s3"), catalog) if catalog.journal else None
