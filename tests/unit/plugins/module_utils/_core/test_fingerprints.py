# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What tells whether two values are equal. Those of SSH keys are compared with ssh-keygen in test_authorized_keys."""

from __future__ import annotations

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core import fingerprints


def test_it_depends_on_key_name_and_value() -> None:
    known = {
        fingerprints.of_value(key, value, name=name)
        for key, name, value in (("k", "A", "v"), ("l", "A", "v"), ("k", "B", "v"), ("k", "A", "w"), ("k", "", "A\0v"))
    }
    assert len(known) == 4 + 1
    assert all(len(one) == 64 for one in known)


def test_text_and_bytes_are_the_same_key() -> None:
    short = fingerprints.of_value(b"k", "v", digits=fingerprints.SHORT)
    assert fingerprints.of_value("k", "v").startswith(short)
    assert len(short) == fingerprints.SHORT


@pytest.mark.parametrize("value", ["", "\udcff", "ä", "0"])
def test_every_value_has_one(value: str) -> None:
    """What a file or JSON may bring is not a reason to fail."""
    assert fingerprints.of_value("k", value) != fingerprints.of_value("k", value + "x")
