# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The registry of kinds.

A kind is a class in a file of this folder; no other file lists it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import yaml

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import CatalogError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible.paths import full_path
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import kind_declarations
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kind_declarations import Kind
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds import own
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import KindStages, stages_of


def registry() -> dict[str, type[KindStages]]:
    """Classes that declare a ``kind``, by its name."""
    return {acts.kind.name: acts for acts in sorted(_declared(), key=lambda acts: acts.kind.name)}


def _declared() -> Iterator[type[KindStages]]:
    for file in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{file.name}")
        for item in vars(module).values():
            if isinstance(item, type) and issubclass(item, KindStages) and "kind" in vars(item):
                yield item


BUILT_IN: Mapping[str, type[KindStages]] = registry()


def stages_for(kind: Kind) -> KindStages:
    return own.OwnKind(kind) if kind.folder else BUILT_IN[kind.name]()


def sessions_module(kind: str) -> str:
    """The module that lists sessions at a kind's server; empty if none does."""
    return BUILT_IN[kind].sessions if kind in BUILT_IN else ""


def ways_in(kind: str, *, compared: bool) -> tuple[str, str] | None:
    """The texts ``KindStages.ways_in`` of a kind, or ``KindStages.ways_in_compared``."""
    acts = BUILT_IN.get(kind, KindStages)
    return acts.ways_in_compared if compared else acts.ways_in


def load_kinds(paths: Sequence[str | Path]) -> dict[str, Kind]:
    """Built-in kinds, and those with a folder in ``paths``; a later kind replaces an earlier one. Raises
    CatalogError."""
    kinds = {name: replace(item.kind, stages=item.kind.stages or stages_of(item)) for name, item in BUILT_IN.items()}
    for path in [Path(full_path(str(path))) for path in paths]:
        if not path.is_dir():
            raise CatalogError([f"rotation_kinds_path: {path} is not a folder"])
        for folder in sorted(item for item in path.iterdir() if (item / "kind.yml").is_file()):
            kinds[folder.name] = _own(folder)
    return kinds


def _own(folder: Path) -> Kind:
    try:
        document = yaml.safe_load((folder / "kind.yml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CatalogError([f"{folder}/kind.yml: cannot be read: {error}"]) from None
    kind = kind_declarations.parse(folder.name, document, folder=str(folder))
    message = own.problem(folder) if kind.verbs else ""
    if message:
        raise CatalogError([message])
    return replace(kind, stages=tuple(own.STAGES[verb] for verb in kind.verbs if verb in own.STAGES))
