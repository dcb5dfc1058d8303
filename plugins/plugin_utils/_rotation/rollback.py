# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Rolls a rotation back and cleans up. Each act can be repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ansible_collections.watchparty.secrets.plugins.module_utils._core import credential_graph
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Place
from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import Conflict, NotFound, RotationError
from ansible_collections.watchparty.secrets.plugins.module_utils._core.journal import Journal, OpenRotation
from ansible_collections.watchparty.secrets.plugins.module_utils._core.readings import CURRENT, Contents
from ansible_collections.watchparty.secrets.plugins.module_utils._core.secret_json import updated
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.ids import Values, version_id
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.staging import Rotator


def undo(rotator: Rotator) -> list[str]:
    """Undoes the promotion and makes a late one fail. Keeps and reports other writers' changes.

    AWSCURRENT moves to an unchanged copy under a new id. AWS then refuses a late promotion, which may move it only from
    the planned version.
    """
    journal, rotation = rotator.mine()
    against = rotator.against_copies(rotation, {}) if rotation.promoted and not journal.incident else ""
    if against:
        raise RotationError(f"no rollback was made: {against}")
    with rotator.cleared_if_late(rotation):
        return _undone(rotator, rotation)


def _undone(rotator: Rotator, rotation: OpenRotation) -> list[str]:
    contents = rotator.old_contents(rotation)
    messages = []
    if rotation.promoted:  # parameters have no conditional write: a killed run's write must be visible
        rotator.secrets.settling.wait()
    for name, base in rotation.plan.get("secrets", {}).items():
        _move_back(rotator, rotation, contents, name, base)
    for name, number in rotation.plan.get("parameters", {}).items():
        messages += _send_back(rotator, rotation, contents, name, int(number))
    message = rotator.send_copies(rotation, {})[1] if rotation.promoted else ""
    return messages + ([message] if message else [])


def _move_back(rotator: Rotator, rotation: OpenRotation, contents: Contents, name: str, base: str) -> None:
    ours = rotator.ours(rotation, name)
    while True:
        current = rotator.secrets.describe(name).stages[CURRENT]
        if current in {version_id(rotation.id, name, "abort", suffix) for suffix in (base, *ours)}:
            return
        text: str | None = contents.readings[name].value
        if current not in (base, *ours):
            # Another rotation may have made it since this run was overtaken, and hold the same previous key as ours.
            rotator.mine()
            text = _without_ours(rotator, rotation, contents, name, current)
            if text is None:
                return  # another writer's version without our values
        copy = version_id(rotation.id, name, "abort", current)
        rotator.secrets.stage(name, str(text), version=copy, label=f"{rotation.id}-abort")
        try:
            rotator.secrets.promote(name, to=copy, instead_of=current)
        except Conflict:
            continue  # moved in between
        return


def _without_ours(rotator: Rotator, rotation: OpenRotation, contents: Contents, name: str, current: str) -> str | None:
    """Another writer's version without our new values. None if it holds none."""
    try:
        values = rotator.values(rotation)
    except NotFound:
        return None
    items = plan.items_of(rotation.plan)
    last = int(rotation.plan["phases"])
    new = plan.edits(rotator.catalog, items, contents, values.credentials, last)
    theirs = rotator.secrets.read_known([name], pins={name: current})
    text = theirs.readings[name].value
    changed = False
    for place, ours in new.items():
        former = credential_graph.text_at(contents, place)
        if place.name == name and credential_graph.text_at(theirs, place) == ours and former is not None:
            text = former if place.key is None else updated(text, place.key, former)
            changed = True
    for place, restored in _with_old_logins(rotator, items, contents, theirs, values).items():
        if place.name == name and new.get(place) != credential_graph.text_at(theirs, place):
            text = restored if place.key is None else updated(text, place.key, restored)
            changed = True
    return text if changed else None


def _with_old_logins(
    rotator: Rotator, items: Sequence[plan.Item], contents: Contents, theirs: Contents, values: Values
) -> credential_graph.Edits:
    """Edits that put the old login into another writer's text around the new one, such as a URL with other options."""
    edits: dict[Place, str] = {}
    for item in items:
        credential = rotator.catalog.credentials[item.credential]
        stored = credential_graph.find(rotator.catalog, credential, theirs)
        if item.act in plan.CHANGES and stored.login.password == values.credentials[item.credential].password:
            edits.update(stored.edits(credential_graph.find(rotator.catalog, credential, contents).login))
    return edits


def _send_back(rotator: Rotator, rotation: OpenRotation, contents: Contents, name: str, number: int) -> list[str]:
    former = contents.readings[name].value
    now = rotator.parameters.read([rotator.catalog.ssm_path]).readings.get(name)
    if now is None:
        return [f"parameter {name} no longer exists; create it again"]
    try:
        new = rotator.values(rotation).phases[-1][name]
    except NotFound:
        new = None
    if now.value not in (former, new):
        return [f"parameter {name} was changed by another writer (version {now.version}); that change was kept"]
    between = range(number + 1, int(now.version))
    if now.value != former:
        rotator.overwrite(name, former, instead_of=int(now.version), fresh=rotator.fresh())
    return _written_over(rotator, name, between, (former, new))


def _written_over(rotator: Rotator, name: str, versions: Iterable[int], ours: Sequence[str | None]) -> list[str]:
    """Messages about other writers' versions that a killed run's late request overwrote: AWS has no condition."""
    return [
        f"parameter {name}: a late request overwrote version {version} of another writer; that version is "
        f"kept as {name}:{version}"
        for version in versions
        for reading in rotator.parameters.read_known([], pins={name: str(version)}).readings.values()
        if reading.value not in ours
    ]


def tidy(rotator: Rotator) -> None:
    """Removes every label of this rotation, and its own secrets."""
    _journal, rotation = rotator.holding()
    rotator.clear(rotation)


def remembered(rotator: Rotator, journal: Journal) -> list[str]:
    """Names of ended rotations' own secrets."""
    catalog = rotator.catalog
    # A provider's value has a name below its rotation's, and no overlay; without parameters no overlay exists.
    overlaid = [name for name in journal.ended if "/" not in name] if catalog.reads_ssm else []
    logins = [f"{catalog.rotation_logins}/{name}" for name in journal.ended]
    return logins + [f"{catalog.rotation_secret}/{name}" for name in overlaid]


def left_late(contents: Contents, names: Sequence[str]) -> list[str]:
    """Secrets that exist nevertheless, made by a killed process's late request."""
    return [name for name in names if name in contents.readings]
