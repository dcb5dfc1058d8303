# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The baseline of an environment's servers as a store: one S3 object beside the journal, with conditional writes."""

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
"""Bytes that the object may hold."""
PLAIN, LARGEST = 1 << 20, 256 << 20
"""Bytes up to which a baseline is stored uncompressed, and bytes that a compressed one may unpack to."""
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class BaselineStore:
    def __init__(self, client: Any, catalog: Catalog) -> None:
        self._object = S3Object(client, catalog, catalog.baseline_place, "application/json")
        self._catalog, self.where = catalog, self._object.where

    def read(self) -> Tuple[Optional[ServerBaseline], str]:
        """The baseline and its version. The baseline is None if nothing was recorded. Raises StoreError."""
        try:
            content, version = self._object.read(LIMIT)
        except NotFound:
            return None, ""
        except Denied as error:  # S3 also denies a missing object, to a role that may not list the bucket
            raise Denied(
                f"the baseline {self.where} cannot be read; allow s3:GetObject on it. If it does not exist, create it "
                f"by ansible-playbook watchparty.secrets.provision ({error.detail})",
                error.detail,
            ) from None
        named = (self._catalog.application, self._catalog.environment)
        baseline = server_baseline.parsed(_unpacked(content), *named, where=self.where)
        return baseline if baseline.sources else None, version

    def is_missing(self) -> bool:
        """Whether the object does not exist. Reads one byte of it. Raises StoreError."""
        try:
            self._object.read(0)
        except NotFound:
            return True
        return False

    def make(self) -> None:
        """Stores an empty baseline, because S3 denies a missing object to roles that may not list the bucket."""
        with contextlib.suppress(AlreadyExists):
            empty = ServerBaseline(self._catalog.application, self._catalog.environment, secrets.token_hex(32))
            self._object.replace(server_baseline.written(empty), None)

    def replace(self, baseline: ServerBaseline, version: str) -> None:
        """Replaces this version; empty stands for no object. Raises StoreError if another run wrote meanwhile."""
        content = server_baseline.written(baseline)
        packed = content if len(content) <= PLAIN else gzip.compress(content, mtime=0)
        if len(packed) > LIMIT or len(content) > LARGEST:
            raise StoreError(f"the baseline {self.where} would hold {len(packed):,} bytes, and at most {LIMIT:,} fit")
        try:
            self._object.replace(packed, version or None)
        except (AlreadyExists, Conflict):
            stored, _version = self.read()
            if stored and server_baseline.written(stored) == content:
                return  # the first answer to this write was lost
            raise StoreError(
                f"another run wrote the baseline {self.where} meanwhile; run the same command again"
            ) from None


def _unpacked(content: bytes) -> bytes:
    """The unpacked content. Empty if it cannot be unpacked."""
    if not content.startswith(_MAGIC):
        return content
    with contextlib.suppress(zlib.error):
        return zlib.decompressobj(_GZIP).decompress(content, LARGEST)
    return b""


def baseline_of(catalog: Catalog, client: Callable[[str], Any]) -> Optional[BaselineStore]:
    """The baseline beside the journal. None if the catalog names no journal."""
    return BaselineStore(client("s3"), catalog) if catalog.journal else None
