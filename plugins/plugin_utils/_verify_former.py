# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What former versions still open: what can be tried from the controller alone is tried here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.watchparty.secrets.plugins.module_utils import _journal
from ansible_collections.watchparty.secrets.plugins.module_utils._model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._stores.base import Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._verify import _former
from ansible_collections.watchparty.secrets.plugins.plugin_utils import _access_key, _former_tried
from ansible_collections.watchparty.secrets.plugins.plugin_utils._aws import AwsConnection


class Versions(NamedTuple):
    """What the stores hold now, what they held before, and the journal that tells of it."""

    now: Contents
    before: Contents
    journal: _journal.Journal

    def tries(self, catalog: Catalog) -> list[_former.Try]:
        """What can be tried, with values."""
        return _former.tries(catalog, self.now, self.before, self.journal)


def told(
    catalog: Catalog,
    read: Versions,
    values: Mapping[str, str],
    tries: list[_former.Try],
    connection: AwsConnection,
) -> dict[str, Any]:
    """State and words by credential."""
    found = _former.told(catalog, read.now, values, read.before, read.journal)
    for one in tries:
        if one.by == _former.BY_AWS:
            found[one.credential] = _former_tried.at_aws(_access_key.store(connection), one)
    return found
