# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files that nobody else may read."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ansible_collections.watchparty.secrets.plugins.module_utils._errors import NoAccess


def read_private(path: Path, what: str) -> str:
    """The text of a file that holds a secret. Raises NoAccess, in words without the text."""
    try:
        details = path.lstat()
        if not stat.S_ISREG(details.st_mode) or details.st_uid not in (os.geteuid(), 0) or details.st_mode & 0o077:
            raise NoAccess(f"{path}: must be a regular file of yours with mode 0600, since it holds {what}")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NoAccess(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise NoAccess(f"{path}: is no text") from None
