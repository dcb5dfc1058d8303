# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kind, a check and a scan source are one file each; a store, and a kind with a server, two.

A dummy of each is used, and nothing else knows it. CONTRIBUTING.md has the steps.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import SecretsError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._leak import evidence
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import kinds, plan_text
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation import plan as rotation_plan
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.kinds.base import Part
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan import RotationRequest
from ansible_collections.watchparty.secrets.plugins.plugin_utils._rotation.plan_inputs import PlanInputs
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import request as scan_request
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan import sources as scan_sources
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.needles import Live, needles_for
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan import Scanning, finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.scan_report import Finding
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.sources import Target
from ansible_collections.watchparty.secrets.plugins.plugin_utils._scan.stream_search import Spots
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import checks as verify_checks
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import sarif as verify_sarif
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from sandbox.process import REPOSITORY
from tests.unit.plugins.plugin_utils._rotation.plan_ground import made_ground
from tests.unit.plugins.plugin_utils._verify.verify_facts import facts

FOLDER_STORE = REPOSITORY / "tests" / "fakes" / "folder_store.py"
PLUGINS = "ansible_collections.watchparty.secrets.plugins"


def put_beside(package: ModuleType, name: str, text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A further file of that package, in a folder of the test's."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    # So that after the test neither the module nor the package's attribute is left.
    monkeypatch.setattr(package, name, None, raising=False)
    monkeypatch.setitem(sys.modules, f"{package.__name__}.{name}", ModuleType(name))
    del sys.modules[f"{package.__name__}.{name}"]


class Copy:
    """A copy of the plugins, and what programs that use it print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plugins = folder.joinpath(*PLUGINS.split("."))
        shutil.copytree(REPOSITORY / "plugins", self.plugins, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPOSITORY / "meta", self.plugins.parent / "meta")

    def write(self, path: str, text: str) -> None:
        assert not (self.plugins / path).exists()
        (self.plugins / path).write_text(text, encoding="utf-8")

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.plugins / path).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (self.plugins / path).write_text(text.replace(old, new), encoding="utf-8")

    def run(self, program: str, *arguments: str | Path) -> list[str]:
        command = [sys.executable, "-c", program, *arguments]
        environment = {**os.environ, "PYTHONPATH": str(self.folder)}
        run = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        return run.stdout.splitlines()


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path / "copy")


class TestKind:
    TEXT = f"""
from {PLUGINS}.plugin_utils._rotation.kind_declarations import Kind
from {PLUGINS}.plugin_utils._rotation.kinds.base import KindStages

class Mailbox(KindStages):
    kind = Kind("mailbox", "A login of a mail server.", length=48, revokes_each=True)
    sessions = "mailbox"
    ways_in = ("forwarding of {{}}{{}}", "drafts of {{}}")

    def set(self, part):
        return {{"message": f"{{part.name}} is set"}}

    def revoke(self, part):
        return {{"message": f"{{part.name}} is revoked"}}
"""

    @pytest.fixture
    def _mailbox(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put_beside(kinds, "mailbox", self.TEXT, tmp_path, monkeypatch)
        monkeypatch.setattr(kinds, "BUILT_IN", kinds.registry())

    def ground(self) -> PlanInputs:
        ground = made_ground(credentials={"token": {"kind": "mailbox"}})
        return replace(ground, kinds=kinds.load_kinds([]))

    def test_without_its_file_it_is_refused(self) -> None:
        plan = rotation_plan.plan(self.ground(), RotationRequest(("token",)))
        assert not plan.items
        assert "kind mailbox does not exist" in plan.refused["token"]

    @pytest.mark.usefixtures("_mailbox")
    def test_it_is_planned_and_reported(self) -> None:
        ground = self.ground()
        plan = rotation_plan.plan(ground, RotationRequest(("token",)))
        assert [(item.credential, item.kind, item.act) for item in plan.items] == [("token", "mailbox", "rotate")]
        lines = plan_text.summary(plan_text.described(ground.catalog, plan, ["web1"]))
        assert any(line.startswith("token (mailbox) rotates") for line in lines)

    @pytest.mark.usefixtures("_mailbox")
    def test_its_stages_are_carried_out(self) -> None:
        kind = kinds.load_kinds([])["mailbox"]
        assert kind.stages == ("set", "revoke")
        part = Part(None, None, {"name": "token"})  # type: ignore[arg-type]
        answers = kinds.stages_for(kind).carry_out([("set", part), ("revoke", part)])
        assert answers == [{"message": "token is set"}, {"message": "token is revoked"}]

    @pytest.mark.usefixtures("_mailbox")
    def test_a_leak_response_asks_its_server(self) -> None:
        assert kinds.ways_in("mailbox", compared=False) == ("forwarding of {}{}", "drafts of {}")

        class Server:
            def run(self, module: str, **options: Any) -> dict[str, Any]:
                return {"sessions": [f"{module} {options['credential']}"]}

        credentials = [{"name": name, "kind": name} for name in ("mailbox", "external")]
        monday = 4102444800.0  # in the year 2100: more than enough time
        answers = evidence.sessions(Server(), None, credentials, monday)  # type: ignore[arg-type]
        assert answers == [{"name": "mailbox", "sessions": ["mailbox mailbox"]}]


class TestStore:
    """What the catalog says of it is read where nothing may read a store, so a store is two files."""

    DECLARATION = f"""
from pathlib import Path
from {PLUGINS}.module_utils._core.catalog_schema_parts import NAME, schema_object
from {PLUGINS}.module_utils._core.store_declaration import CatalogSection, StoreTraits

STORE = StoreTraits(
    "folder", "document", "folder:", has_labels=True, has_keys=True, is_listed=False,
    section=CatalogSection(
        "A folder of documents.", schema_object({{"path": NAME}}), "{{path: …}}", "The document has this name.", NAME,
        problems=lambda raw: (), place_problems=lambda name, key: (), parsed=lambda raw: Path(raw["path"]),
        code="folder_store:FolderStore",
    ),
)
"""
    USE = f"""
import sys
from {PLUGINS}.module_utils._core import catalog_parser
from {PLUGINS}.module_utils._stores import environment_reader, secret_stores
from {PLUGINS}.plugin_utils._ansible.aws_connection import AwsConnection, suit
from {PLUGINS}.plugin_utils._provision.making_stores import making_stores

document = {{
    "application": "shop",
    "stores": {{"folder": {{"path": sys.argv[1]}}}},
    "settings": {{"TOKEN": {{"folder": "{{environment}}-mail", "required": True}}}},
}}
catalog = catalog_parser.parse(document, "test")
connection = AwsConnection("name", {{}})
suit(connection, catalog)
store = secret_stores.secret_stores(connection.store_client)
store.create("folder:test-mail", '{{"TOKEN": "first"}}', version="1")
request = environment_reader.ReadRequest(document, "test", journal="ignored")

def deployed():
    return environment_reader.read(request, catalog, connection.store_client).resolution.require().values

print(deployed())
store.stage("folder:test-mail", '{{"TOKEN": "second"}}', version="2", label="WAITING")
store.promote("folder:test-mail", to="2", instead_of="1")
print(deployed(), making_stores(connection.store_client).describe("folder:test-mail").stages)
"""

    def test_it_is_declared_read_and_written(self, copy: Copy, tmp_path: Path) -> None:
        copy.write("module_utils/_core/stores/folder.py", self.DECLARATION)
        copy.write("module_utils/_stores/folder_store.py", FOLDER_STORE.read_text(encoding="utf-8"))
        (tmp_path / "documents").mkdir()
        assert copy.run(self.USE, tmp_path / "documents") == [
            "{'TOKEN': 'first'}",
            "{'TOKEN': 'second'} {'WAITING': '2', 'AWSPREVIOUS': '1', 'AWSCURRENT': '2'}",
        ]


class TestKindWithServer:
    """Decisions in _core need to know the server, and import no kind: its line there is the second file."""

    USE = f"""
from {PLUGINS}.module_utils._core import catalog_parser, kind_names
from {PLUGINS}.plugin_utils._rotation import kinds
from {PLUGINS}.plugin_utils._verify import previous_values

credential = {{"kind": "mailbox", "appears_in": [{{"setting": "TOKEN"}}], "admin": "root"}}
document = {{
    "application": "shop", "settings": {{"TOKEN": {{"group": "mail"}}}},
    "credentials": {{"token": credential, "root": {{**credential, "server": {{"address": "db:1"}}}}}},
}}
print(kinds.load_kinds([])["mailbox"].stages, kind_names.usual_port("mailbox"))
print(previous_values.at_servers(catalog_parser.parse(document, "test").credentials["token"]))
"""

    def test_it_is_one_file_and_one_line(self, copy: Copy) -> None:
        copy.write("plugin_utils/_rotation/kinds/mailbox.py", TestKind.TEXT)
        copy.edit("module_utils/_core/kind_names.py", "ENGINES = {\n", 'ENGINES = {\n    "mailbox": POSTGRESQL,\n')
        assert copy.run(self.USE) == ["('set', 'revoke') 5432", "True"]


NAMESAKES = (
    ("plugin_utils/_rotation/context.py", "ssh_key"),  # the form of a value that is generated
    ("plugin_utils/_rotation/kind_declarations.py", "ssh_key"),
    ("plugin_utils/_rotation/kinds/ssh_key.py", "ssh_key"),
    ("plugin_utils/_rotation/kinds/elasticache_auth_token.py", "elasticache_auth_token"),  # the module of that name
    ("plugin_utils/_rotation/kinds/valkey_user.py", "valkey_user"),
    ("plugin_utils/_scan/sarif.py", "external"),  # a word of SARIF
)
"""Texts that are a kind's name, and name something else."""


def test_a_kinds_name_stands_in_one_place() -> None:
    plugins = REPOSITORY / "plugins"
    result: list[tuple[str, str]] = []
    for top in ("module_utils", "plugin_utils", "action", "filter", "lookup"):
        for path in (plugins / top).rglob("*.py"):
            nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            names = [node.value for node in nodes if isinstance(node, ast.Constant) and node.value in kinds.BUILT_IN]
            result += [(str(path.relative_to(plugins)), str(name)) for name in names]
    for namesake in NAMESAKES:
        result.remove(namesake)
    assert sorted(name for _path, name in result) == sorted(kinds.BUILT_IN), sorted(result)


class TestCheck:
    TEXT = f"""
from {PLUGINS}.plugin_utils._verify.check import Check, bad

def look(facts):
    yield bad(facts.catalog.application + " keeps bees", "garden")

TEXTS = ("WPS999", "bees", "garden", "low", "Nobody keeps bees", "They sting.", "Move.")
CHECK = Check(*TEXTS, look, command="mv bees", needs=("bees",))
"""

    @pytest.fixture
    def _bees(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        put_beside(verify_checks, "wps999_bees", self.TEXT, tmp_path, monkeypatch)

    def test_without_its_file_it_cannot_be_chosen(self) -> None:
        with pytest.raises(SecretsError, match="no check is called wps999"):
            verify_check.chosen(["WPS999"])

    @pytest.mark.usefixtures("_bees")
    @pytest.mark.parametrize("word", ["WPS999", "bees", "garden"])
    def test_it_is_chosen_run_and_reported(self, word: str) -> None:
        chosen = verify_check.chosen([word])
        assert verify_check.needed(chosen) == ("bees",)
        report = verify_table.data(facts(), verify_check.run_checks(chosen, facts()), [])
        (row,) = report["checks"]
        assert (row["id"], row["status"], row["outcomes"][0]["message"]) == ("WPS999", "fail", "watchparty keeps bees")
        assert any("Nobody keeps bees" in line for line, _colour in verify_table.table(report))
        assert [rule["id"] for rule in verify_sarif.log(report)["runs"][0]["tool"]["driver"]["rules"]] == ["WPS999"]

    @pytest.mark.usefixtures("_bees")
    def test_it_is_one_of_all(self) -> None:
        assert "WPS999" in [check.id for check in verify_check.chosen([])]


class Notes:
    """A scan source: one note, which is the name that the option gives."""

    closed: list[str] = []

    def __init__(self, path: str) -> None:
        self.path = path

    def __call__(self, scanning: Scanning) -> Iterator[Finding]:
        spots = Spots(scanning.searcher.in_stream(BytesIO(self.path.encode()).read))
        for match in scanning.found(spots):
            yield finding(match, source="notes", path="note 1")

    def close(self) -> None:
        self.closed.append(self.path)


class TestSource:
    VALUE = "Zr8-canary-of-a-note-4"

    @pytest.fixture
    def request_module(self, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
        """The request, loaded after the source was declared."""
        monkeypatch.setitem(scan_sources.TARGETS, "notes", Target(lambda path, _scope: Notes(path)))  # type: ignore[arg-type]
        spec = importlib.util.spec_from_file_location("request_with_notes", str(scan_request.__file__))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)
        spec.loader.exec_module(module)
        monkeypatch.setattr(module, "_sought", lambda *_: (needles_for([Live("TOKEN", "current", self.VALUE)]), []))
        monkeypatch.setattr(Notes, "closed", [])
        return module

    def arguments(self, options: dict[str, Any], **given: Any) -> dict[str, Any]:
        defaults = {name: option.get("default") for name, option in options.items()}
        return {**defaults, "catalog": {"application": "app"}, "environment": "test", "patterns": "none", **given}

    def test_it_is_an_option_is_scanned_and_closed(self, request_module: ModuleType) -> None:
        assert request_module.OPTIONS["notes"] == request_module.OPTIONS["paths"]
        note = f"the token is {self.VALUE}"
        arguments = self.arguments(request_module.OPTIONS, notes=["nothing", note])
        report = request_module.scanned(request_module.parse(arguments), arguments)
        assert [(item.rule, item.source, item.path) for item in report.findings] == [("TOKEN", "notes", "note 1")]
        assert sorted(Notes.closed) == ["nothing", note]

    def test_where_nothing_is_named_it_is_offered(self, request_module: ModuleType) -> None:
        with pytest.raises(SecretsError, match=r"options repositories, staged, paths, streams, notes\)"):
            request_module.parse(self.arguments(request_module.OPTIONS))
