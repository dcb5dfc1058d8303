# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A leak response shows no value, old or new, in its output and reports, and to a callback that writes down all."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.integration.harness import Run
from tests.integration.leak_lab import leak_lab, newest_post_mortem, respond
from tests.integration.rotation_lab import RotationLab
from tests.integration.test_canary_rotation import Search

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def lab(connection: Mapping[str, Any]) -> Iterator[RotationLab]:
    with leak_lab(connection, hosts=1) as made:
        yield made


def test_no_value_is_anywhere_else(lab: RotationLab) -> None:
    """From a paste that holds an encoded URL, with evidence, every kind, sessions, a purge, and the post-mortem."""
    old = lab.ready()
    search = Search(lab)
    url = lab.content()["REDIS_URL"]
    path = lab.directory / "new-values.yml"  # the one file that may hold a value
    path.write_text(f"10:00:01 cannot reach {base64.b64encode(url.encode()).decode()}\n", encoding="utf-8")
    path.chmod(0o600)
    chosen = ("-vvvv", "--diff", "-e", f"leak_value_file={path}", "-e", "leak_credentials=django_key")

    def responded(variables: Mapping[str, str]) -> Run:
        return respond(lab, *chosen, environment=variables)

    run, hits = search.watched(responded)
    assert run.code == 0, run.output[-5000:]
    assert hits == []
    new = lab.values()
    values = {old.cache[1], new.cache[1], old.django_key, new.django_key}
    assert len(values) == 4
    assert values <= set(search.known)
    assert "contained in " in run.text
    assert "django_key" in newest_post_mortem(lab)
