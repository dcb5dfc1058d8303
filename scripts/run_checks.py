# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Runs the project's checks, stage by stage, and ends in one table.

    .venv/bin/python scripts/run_checks.py [STAGE …]

One stage alone prints as it goes; several write to build/logs, and a failed one shows the end of its log.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from check_commands import NEWEST, ROOT, STOPPING, Run
from check_results import Tally, skipped, summary, total

COLLECTIONS = ROOT / "playbooks" / "collections"
LINT_ENVIRONMENT = (
    "env",
    # Scenarios import playbooks by their full names, which must be found in the clone.
    f"ANSIBLE_COLLECTIONS_PATH={COLLECTIONS}",
    f"PATH={ROOT / 'tests' / 'lint' / 'syntax-checked'}:{NEWEST / 'bin'}:{os.environ.get('PATH', os.defpath)}",
)
OLDEST = ROOT / ".venv-core219"
STAMP = ".stamps/requirements-ansible-2.19.txt"
"""Mark of scripts/bootstrap.sh in an environment with ansible-core 2.19."""
HALF = "tests/unit/plugins/plugin_utils"
"""Folder with about half of the unit tests' processor time."""
IMPORTS_ANSIBLE = re.compile(r"^\s*(from|import) ansible[ .]", re.MULTILINE)


def cores() -> dict[str, Path]:
    """Environments by their Ansible. If only ansible-core 2.19 can run, .venv has it."""
    if (OLDEST / STAMP).exists():
        return {"newest": NEWEST, "core-2.19": OLDEST}
    return {"core-2.19" if (NEWEST / STAMP).exists() else "newest": NEWEST}


def in_both(stage: Callable[[str, Path], Tally], *, together: bool = False) -> Tally:
    environments = cores()
    without = [
        skipped(f"ansible ({core}): no Python for it is on this machine")
        for core in ("newest", "core-2.19")
        if core not in environments
    ]
    with ThreadPoolExecutor(len(environments) if together else 1) as pool:
        return total([*pool.map(stage, environments, environments.values()), *without])


def lint(run: Run) -> Tally:
    bin_ = NEWEST / "bin"
    scripts = sorted([*ROOT.glob("scripts/*.sh"), ROOT / "scripts" / "secrets", *ROOT.glob(".ci/*")])
    packages = [part for name in typed_packages() for part in ("-p", name)]
    return total(
        [
            run.check("ruff", [bin_ / "ruff", "check", "."]),
            run.check("format", [bin_ / "ruff", "format", "--check", "--diff", "."]),
            run.check("mypy", [bin_ / "mypy", *packages]),
            run.check("yamllint", [bin_ / "yamllint", "--strict", "."]),
            run.check("ansible-lint", [*LINT_ENVIRONMENT, bin_ / "ansible-lint", "--offline", "--strict"]),
            run.check("shellcheck", [bin_ / "shellcheck", *scripts]),
            run.check("spelling", [bin_ / "codespell"]),
            run.check("words", [bin_ / "python", ROOT / "scripts" / "check_words.py"]),
            run.check("changelog", [bin_ / "antsibull-changelog", "lint"]),
            run.check("galaxy", [ROOT / "scripts" / "galaxy_import.sh"]),
            run.pytest("tests", "tests/lint"),
            docs(run),
        ]
    )


def docs(run: Run) -> Tally:
    """Checks that generated files are up to date, and links lead somewhere."""
    bin_ = NEWEST / "bin"
    example = ROOT / "examples" / "watchparty"
    options = {"env_fetch_example_check": "true", "env_fetch_example_path": example / ".env.example"}
    stale = [f"--extra-vars={name}={value}" for name, value in options.items()]
    playbook = ROOT / "playbooks" / "env_example.yml"
    workflows = ROOT / "examples" / "github"
    options = {"github_workflow_check": "true", "github_workflow_path": workflows / "deploy.yml"}
    old = [f"--extra-vars={name}={value}" for name, value in options.items()]
    writes = ROOT / "playbooks" / "github_workflow.yml"
    own = ROOT / ".github" / "workflows"
    return total(
        [
            run.check("links", [bin_ / "python", ROOT / "scripts" / "check_docs.py"]),
            run.check("reference", [bin_ / "python", ROOT / "scripts" / "write_reference.py", "--check"]),
            run.check("schema", [bin_ / "python", ROOT / "scripts" / "write_schema.py", "--check"]),
            run.check("example", [bin_ / "ansible-playbook", "-i", example, playbook, *stale]),
            run.check("workflow", [bin_ / "ansible-playbook", "-i", example, writes, *old]),
            run.check("zizmor", [bin_ / "zizmor", "--offline", "--persona=auditor", *workflows.glob("*.yml"), own]),
        ]
    )


def site(run: Run) -> Tally:
    """Builds the pages as a site. A dead link or anchor fails."""
    if not (ROOT / ".venv-docs").exists():
        return skipped("the documentation's site: it needs Python 3.12 or newer")
    return run.check("site", [ROOT / "scripts" / "build_docs.sh"])


def typed_packages() -> list[str]:
    base = "ansible_collections.watchparty.secrets."
    folders = ("action", "callback", "filter", "lookup", "module_utils", "modules", "plugin_utils")
    plugins = [f"{base}plugins.{name}" for name in folders if any((ROOT / "plugins" / name).rglob("*.py"))]
    return [*plugins, f"{base}scripts.commands", "sandbox"]


def unit(run: Run) -> Tally:
    """Runs all unit tests with the newest Ansible, and alone with the older one too; among other stages only tests that
    use Ansible.

    Among other stages the halves are separate processes: two workers would each collect all ten thousand tests.
    """
    few = "--hypothesis-profile=few"
    halves = {"plugin_utils": [HALF], "others": ["tests/unit", f"--ignore={HALF}"]}

    def one(core: str, environment: Path) -> Tally:
        if run.live:
            return run.pytest(core, "tests/unit", "-m", "not long", *in_parallel(2), environment=environment)
        if environment != NEWEST:
            wanted = "not long and not servers"
            return run.pytest(core, *knowing_ansible(), "-m", wanted, few, environment=environment)
        with ThreadPoolExecutor(len(halves)) as pool:
            return total(
                pool.map(lambda name: run.pytest(f"{core}-{name}", *halves[name], "-m", "not long", few), halves)
            )

    return in_both(one, together=not run.live)


def knowing_ansible() -> list[str]:
    """Unit tests of plugins and of their shared code, and other tests that import Ansible."""
    tests = ROOT / "tests" / "unit"
    names = ("action", "callback", "filter", "lookup", "modules", "plugin_utils/_ansible")
    folders = [tests / "plugins" / name for name in names]
    others = [path for path in sorted(tests.rglob("test_*.py")) if not any(map(path.is_relative_to, folders))]
    return [*map(str, folders), *(str(path) for path in others if IMPORTS_ANSIBLE.search(path.read_text("utf-8")))]


def sanity(run: Run) -> Tally:
    """Runs both in parallel, because each runs one test after the other."""
    return in_both(run.sanity, together=True)


def readers(run: Run) -> Tally:
    return run.pytest("readers", "tests/readers", "-m", "not hosts")


def simulation(run: Run) -> Tally:
    """Tries a rotation's decisions in many interleavings. python -m tests.simulation runs more of them."""
    return run.pytest("interleavings", "tests/simulation", "-m", "not long")


def integration(run: Run) -> Tally:
    """Runs all tests with the newest Ansible, and with the older one those that depend on it."""

    def one(core: str, environment: Path) -> Tally:
        # Tests mostly wait for servers and restarts, so two cores serve four of them.
        return run.pytest(
            core,
            *(["tests/integration"] if environment == NEWEST else in_both_tiers()),
            "-m",
            tier(environment),
            *in_parallel(4 if environment == NEWEST else 1),
            environment=environment,
        )

    return in_both(one, together=not run.live)


def in_both_tiers() -> list[str]:
    """Files of integration tests for the older Ansible too, because collecting all of them takes long."""
    sys.path.insert(0, str(ROOT))
    tiers = importlib.import_module("tests.integration.tiers")
    return sorted({f"tests/integration/{start.partition('::')[0]}" for start in tiers.BOTH})


def hostile(run: Run) -> Tally:
    """Runs attacks of a hostile host, application, store value or repository; all with the newest Ansible."""

    def one(core: str, environment: Path) -> Tally:
        processes = 3 if run.live else 2  # beside the integration tests
        return run.pytest(
            core, "tests/hostile", "-m", tier(environment), *in_parallel(processes), environment=environment
        )

    return in_both(one, together=not run.live)


def tier(environment: Path) -> str:
    """The marks of tests for that environment's Ansible."""
    return "not hosts and not long" + ("" if environment == NEWEST else " and not slow and not servers")


def hosts(run: Run) -> Tally:
    """Runs tests on real hosts. Tests that take minutes run only alone."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return skipped("real hosts: they need root on Linux; no deploy over SSH to systemd machines was tested")
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [name for name in ("ip", "systemd-nspawn", "sshd") if not shutil.which(name, path=path)]
    if missing:
        without = "no deploy over SSH to systemd machines was tested"
        return skipped(f"real hosts: no {', '.join(missing)} (scripts/install-packages.sh installs them); {without}")
    scenarios = sorted(path.parent.name for path in ROOT.glob("extensions/molecule/*/molecule.yml"))
    molecule = [
        run.check(f"molecule-{name}", [NEWEST / "bin" / "molecule", "test", "--scenario-name", name])
        for name in scenarios
    ]
    # Only files with such tests, because collecting all takes half a minute.
    files = [str(path) for path in sorted(ROOT.glob("tests/**/test_*.py")) if "mark.hosts" in path.read_text("utf-8")]
    wanted = "hosts" if run.live else "hosts and not long"
    return run.pytest("tests", *files, "-m", wanted, minutes=60) + total(molecule)


def in_parallel(processes: int) -> tuple[str, ...]:
    """Options for this many processes, with each file in one process, in the order of collection: the longest first."""
    return ("-n", str(processes), "--dist", "loadfile", "--no-loadscope-reorder")


STAGES: dict[str, Callable[[Run], Tally]] = {
    "lint": lint,
    "site": site,
    "unit": unit,
    "sanity": sanity,
    "readers": readers,
    "simulation": simulation,
    "integration": integration,
    "hostile": hostile,
    "hosts": hosts,
}
EXTRA: dict[str, Callable[[Run], Tally]] = {"docs": docs}
"""Parts of a stage that can run alone."""


SIDE_BY_SIDE = (
    ("integration",),
    ("hosts", "unit"),
    ("lint", "site", "sanity", "simulation", "readers", "hostile"),
)
"""Rows of stages that run in parallel, about equally long. Each row begins with single processes and ends with a stage
of several, which keep the cores busy."""


def run_stages(names: Sequence[str], run: Callable[[str], None]) -> None:
    """Runs the rows in parallel, and a row's stages in turn."""

    def in_turn(row: Sequence[str]) -> None:
        for name in row:
            if name in names and not STOPPING.is_set():
                run(name)

    in_turn([name for name in names if name in EXTRA])
    with ThreadPoolExecutor(len(SIDE_BY_SIDE)) as pool:
        for row in [pool.submit(in_turn, row) for row in SIDE_BY_SIDE]:
            row.result()


def interrupted(number: int, _frame: object) -> None:
    STOPPING.set()
    sys.exit(128 + number)


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupted)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "stages", nargs="*", metavar="STAGE", help=f"of {', '.join([*STAGES, *EXTRA])} (default: all but docs)"
    )
    chosen = parser.parse_args().stages or list(STAGES)
    known = STAGES | EXTRA
    unknown = [name for name in chosen if name not in known]
    if unknown:
        parser.error(f"no such stage: {', '.join(unknown)}")
    results: dict[str, tuple[Tally, float]] = {}

    def one(name: str) -> None:
        print(f"{name}", flush=True)
        start = time.monotonic()
        tally = known[name](Run(name, live=len(chosen) == 1))
        results[name] = (tally, time.monotonic() - start)

    start = time.monotonic()
    run_stages(chosen, one)
    in_order = {name: results[name] for name in known if name in results}
    return 1 if summary(in_order, time.monotonic() - start).failed else 0


if __name__ == "__main__":
    sys.exit(main())
