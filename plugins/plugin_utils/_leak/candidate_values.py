# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Every readable value of every credential, to compare with a leaked string."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import (
    Catalog,
    Credential,
    Place,
    labelled_names,
    numbered_names,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import NotFound, SecretsError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import (
    CURRENT,
    MISSING,
    PENDING,
    PREVIOUS,
    Contents,
    Reading,
)
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import Holdings
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import match_leaked_string
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak.match_leaked_string import CandidateValue, Match
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.setup import RotationSetup


@dataclass
class Candidates:
    """Values of credentials, the current one first, and places that could not be read."""

    known: list[CandidateValue] = field(default_factory=list, repr=False)
    unread: list[str] = field(default_factory=list)

    @property
    def distinct(self) -> list[CandidateValue]:
        """Each value once: one that several versions hold counts for the newest version."""
        return list(
            {
                (candidate_value.credential, candidate_value.value): candidate_value
                for candidate_value in reversed(self.known)
            }.values()
        )


def identified(setting: RotationSetup, text: str) -> tuple[list[Match], list[str]]:
    """The credentials whose values the text contains. Second: values that were not compared, and why.

    Versions without labels are many, and each costs a call, so they are read only if nothing else matches.
    """
    candidates = Candidates()
    _labelled(setting, candidates)
    histories(setting, setting.catalog.credentials.values(), candidates)
    matches = match_leaked_string.matches(text, candidates.distinct)
    if not matches:
        _unlabelled(setting, candidates)
        matches = match_leaked_string.matches(text, candidates.distinct)
    return matches, [*dict.fromkeys(candidates.unread), *match_leaked_string.too_short(candidates.known)]


def values_in(catalog: Catalog, contents: Contents, stage: str) -> Iterator[CandidateValue]:
    """Each credential's value in these contents, and a signing key's previous values."""
    for credential in catalog.credentials.values():
        for appearance in credential_graph.find(catalog, credential, contents).appearances:
            if appearance.login.password:
                yield CandidateValue(credential.name, stage, appearance.login.password, str(appearance.spot))
        listed = catalog.settings.get(credential.fallbacks or "")
        for place in credential_graph.fallback_places(catalog, credential):
            for key in filter(None, (Holdings(contents).value(place, listed) or "").split(",")):
                # In the current version it still verifies what it signed.
                still = credential.fallbacks if stage == CURRENT else None
                yield CandidateValue(credential.name, still or stage, key, f"{credential.fallbacks} ({place})")


def secrets_of(catalog: Catalog, credentials: Iterable[Credential]) -> list[str]:
    """Secrets that hold these credentials or their previous keys."""
    return list(labelled_names(_places(catalog, credentials)))


def parameters_of(catalog: Catalog, credentials: Iterable[Credential]) -> list[str]:
    """Parameters that hold these credentials or their previous keys."""
    return list(numbered_names(_places(catalog, credentials)))


def _places(catalog: Catalog, credentials: Iterable[Credential]) -> Iterator[Place]:
    for credential in credentials:
        yield from credential_graph.changed_places(catalog, credential)


def _labelled(setting: RotationSetup, candidates: Candidates) -> None:
    catalog, rotator = setting.catalog, setting.rotator
    credentials = list(catalog.credentials.values())
    names = secrets_of(catalog, credentials)
    for stage in (CURRENT, PENDING, PREVIOUS):
        now = stage == CURRENT
        contents = (
            setting.current(credentials) if now else rotator.secrets.read(names, stages=dict.fromkeys(names, stage))
        )
        candidates.unread += _failures(contents, labelled=not now)
        candidates.known += values_in(catalog, contents, stage)
        if stage == PENDING:
            _waiting(setting, candidates)


def _failures(contents: Contents, *, labelled: bool = False) -> Iterable[str]:
    """Places that could not be read. Most secrets have no version with the label, so its absence is no failure."""
    return [str(failure) for failure in contents.failures.values() if not (labelled and failure.reason == MISSING)]


def _waiting(setting: RotationSetup, candidates: Candidates) -> None:
    """Adds the new values of the open rotation: those of parameters are in no other place yet."""
    rotator = setting.rotator
    try:
        rotation = rotator.look().rotation
        if rotation is None:
            return
        try:
            logins = dict(rotator.values(rotation).credentials)
        except NotFound:
            logins = {}
        for item in rotation_plan.items_of(rotation.plan):
            login = logins.get(item.credential)
            if login is None and item.issued:
                login = rotator.issued(rotation).find(item.credential)
            if login and login.password and item.act in rotation_plan.CHANGES:
                where = f"secret {rotator.logins_secret(rotation)}"
                candidates.known.append(CandidateValue(item.credential, PENDING, login.password, where))
    except SecretsError as error:
        candidates.unread.append(str(error))


def histories(setting: RotationSetup, credentials: Iterable[Credential], candidates: Candidates) -> None:
    """Adds previous values of parameters, the newest first."""
    store, names = setting.rotator.parameters, parameters_of(setting.catalog, credentials)
    for name, history in zip(
        names, store.side_by_side([partial(_history, setting, name) for name in names]), strict=True
    ):
        if isinstance(history, str):
            candidates.unread.append(history)
            continue
        for reading in reversed(history):
            candidates.known += values_in(setting.catalog, Contents({name: reading}), f"version {reading.version}")


def _history(setting: RotationSetup, name: str) -> list[Reading] | str:
    """Every version of a parameter, or why the history cannot be read."""
    try:
        return setting.rotator.parameters.history(name)
    except NotFound:
        return []
    except SecretsError as error:
        return str(error)


def _unlabelled(setting: RotationSetup, candidates: Candidates) -> None:
    store = setting.rotator.secrets
    for name in secrets_of(setting.catalog, setting.catalog.credentials.values()):
        try:
            labelled = set(store.describe(name).stages.values())
            versions = [version for version in store.every_version(name) if version not in labelled]
        except NotFound:
            continue
        except SecretsError as error:
            candidates.unread.append(str(error))
            continue
        for version in reversed(versions):
            contents = store.read([name], pins={name: version})
            candidates.unread += [f"version {version} of {failure}" for failure in _failures(contents)]
            candidates.known += values_in(setting.catalog, contents, version)
