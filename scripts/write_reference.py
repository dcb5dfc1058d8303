#!/usr/bin/env python3
# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Writes docs/reference/ from the plugins' documentation, the roles' argument specs, the checks and the schema.

With --check: writes nothing, and exits 1 if a page is stale.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from antsibull_docs_parser import dom
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parent.parent
OURS = "watchparty.secrets."
WIDTH_OF_DEFAULT = 60
MOST_INLINE = 3
"""Limit of an option's paragraphs in one list item. If there are more, each is an item."""
HEAD = "<!-- Written by scripts/write_reference.py. Change the source that the page names. -->\n"
AMAZON = "the options of `amazon.aws` for credentials and region (`profile`, `region`, `access_key` and so on)"
INTERNAL = "Internal; do not set."
Doc = Mapping[str, Any]


# --- Ansible's markup as Markdown -----------------------------------------------------------------------------------


def markdown(text: Any) -> str:
    """A text, or a list of texts, each a paragraph."""
    paragraphs = [text] if isinstance(text, str) else text or []
    return "\n\n".join(
        linked("".join(map(_part, parse(paragraph, Context(), errors="exception")[0]))) for paragraph in paragraphs
    )


def linked(text: str) -> str:
    """The text with links to the pages that it names by path."""
    return re.sub(r"(?<![\w/])docs/((?:[\w-]+/)*([\w-]+)\.md)", r"[\2](../\1)", text)


def _part(part: dom.AnyPart) -> str:
    if isinstance(part, dom.ModulePart):
        return plugin_link(part.fqcn, "module")
    if isinstance(part, dom.PluginPart):
        return plugin_link(part.plugin.fqcn, part.plugin.type)
    if isinstance(part, (dom.OptionNamePart, dom.ReturnValuePart)):
        of = f" of {plugin_link(part.plugin.fqcn, part.plugin.type)}" if part.plugin else ""
        return f"`{part.name}`{of}" if part.value is None else f"`{part.name}={part.value}`{of}"
    if isinstance(part, dom.OptionValuePart):
        return f"`{part.value}`"
    if isinstance(part, (dom.CodePart, dom.EnvVariablePart)):
        return f"`{part.text if isinstance(part, dom.CodePart) else part.name}`"
    if isinstance(part, dom.LinkPart):
        return f"[{part.text}]({part.url})"
    if isinstance(part, dom.URLPart):
        return f"<{part.url}>"
    if isinstance(part, (dom.BoldPart, dom.ItalicPart)):
        return f"*{part.text}*"
    return " ".join(str(getattr(part, "text", "")).split(" "))


def plugin_link(name: str, kind: str) -> str:
    short = name.removeprefix(OURS)
    return f"[{short}]({kind}s.md#{short})" if name.startswith(OURS) else f"`{name}`"


# --- options and return values --------------------------------------------------------------------------------------


def entries(options: Mapping[str, Doc], extra: Mapping[str, str] | None = None, indent: str = "") -> str:
    """List items for options or return values, with indented suboptions."""
    return "".join(_entry(name, option, extra or {}, indent) for name, option in options.items())


def _entry(name: str, option: Doc, extra: Mapping[str, str], indent: str) -> str:
    paragraphs = markdown(option.get("description", "")).split("\n\n")
    separator = f"\n{indent}  - " if len(paragraphs) > MOST_INLINE else " "
    text = separator.join(["" if separator != " " else paragraphs.pop(0), *paragraphs]).removeprefix(" ")
    message = f" On the command line: `-e {extra[name]}=…`." if name in extra and extra[name] not in text else ""
    below = option.get("options") or option.get("suboptions") or option.get("contains") or {}
    return (
        f"{indent}- `{name}` ({_traits(option)}): {text}{message}".replace(": \n", ":\n")
        + "\n"
        + entries(below, indent=indent + "  ")
    )


def _traits(option: Doc) -> str:
    kind = option.get("type", "str")
    traits = [f"{kind} of {option['elements']}" if "elements" in option else kind]
    if option.get("required"):
        traits.append("required")
    if option.get("choices"):
        traits.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    default = option.get("default")
    if default not in (None, [], {}, ""):
        traits.append(f"default `{_shown(default)}`")
    return ", ".join(traits)


def _shown(value: Any) -> str:
    text = json.dumps(value) if not isinstance(value, str) else value
    return text if len(text) <= WIDTH_OF_DEFAULT else text[:WIDTH_OF_DEFAULT] + "…"


def block(title: str, text: str) -> str:
    return f"**{title}**\n\n{text}" if text else ""


# --- plugins --------------------------------------------------------------------------------------------------------


@cache
def strings(path: Path) -> dict[str, Any]:
    """DOCUMENTATION, EXAMPLES and RETURN of a plugin, or of a filter's YAML file."""
    if path.suffix == ".yml":
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    result: dict[str, Any] = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name in ("DOCUMENTATION", "EXAMPLES", "RETURN"):
                result[name] = ast.literal_eval(node.value)
    for name in ("DOCUMENTATION", "RETURN"):
        result[name] = yaml.safe_load(result.get(name, "")) or {}
    return result


def fragment(name: str) -> Doc:
    """A fragment's documentation. Attributes fragments have no options, and the page lists nothing of them."""
    stem, _dot, part = name.removeprefix(OURS).partition(".")
    return {} if part else strings(ROOT / "plugins" / "doc_fragments" / f"{stem}.py")["DOCUMENTATION"]


def plugin(path: Path, *, example: bool) -> str:
    result = strings(path)
    documentation = result["DOCUMENTATION"]
    options = dict(documentation.get("options") or {})
    shared, of_amazon = shared_options(path)
    if example:
        options |= shared
    also = [", ".join(f"`{name}`" for name in shared)] if shared and not example else []
    also += [AMAZON if example else "those of `amazon.aws`"] if of_amazon else []
    internal = [name for name, option in options.items() if markdown(option["description"]).startswith(INTERNAL)]
    listed = entries({name: option for name, option in options.items() if name not in internal})
    if also:
        listed += f"- {'Also' if example else '[Common options](#common-options):'} {', and '.join(also)}.\n"
    if internal:
        listed += f"- The action plugin sets {', '.join(f'`{name}`' for name in internal)}. Do not set these options.\n"
    parts = [
        f"## {path.stem}\n\n{markdown(documentation['short_description'])}.\n",
        markdown(documentation["description"]) + "\n",
        block("Options", listed),
        block("Returns", entries(result["RETURN"])),
        block("Notes", "".join(f"- {markdown(note)}\n" for note in documentation.get("notes", []))),
        block("Example", f"```yaml\n{str(result.get('EXAMPLES', '')).strip()}\n```\n" if example else ""),
    ]
    return "\n".join(part for part in parts if part)


def shared_options(path: Path) -> tuple[dict[str, Doc], bool]:
    """Our fragments' options that a plugin takes, and whether it takes those of amazon.aws."""
    fragments = strings(path)["DOCUMENTATION"].get("extends_documentation_fragment", [])
    fragments = [fragments] if isinstance(fragments, str) else fragments
    options: dict[str, Doc] = {}
    for name in fragments:
        options |= fragment(name).get("options", {}) if name.startswith(OURS) else {}
    return options, any(name.startswith("amazon.aws.") for name in fragments)


def plugins(kind: str, title: str, introduction: str) -> str:
    suffix = "yml" if kind == "filter" else "py"
    paths = sorted((ROOT / "plugins" / kind if kind != "module" else ROOT / "plugins" / "modules").glob(f"*.{suffix}"))
    sections = [plugin(path, example=kind != "module") for path in paths]
    if kind == "module":
        shared = {name: option for path in paths for name, option in shared_options(path)[0].items()}
        sections.insert(
            0, f"## Common options\n\nMany modules take these options. Many also take {AMAZON}.\n\n{entries(shared)}"
        )
    return page(title, introduction, sections)


# --- roles and playbooks --------------------------------------------------------------------------------------------


def extra_variables(role: Path) -> dict[str, str]:
    """Extra variables by the role's variable that takes its default from them."""
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}
    matches = {
        name: re.search(r"extra_variable', '(\w+)'|\b(\w+) \| default", str(defaults[name])) for name in defaults
    }
    return {name: match[1] or match[2] for name, match in matches.items() if match}


def role(folder: Path) -> str:
    specs = yaml.safe_load((folder / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]
    extra, seen = extra_variables(folder), set[str]()
    parts = [f"## {folder.name}\n"]
    for name, spec in specs.items():
        options = {key: value for key, value in (spec.get("options") or {}).items() if key not in seen}
        seen.update(options)
        heading = "" if name == "main" else f"### {folder.name}: tasks_from {name}\n"
        parts += [heading, f"{markdown(spec['short_description'])}.\n", markdown(spec.get("description", [])) + "\n"]
        parts.append(block("Variables", entries(options, extra)))
    return "\n".join(part for part in parts if part)


def playbook(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    head = [line.removeprefix("#").strip() for line in re.match(r"---\n((?:#.*\n)*)", text)[1].splitlines()]  # type: ignore[index]
    results = [line for line in head if not line.startswith(("-e", "[-e"))]
    commands = [f"    ansible-playbook -i inventory {OURS}{path.stem} {line}" for line in head if line not in results]
    used = sorted(roles_of(text, set()))
    links = ", ".join(f"[{name}](roles.md#{name})" for name in used)
    parts = [f"## {path.stem}", "\n".join(results), "\n".join(commands), f"Roles: {links}." if used else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def roles_of(text: str, seen: set[str]) -> set[str]:
    """Roles that a playbook applies, itself or by an imported one."""
    roles = {name for name in re.findall(rf"name: {re.escape(OURS)}(\w+)", text) if (ROOT / "roles" / name).is_dir()}
    for imported in re.findall(r"import_playbook: (?:\.\./)?([\w/]+\.yml)", text):
        path = ROOT / "playbooks" / imported
        if imported not in seen and path.is_file():
            roles |= roles_of(path.read_text(encoding="utf-8"), seen | {imported})
    return roles


# --- the catalog and the checks -------------------------------------------------------------------------------------


def catalog() -> str:
    from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_schema import SCHEMA

    sections = [f"## secrets_catalog\n\n{SCHEMA['description']}\n\n" + _keys(SCHEMA)]
    sections += [f"## {name}\n\n" + _keys(schema) for name, schema in SCHEMA["$defs"].items()]
    introduction = (
        "Every key of the variable `secrets_catalog`. "
        "[Write a catalog](../how-to/write-a-catalog.md) shows them in use.\n"
        "The source is the schema in `plugins/module_utils/_core/catalog_schema.py`; "
        "[catalog.schema.json](../catalog.schema.json) is the same for editors."
    )
    return page("The catalog", introduction, sections)


def _keys(schema: Doc, indent: str = "") -> str:
    if "anyOf" in schema:
        return "One of:\n\n" + "".join(f"- {_form(item)}\n" for item in schema["anyOf"])
    required = schema.get("required", [])
    text = ""
    for key, value in schema.get("properties", {}).items():
        message = f": {value['description']}" if "description" in value else ""
        text += f"{indent}- `{key}` ({_form(value)}{', required' if key in required else ''}){message}\n"
        text += _keys(value, indent + "  ") if value.get("type") == "object" and "properties" in value else ""
    return text


def _form(schema: Doc) -> str:
    """Possible values, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name})"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{item}`" for item in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_form(item) for item in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_form(schema['items'])}"
    of = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    if schema.get("type") == "object" and isinstance(of[0], dict):
        return f"mapping of names to {_form(of[0])}"
    if schema.get("type") == "object" and schema.get("properties"):
        return "mapping with " + ", ".join(f"`{key}`" for key in schema["properties"])
    kind = schema.get("type", json.dumps(schema["const"]) if "const" in schema else "anything")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def events() -> str:
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._audit.events import OF_OUTCOMES, SCHEMA, SOURCE

    introduction = (
        f"EventBridge gets these fields from the source `{SOURCE}`. A command of `notify` gets them on standard input. "
        "No event holds a value.\nIf a run was killed, an event may come twice, with the same `id`. "
        "[Get alarms and events](../how-to/get-alerts.md) shows rules.\n"
        "The source is the schema in `plugins/plugin_utils/_audit/events.py`; "
        "[events.schema.json](../events.schema.json) is the same for programs."
    )
    outcomes = "".join(f"- `{outcome}` is announced as `{name}`\n" for outcome, name in OF_OUTCOMES.items())
    recorded = "## Records of the audit log\n\nA record is announced after it is written, by its outcome:\n\n"
    return page("Events", introduction, [f"## Fields\n\n{_keys(SCHEMA)}", recorded + outcomes])


def verification() -> str:
    from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.report_schema import SCHEMA

    introduction = (
        f"{SCHEMA['description']} It holds no value. [Verify an environment](../how-to/verify.md) shows the command.\n"
        "The source is the schema in `plugins/plugin_utils/_verify/report_schema.py`; "
        "[verification.schema.json](../verification.schema.json) is the same for programs."
    )
    sections = [f"## {name}\n\n{_keys(schema)}" for name, schema in {"report": SCHEMA, **SCHEMA["$defs"]}.items()]
    return page("Verification report", introduction, sections)


# --- the pages ------------------------------------------------------------------------------------------------------


def page(title: str, introduction: str, sections: Iterable[str]) -> str:
    return f"{HEAD}# {title}\n\n{introduction}\n\n" + "\n".join(sections).strip() + "\n"


def pages() -> dict[str, str]:
    from ansible_collections.watchparty.secrets.scripts import write_checks_page, write_command_page, write_planted_page

    playbooks = sorted((ROOT / "playbooks").glob("*.yml"))
    roles = sorted(path.parent for path in (ROOT / "roles").glob("*/meta"))
    return {
        "playbooks.md": page(
            "Playbooks",
            "The roles of a playbook list its variables. Brackets mark optional arguments.\n"
            "The source is the comment at the head of each file in `playbooks/`.",
            map(playbook, playbooks),
        ),
        "roles.md": page(
            "Roles",
            "The variables of each role. A name in brackets is the playbook's extra variable for a variable.\n"
            "The source is `roles/*/meta/argument_specs.yml`.",
            map(role, roles),
        ),
        "modules.md": plugins(
            "module",
            "Modules",
            "Roles call most of these modules for you. `ansible-doc watchparty.secrets.NAME` adds examples.\n"
            "The source is the documentation in `plugins/modules/`.",
        ),
        "lookups.md": plugins("lookup", "Lookups", "The source is the documentation in `plugins/lookup/`."),
        "callbacks.md": plugins("callback", "Callbacks", "The source is the documentation in `plugins/callback/`."),
        "filters.md": plugins("filter", "Filters", "The source is the documentation in `plugins/filter/`."),
        "catalog.md": catalog(),
        "checks.md": page("Checks", write_checks_page.INTRODUCTION, write_checks_page.sections(linked)),
        "events.md": events(),
        "verification.md": verification(),
        "command.md": page("The short command", write_command_page.INTRODUCTION, write_command_page.sections(_keys)),
        "planted-mistakes.md": page("Planted mistakes", write_planted_page.INTRODUCTION, write_planted_page.sections()),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a page is stale")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs" / "reference", help="another folder")
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "playbooks" / "collections"), str(ROOT)]
    stale = {
        options.folder / name: text
        for name, text in pages().items()
        if not (options.folder / name).exists() or (options.folder / name).read_text(encoding="utf-8") != text
    }
    for path, text in stale.items():
        if options.check:
            print(f"{path} is stale; run scripts/write_reference.py", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
