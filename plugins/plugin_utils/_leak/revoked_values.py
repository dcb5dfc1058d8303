# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Replaced values, and every secret version that holds one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import zip_longest
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import redaction
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, Contents
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import candidate_values, match_leaked_string
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.match_leaked_string import CandidateValue
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup

Versions = Mapping[str, Sequence[str]]
"""Version ids by secret."""


def dead(setting: RotationSetup, credentials: Sequence[str], secrets: Versions) -> dict[str, list[str]]:
    """Values by credential in these versions and in the history of parameters, without values in use."""
    chosen = setting.chosen(credentials)
    former = candidate_values.Candidates()
    for contents in setting.rotator.secrets.side_by_side(list(_reads(setting, secrets))):
        former.known += candidate_values.values_in(setting.catalog, contents, "")
    candidate_values.histories(setting, chosen, former)
    now = candidate_values.values_in(setting.catalog, setting.current(chosen), "")
    in_use = {(candidate_value.credential, candidate_value.value) for candidate_value in now}
    values: dict[str, dict[str, None]] = {credential.name: {} for credential in chosen}
    for candidate_value in former.known:
        if candidate_value.credential in values and (candidate_value.credential, candidate_value.value) not in in_use:
            values[candidate_value.credential][candidate_value.value] = None
    return {name: list(texts) for name, texts in values.items()}


@dataclass(frozen=True)
class Searchable:
    """Revoked values to search hosts for."""

    dead: Mapping[str, Sequence[str]] = field(repr=False)
    """Values by credential."""
    unread: Sequence[str]
    """Credentials without such values."""


def searchable(setting: RotationSetup, credentials: Sequence[str], secrets: Versions) -> Searchable:
    """Values of :func:`dead` that are long enough to distinguish them from other text."""
    result = dead(setting, credentials, secrets)
    long = {name: [text for text in texts if len(text) >= redaction.SHORTEST] for name, texts in result.items()}
    return Searchable(
        {name: texts for name, texts in long.items() if texts},
        [name for name in credentials if not long.get(name)],
    )


def _reads(setting: RotationSetup, secrets: Versions) -> Iterator[Callable[[], Contents]]:
    """Functions that read the first version of every secret, then each second version, and so on."""
    for row in zip_longest(*secrets.values()):
        pins = {name: version for name, version in zip(secrets, row, strict=True) if version}
        yield partial(setting.rotator.secrets.read, list(pins), pins=pins)


def holders(
    setting: RotationSetup,
    journal: Journal,
    secrets: Versions,
    values: Mapping[str, Sequence[str]],
    denied: Callable[[str], set[str]],
) -> tuple[dict[str, list[str]], list[str]]:
    """The given versions, and other versions of the same secrets that hold a revoked value of ``values``.

    Also returns lines on unchecked versions. ``denied`` returns versions of a secret that are already denied. They stay
    denied and cannot be read.
    """
    result = {name: list(versions) for name, versions in secrets.items()}
    if not any(values.values()):
        return result, []
    looks = [partial(_more, setting, journal, name, result[name], values, denied) for name in result]
    each = setting.rotator.secrets.side_by_side(looks)
    extra = {name: [*result[name], *versions] for name, (versions, _problems) in zip(result, each, strict=True)}
    return extra, [line for _versions, problems in each for line in problems]


def _more(
    setting: RotationSetup,
    journal: Journal,
    name: str,
    known: Sequence[str],
    values: Mapping[str, Sequence[str]],
    denied: Callable[[str], set[str]],
) -> tuple[list[str], list[str]]:
    """Further versions of a secret that hold any of these values, and lines on unchecked versions."""
    try:
        others = _others(setting, name, {*known, *denied(name)})
    except NotFound:  # the scrub reports it
        return [], []
    except SecretsError as error:
        return [], [f"other versions of secret {name} were not checked: {error}"]
    needed = _needed(setting, journal, name)
    versions, problems = [], []
    for version in others:
        contents = setting.rotator.secrets.read([name], pins={name: version})
        for failure in contents.failures.values():
            problems.append(f"version {version} of {failure}; it is unknown whether it holds a leaked value")
        if not _holds(setting.catalog, contents, values):
            continue
        if version in needed:
            problems.append(
                f"version {version} of {name} may hold a leaked value, and the open rotation still needs that version"
            )
        else:
            versions.append(version)
    return versions, problems


def _others(setting: RotationSetup, name: str, but: set[str]) -> list[str]:
    """The secret's versions except ``but`` and the current one."""
    store = setting.rotator.secrets
    current = store.describe(name).stages.get(CURRENT)
    return [version for version in store.every_version(name) if version not in but and version != current]


def _needed(setting: RotationSetup, journal: Journal, name: str) -> set[str]:
    """Versions that the open rotation reads or rolls back to."""
    rotation = journal.rotation
    if rotation is None:
        return set()
    named = {rotation.secrets.get(name), rotation.plan.get("secrets", {}).get(name)}
    return {*setting.rotator.ours(rotation, name), *filter(None, named)}


def _holds(catalog: Catalog, contents: Contents, values: Mapping[str, Sequence[str]]) -> bool:
    """Whether any text contains a revoked value. A short value counts only at its credential's location."""
    known = [CandidateValue(name, "", value) for name, texts in values.items() for value in texts]
    texts = [reading.value for reading in contents.readings.values()]
    if any(match_leaked_string.matches(text, known) for text in texts):
        return True
    return any(
        candidate_value.value in values.get(candidate_value.credential, ())
        for candidate_value in candidate_values.values_in(catalog, contents, "")
    )


def by_secret(secrets: Mapping[str, Any]) -> dict[str, list[str]]:
    """Version ids by secret. A single id may replace a list."""
    return {name: [text] if isinstance(text, str) else list(text) for name, text in secrets.items()}
