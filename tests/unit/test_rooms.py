# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The house: which room may import which, what is pure, and what may travel to a host."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._host import mirror_function
from ansible_collections.watchparty.secrets.plugins.module_utils._host.pull import cli
from ansible_collections.watchparty.secrets.plugins.plugin_utils._ansible import program_bundle
from sandbox.process import REPOSITORY
from tests.hostile.programs import programs

PLUGINS = REPOSITORY / "plugins"
PREFIX = "ansible_collections.watchparty.secrets.plugins"
FLOORS: dict[str, tuple[str, ...]] = {
    "module_utils._core": (),
    "module_utils._stores": ("_core",),
    "module_utils._host": ("_core", "_stores"),
    "plugin_utils._ansible": ("_core", "_stores", "_host"),
    "plugin_utils._audit": ("_core", "_stores", "_host"),
    "plugin_utils._access": ("_core", "_stores", "_audit"),
    "plugin_utils._github": ("_core", "_stores", "_ansible"),
    "plugin_utils._scan": ("_core", "_stores", "_ansible"),
    "plugin_utils._rotation": ("_core", "_stores", "_host", "_ansible", "_audit", "_access", "_github"),
    "plugin_utils._leak": ("_core", "_stores", "_host", "_ansible", "_audit", "_access", "_github", "_rotation"),
    "plugin_utils._provision": ("_core", "_stores", "_ansible", "_audit", "_access", "_rotation"),
    "plugin_utils._verify": (
        *("_core", "_stores", "_host", "_ansible", "_audit", "_access", "_github", "_scan", "_rotation"),
    ),
}
"""Every room and what it imports. A new arrow is a line here, and points at a room further up in this table."""
MOST_ROOMS, MOST_FLOORS = 12, 7
KNOWS_ANSIBLE = {"_ansible", "_audit", "_github", "_leak", "_provision", "_rotation", "_scan", "_verify"}
"""Rooms with glue. All others import neither Ansible nor a collection of its."""
KNOWS_AWS = {
    "module_utils._host.mirror_function": "makes the Lambda function's own clients",
    "module_utils._host.pull.cli": "makes a host's own clients",
    "module_utils._stores.aws_errors": "AWS's errors become ours",
    "plugin_utils._ansible.aws_connection": "amazon.aws's options become clients",
    "plugin_utils._ansible.boto3_sessions": "reads what makes clients before Ansible forks",
}
"""Files that import boto3 or botocore, and why."""
LONGEST = 400
MOST_BRANCHES, MOST_CONDITIONAL_EXPRESSIONS = 24, 6
"""Of a function."""
LATE = {
    "plugin_utils._ansible.collection_metadata",
    "plugin_utils._rotation.kinds",
    "plugin_utils._verify.check",
}
"""Files that import modules by a name that they compute: collections, kinds and checks."""
TRAVELLING = {"module_utils._core.stores"}
"""Packages of which a file imports each file, on hosts too."""
REGISTRIES = {"plugin_utils/_rotation/kinds/__init__.py"}
"""Packages whose own file holds code."""


def files() -> list[Path]:
    return sorted(path for top in ("module_utils", "plugin_utils") for path in (PLUGINS / top).rglob("*.py"))


def name_of(path: Path) -> str:
    parts = path.relative_to(PLUGINS).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(name: str) -> str:
    return ".".join(name.split(".")[:2])


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path: Path) -> Iterator[str]:
    """Full names of what is imported anywhere in a file; of a ``from``, both the package and what is named of it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def graph() -> dict[str, frozenset[str]]:
    """Every file of the house, and the files of the house that it imports."""
    names = {name_of(path): path for path in files()}
    result: dict[str, frozenset[str]] = {}
    for name, path in names.items():
        ours = {name[len(PREFIX) + 1 :] for name in imports_of(path) if name.startswith(f"{PREFIX}.")}
        modules = {our for our in ours if our in names and not names[our].name.startswith("__init__")}
        packages = {our for our in ours & set(names) if str(names[our].relative_to(PLUGINS)) in REGISTRIES}
        whole = {package for package in packages if not any(other.startswith(f"{package}.") for other in modules)}
        result[name] = frozenset((modules | whole) - {name})
    return result


def arrows() -> set[tuple[str, str]]:
    return {
        (room_of(name), room_of(other))
        for name, others in graph().items()
        for other in others
        if room_of(name) != room_of(other)
    }


def floor_of(room: str) -> int:
    below = [floor for floor in FLOORS if floor.rpartition(".")[2] in FLOORS[room]]
    return 1 + max(map(floor_of, below), default=0)


def test_every_file_is_in_a_room() -> None:
    assert {room_of(name_of(path)) for path in files()} - set(FLOORS) == {"module_utils"}  # Ansible's own __init__
    assert not [
        path
        for top in ("module_utils", "plugin_utils")
        for path in (PLUGINS / top).glob("*.py")
        if path.stem != "__init__"
    ]


def test_the_table_points_one_way() -> None:
    rooms = [room.rpartition(".")[2] for room in FLOORS]
    assert len(rooms) <= MOST_ROOMS
    for at, imported in enumerate(FLOORS.values()):
        assert set(imported) <= set(rooms[:at]), f"{rooms[at]} imports a room that stands below it"
    assert max(map(floor_of, FLOORS)) <= MOST_FLOORS


def test_a_room_imports_what_the_table_says() -> None:
    """Neither a new arrow, nor one of the table that is gone."""
    result = {room: {other.rpartition(".")[2] for name, other in arrows() if name == room} for room in FLOORS}
    assert result == {room: set(imported) for room, imported in FLOORS.items()}


def test_what_may_run_on_a_host_imports_nothing_of_the_controller() -> None:
    wrong = [(name, other) for name, others in graph().items() for other in others if name.startswith("module_utils")]
    assert not [group for group in wrong if not group[1].startswith("module_utils")]


def test_no_room_imports_what_ansible_loads_by_name() -> None:
    entries = re.compile(rf"{re.escape(PREFIX)}\.(action|filter|lookup|modules)\b")
    assert not [name_of(path) for path in files() if any(map(entries.match, imports_of(path)))]


def test_no_two_files_import_each_other() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


def test_no_import_is_for_the_type_checker_alone() -> None:
    names = {path: {getattr(node, "id", "") for node in ast.walk(tree_of(path))} for path in files()}
    assert [name_of(path) for path, results in names.items() if "TYPE_CHECKING" in results] == []


def test_imports_by_a_computed_name_are_few() -> None:
    computed = {name_of(path) for path in files() if {"importlib", "importlib.import_module"} & set(imports_of(path))}
    assert {name for name in computed if name.startswith("plugin_utils")} == LATE


def test_ansible_is_known_only_in_rooms_with_glue() -> None:
    theirs = ("ansible.", "ansible_collections.amazon", "jinja2")
    knowing = [
        path for path in files() if any(name == "ansible" or name.startswith(theirs) for name in imports_of(path))
    ]
    rooms = {room_of(name_of(path)).rpartition(".")[2] for path in knowing if not _is_program(path)}
    assert rooms == KNOWS_ANSIBLE


def test_clients_are_handed_in() -> None:
    aws = ("boto3", "botocore")
    assert {name_of(path) for path in files() if any(name.split(".")[0] in aws for name in imports_of(path))} == set(
        KNOWS_AWS
    )


def test_a_file_can_be_read_in_one_go() -> None:
    tops = (PLUGINS, *(REPOSITORY / name for name in ("bench", "extensions", "sandbox", "scripts", "tests")))
    paths = [path for top in tops for path in top.rglob("*.py")]
    lines = {str(path.relative_to(REPOSITORY)): path.read_text(encoding="utf-8").count("\n") for path in paths}
    assert {name for name, count in lines.items() if count > LONGEST} == set()


def test_a_package_is_a_folder_with_plain_names_and_nothing_else() -> None:
    for path in files():
        inside = path.relative_to(PLUGINS)
        assert path.parent == PLUGINS / "plugin_utils" or (path.parent / "__init__.py").is_file(), inside
        assert not [part for part in inside.parts[2:] if part.startswith("_") and part != "__init__.py"], inside
        if path.name == "__init__.py" and str(inside) not in REGISTRIES:
            assert all(isinstance(node, ast.Expr) for node in tree_of(path).body), inside


def _is_program(path: Path) -> bool:
    """Whether a file runs on a host alone, where Ansible's module class is the small runtime's."""
    return path.stem.endswith(("main", "program")) and path.is_relative_to(PLUGINS / "module_utils" / "_host")


def closure(module: ModuleType) -> set[str]:
    """What a module imports of ours, as Python's own parser sees it."""
    names = {name_of(path): path for path in sorted(PLUGINS.rglob("*.py"))}
    waiting, results = [module.__name__[len(PREFIX) + 1 :]], set()
    while waiting:
        name = waiting.pop()
        if name in TRAVELLING:
            waiting += [other for other in names if other.startswith(f"{name}.")]
        if name in results or name not in names or names[name].name == "__init__.py":
            continue
        results.add(name)
        waiting += [text[len(PREFIX) + 1 :] for text in imports_of(names[name]) if text.startswith(f"{PREFIX}.")]
    return {f"{PREFIX}.{name}" for name in results}


@pytest.mark.parametrize(
    "program", [*programs(), cli, mirror_function], ids=lambda item: item.__name__[len(PREFIX) + 1 :]
)
def test_what_travels_is_what_is_imported(program: ModuleType) -> None:
    sent = set(program_bundle.sources(program))
    assert sent == closure(program)
    assert all(name.startswith(f"{PREFIX}.module_utils.") for name in sent - {program.__name__})


def test_a_class_name_names_one_class() -> None:
    """But for the names that Ansible prescribes."""
    prescribed = {"ActionModule", "CallbackModule", "FilterModule", "LookupModule", "ModuleDocFragment"}
    names = Counter(
        node.name
        for top in (PLUGINS, REPOSITORY / "scripts" / "commands")
        for path in top.rglob("*.py")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and node.name not in prescribed
    )
    assert {name for name, count in names.items() if count > 1} == set()


def functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in sorted(PLUGINS.rglob("*.py")):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef):
                yield f"{name_of(path)}.{node.name}", node


def branches_of(function: ast.FunctionDef) -> int:
    """Branches, those inside expressions too, which the linter's complexity leaves out."""
    nodes = list(ast.walk(function))
    statements = sum(isinstance(node, (ast.If, ast.For, ast.While, ast.ExceptHandler, ast.IfExp)) for node in nodes)
    operands = sum(len(node.values) - 1 for node in nodes if isinstance(node, ast.BoolOp))
    return statements + operands + sum(len(node.ifs) for node in nodes if isinstance(node, ast.comprehension))


def test_a_function_decides_little() -> None:
    assert {name for name, function in functions() if branches_of(function) > MOST_BRANCHES} == set()


def test_a_function_has_few_conditional_expressions() -> None:
    names = {
        name
        for name, function in functions()
        if sum(isinstance(node, ast.IfExp) for node in ast.walk(function)) > MOST_CONDITIONAL_EXPRESSIONS
    }
    assert names == set()
