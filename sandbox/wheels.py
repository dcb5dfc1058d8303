# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wheels of installed packages, made without a network, for hosts of this kind without an index."""

from __future__ import annotations

import zipfile
from importlib.metadata import distribution
from pathlib import Path

NOT_IN_WHEELS = ("INSTALLER", "REQUESTED", "RECORD", "direct_url.json")


def make_wheels(name: str, directory: Path) -> list[str]:
    """Makes wheels of a package and its dependencies. Returns their names and versions."""
    from packaging.requirements import Requirement

    directory.mkdir(parents=True, exist_ok=True)
    made: dict[str, str] = {}
    waiting = [name]
    while waiting:
        result = distribution(waiting.pop())
        project = result.metadata["Name"]
        if project not in made:
            made[project] = _wheel(project, directory)
            needs = [Requirement(line) for line in result.requires or []]
            waiting += [need.name for need in needs if not need.marker or need.marker.evaluate({"extra": ""})]
    return [f"{project}=={version}" for project, version in made.items()]


def _wheel(project: str, directory: Path) -> str:
    result = distribution(project)
    tag = (result.read_text("WHEEL") or "").rpartition("Tag: ")[2].strip()
    kept = [
        path
        for path in result.files or []
        if ".." not in path.parts and path.suffix != ".pyc" and path.name not in NOT_IN_WHEELS
    ]
    stem = f"{project.replace('-', '_').replace('.', '_')}-{result.version}"
    folder = next(path.parts[0] for path in kept if path.parts[0].endswith(".dist-info"))
    with zipfile.ZipFile(directory / f"{stem}-{tag}.whl", "w", zipfile.ZIP_DEFLATED) as archive:
        for path in kept:
            archive.write(str(result.locate_file(path)), str(path))
        archive.writestr(f"{folder}/RECORD", "".join(f"{path},,\n" for path in kept) + f"{folder}/RECORD,,\n")
    return result.version
