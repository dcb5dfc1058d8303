# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a checkout tells, with the real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ansible_collections.watchparty.secrets.plugins.module_utils._core.errors import HostError
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import collect_repository
from sandbox.process import clean_environment
from tests import planted
from tests.unit.plugins.plugin_utils._verify.verify_facts import catalog, judged


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    path.mkdir()
    git(path, "init", "--quiet")
    return path


def git(path: Path, *arguments: str) -> None:
    environment = clean_environment(HOME=str(path), GIT_CONFIG_NOSYSTEM="1")
    subprocess.run(["git", "-C", str(path), *arguments], check=True, capture_output=True, env=environment)


def failed(path: Path) -> dict[str, list[str]]:
    """The checks of git that fail on a checkout."""
    return judged("WPS101", "WPS102", repository=collect_repository.gather(str(path), catalog(), frozenset()))


def added(path: Path, name: str, text: str) -> None:
    (path / name).parent.mkdir(parents=True, exist_ok=True)
    (path / name).write_text(text)
    git(path, "add", "--force", name)


def test_ignored_names(checkout: Path) -> None:
    assert not any(collect_repository.gather(str(checkout), catalog(), frozenset())["ignores"].values())
    added(checkout, ".gitignore", ".env\n")
    ignores = collect_repository.gather(str(checkout), catalog(), frozenset())["ignores"]
    assert ignores == {".env": True, ".env.local": False, ".env.production": False}
    added(checkout, ".gitignore", ".env*\n!.env.example\n")
    assert all(collect_repository.gather(str(checkout), catalog(), frozenset())["ignores"].values())


@planted.mistakes(".env is ignored on this machine alone", planted.REPOSITORY_FILES, checks="WPS101")
@pytest.mark.parametrize("name", [".gitignore", ".git/info/exclude", "xdg/git/ignore"])
def test_names_that_are_ignored_on_this_machine_alone(
    checkout: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a .gitignore that nobody has added, too."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(checkout / "xdg"))
    (checkout / name).parent.mkdir(parents=True, exist_ok=True)
    (checkout / name).write_text(".env*\n")
    assert not any(collect_repository.gather(str(checkout), catalog(), frozenset())["ignores"].values())
    assert {*failed(checkout)} == {"WPS101"}


@planted.mistakes("A committed .env that git reports as unchanged", planted.REPOSITORY_FILES, checks="WPS102")
@pytest.mark.parametrize("flag", ["--skip-worktree", "--assume-unchanged", "--no-skip-worktree"])
def test_what_was_added_is_judged_too(checkout: Path, flag: str) -> None:
    added(checkout, ".env", "SECRET_KEY=0123456789abcdefghij\n")
    git(checkout, "update-index", flag, ".env")
    for change in (lambda: (checkout / ".env").write_text("SECRET_KEY=change_me\n"), (checkout / ".env").unlink):
        change()
        env_files = collect_repository.gather(str(checkout), catalog(), frozenset())["env_files"]
        assert env_files == {".env": [("SECRET_KEY", 1, "is not a placeholder")]}
        assert "WPS102" in failed(checkout)


@planted.mistakes("A committed file of settings", planted.REPOSITORY_FILES, checks="WPS102", by="name")
@pytest.mark.parametrize(
    "name",
    [
        *(".envrc", ".env-prod", ".env_prod", ".ENV", ".env~", "prod.env.bak", ".flaskenv", ".env2", ".env (1)"),
        *(".env copy", ".envrc.private", ".envs/.production/.django"),
    ],
)
@pytest.mark.parametrize("form", ["SECRET_KEY={}\n", "\ufeffSECRET_KEY={}\n", "SECRET_KEY: {}\n"])
def test_names_and_forms_of_env_files(checkout: Path, name: str, form: str) -> None:
    added(checkout, name, form.format("0123456789abcdefghij"))
    env_files = collect_repository.gather(str(checkout), catalog(), frozenset())["env_files"]
    assert env_files == {name: [("SECRET_KEY", 1, "is not a placeholder")]}
    assert "WPS102" in failed(checkout)


LINES = {
    "JSON": '{"SECRET_KEY": "VALUE"}',
    "a YAML text": 'SECRET_KEY: "VALUE" # now',
    "PowerShell": '$env:SECRET_KEY = "VALUE"',
    "cmd": "set SECRET_KEY=VALUE",
    "TypeScript": "export const SECRET_KEY = 'VALUE';",
    "properties": "shop.secret-key=VALUE",
    "a comment": "#SECRET_KEY=VALUE",
    "a default": "SECRET_KEY=${SECRET_KEY:-VALUE}",
    "a password by its short name": "DB_PWD=VALUE",
    "a salt": "HASHID_SALT=VALUE",
    "a token in a URL": "HOOK=https://api.shop.net/x?token=VALUE",
    "a chat's webhook": "CHAT=https://hooks.slack.com/services/T0/B0/VALUE",
    "a private key": 'JWT_PRIVATE_KEY="-----BEGIN PRIVATE KEY-----',
}
PLACEHOLDERS = """\
KEYCLOAK_REALM=shop-v2
KEY_FILE=./keys/jwt1.pem
DB_PASSWORD_FILE=/run/secrets/db1
MONKEY_PATCH=gevent-1.x
CACHE_KEY_PREFIX=shop:v2:cache
PASSWORD_HASHER=hashers.Argon2PasswordHasher
STRIPE_PUBLISHABLE_KEY=pk_test_51HxQ8kLm
SECRET_KEY=generate-with-openssl-rand
SECRET_KEY=supersecretkey
SECRET_KEY=${SECRET_KEY:?missing}
SECRET_KEY=${SECRET_KEY:-}
SECRET_KEY=$(op read op://shop/key1)
SECRET_KEY={{ shop.key1 }}
SECRET_KEY=ENC[AES256,data:a1]
SECRET_KEY=encrypted:BAbcdef0123456789
SECRET_KEY= # see 1password
API_TOKEN=********
DATABASE_URL=postgres://shop:shop@db/shop
DATABASE_URL=postgres://u:{password}@h/db
DATABASE_URL=postgres://u:${DB_PASSWORD}@db/shop
REDIS_URL=redis://:devpassword@redis:6379
AWS_SECRET_ACCESS_KEY=minioadmin
# API_TOKEN: from 1password, item 7
""".splitlines()


@planted.mistakes("A line of a committed .env", planted.REPOSITORY_FILES, checks="WPS102", by="form")
@pytest.mark.parametrize("form", LINES)
def test_forms_of_lines(checkout: Path, form: str) -> None:
    added(checkout, ".env.production", LINES[form].replace("VALUE", "9f8a7b6c5d4e3f2a1b0c"))
    assert "WPS102" in failed(checkout)


@planted.variations("Lines of a committed .env.example", planted.REPOSITORY_FILES, rows=PLACEHOLDERS)
def test_what_is_a_placeholder(checkout: Path) -> None:
    added(checkout, ".gitignore", ".env*\n!.env.example\n")
    added(checkout, ".env.example", "\n".join(PLACEHOLDERS))
    assert failed(checkout) == {}


def test_committed_files_alone_are_judged(checkout: Path) -> None:
    added(checkout, ".env", "SECRET_KEY=0123456789abcdefghij\n")
    added(checkout, "deploy/prod.env", "SECRET_KEY=change_me\n")
    added(checkout, ".environment", "SECRET_KEY=0123456789abcdefghij\n")
    (checkout / ".env.local").write_text("SECRET_KEY=0123456789abcdefghij\n")
    env_files = collect_repository.gather(str(checkout / "deploy"), catalog(), frozenset())["env_files"]
    assert env_files == {".env": [("SECRET_KEY", 1, "is not a placeholder")], "deploy/prod.env": []}


def test_files_of_tests_and_of_other_tools(checkout: Path) -> None:
    added(checkout, ".env.test", "SECRET_KEY=0123456789abcdefghij\nSTRIPE_KEY=the-live-value-of-production\n")
    added(checkout, ".env.vault", "DOTENV_VAULT_TOKEN=0123456789abcdefghij\n")
    added(checkout, ".env.schema", "SECRET_KEY=0123456789abcdefghij\n")
    live = frozenset({"the-live-value-of-production"})
    env_files = collect_repository.gather(str(checkout), catalog(), live)["env_files"]
    assert env_files == {".env.test": [("STRIPE_KEY", 2, "holds the live value")]}


def test_a_link_is_not_followed(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("SECRET_KEY=0123456789abcdefghij\n")
    (checkout / ".env").symlink_to(tmp_path / "elsewhere")
    git(checkout, "add", "--force", ".env")
    assert collect_repository.gather(str(checkout), catalog(), frozenset())["env_files"] == {".env": []}


def test_workflows_and_composite_actions(checkout: Path) -> None:
    added(checkout, ".github/workflows/a.yml", "steps:\n- uses: docker://x/y:1\n")
    added(checkout, ".github/actions/b/action.yml", "runs:\n  steps:\n  - uses: docker://x/y:2\n")
    added(checkout, ".github/workflows/bad.yaml", "a: [\n")
    added(checkout, "docs/a.yml", "steps:\n- uses: docker://x/y:1\n")
    workflows = collect_repository.workflows(str(checkout))
    assert [(finding["file"], finding["line"]) for finding in workflows["findings"]] == [
        (".github/actions/b/action.yml", 3),
        (".github/workflows/a.yml", 2),
    ]
    assert workflows["unread"] == {".github/workflows/bad.yaml": "is not valid YAML"}


def test_what_is_no_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HostError, match="is not a directory on the controller; give the path of a checkout"):
        collect_repository.workflows(str(tmp_path / "missing"))
    with pytest.raises(
        HostError, match=r"^repository \S+: not a git repository, nor any directory above it; give another path$"
    ):
        collect_repository.workflows(str(tmp_path))
    git(tmp_path, "init", "--quiet", "--bare", "bare.git")
    with pytest.raises(HostError, match="has no working tree; give the path of a checkout"):
        collect_repository.workflows(str(tmp_path / "bare.git"))
    git(tmp_path, "init", "--quiet")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(HostError, match="git: cannot be started: No such file or directory; install git"):
        collect_repository.workflows(str(tmp_path))


def test_a_checkouts_own_configuration_runs_no_program(checkout: Path) -> None:
    mark = checkout / "ran"
    git(checkout, "config", "core.fsmonitor", f"touch {mark}")
    added(checkout, ".env.example", "A=1\n")
    mark.unlink(missing_ok=True)
    collect_repository.gather(str(checkout), catalog(), frozenset())
    assert not mark.exists()


def test_a_hooks_environment_leads_to_no_other_repository(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    added(checkout, ".env", "SECRET_KEY=change_me\n")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert collect_repository.gather(str(checkout), catalog(), frozenset())["env_files"] == {".env": []}
