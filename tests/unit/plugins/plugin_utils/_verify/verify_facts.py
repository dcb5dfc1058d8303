# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the tests of a verification share: facts that every check passes, and a report made of them."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from ansible_collections.watchparty.secrets.plugins.module_utils._core import catalog_parser
from ansible_collections.watchparty.secrets.plugins.module_utils._core.catalog_model import Catalog
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import check as verify_check
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify import table as verify_table
from ansible_collections.watchparty.secrets.plugins.plugin_utils._verify.check import Facts
from tests import planted

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
ACCOUNT = "123456789012"
DOCUMENT: dict[str, Any] = {
    "application": "watchparty",
    "contacts": {"security": "security@example.com"},
    "audit_log": {"log_group": "/watchparty/audit"},
    "aws": {"replicas": ["eu-west-1"]},
    "mirror": {},
    "services": {"web": {"units": ["watchparty-web.service"], "health": "https://127.0.0.1:8000/health/"}},
    "settings": {
        "SECRET_KEY": {"group": "core", "required": True},
        "DATABASE_URL": {"group": "core", "type": "url"},
        "REDIS_URL": {"group": "core", "type": "url"},
        "STRIPE_KEY": {"group": "integrations"},
    },
    "credentials": {
        "database_admin": {
            "kind": "postgresql_role",
            "server": {"address": "db"},
            "appears_in": [{"secret": "watchparty/{environment}/admin"}],
        },
        "database": {
            "kind": "postgresql_role",
            "revocation_ttl": 60,
            "admin": "database_admin",
            "appears_in": [{"setting": "DATABASE_URL"}],
        },
        "cache": {"kind": "valkey_user", "appears_in": [{"setting": "REDIS_URL"}]},
        "django_key": {"kind": "django_secret_key", "appears_in": [{"setting": "SECRET_KEY"}]},
        "stripe": {"kind": "external", "appears_in": [{"setting": "STRIPE_KEY"}]},
        "deploy_ssh": {"kind": "ssh_key", "appears_in": [{"github": "SSH_PRIVATE_KEY"}]},
    },
    "environments": {"production": {}, "staging": {}},
}
SECRET = "watchparty/production/core"
JOURNAL = "s3://watchparty-journal/watchparty/production/journal.jsonl"


def catalog(**over: Any) -> Catalog:
    return catalog_parser.parse({**copy.deepcopy(DOCUMENT), **over}, "production")


def host(**over: Any) -> dict[str, Any]:
    path = "/srv/watchparty/.env"
    return {
        "file": {"exists": True, "path": path, "mode": "0600", "owner": "watchparty", "uid": 998},
        "companions": [{"path": path + ".mark", "mode": "0600", "owner": "root", "uid": 0}],
        "acl": [],
        "selinux": {"enabled": False},
        "strays": [],
        "strays_unread": [],
        "copies": [],
        "copies_unread": [],
        "copies_closed": [],
        "shown": [],
        "shown_unread": [],
        "shown_closed": [],
        "journal": [],
        "journal_unread": [],
        "flaws": {"twice": [], "misread": [], "comments": []},
        "since": "2026-11-20T09:59:58Z",
        "units": [unit()],
        "units_problem": "",
        "wanted_owner": None,
        "mark": {"snapshot": "s-1", "journal": 4, "edited": False},
        "account": "root",
        "replaceable": [],
        "health_commands": [],
        "health": [answer()],
        "baseline": [{"state": "pass", "place": "web1", "message": "99 accounts as on 2026-11-29"}],
        "drift": {"missing": [], "differs": [], "unknown": [], "gone": [], "same": 41},
        **over,
    }


def unit(**over: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"same": [], "differs": [], "copied": []}
    return {
        "unit": "watchparty-web.service",
        "load": "loaded",
        "active": "active",
        "sub": "running",
        "is_up": True,
        "enabled": "enabled",
        "starts": True,
        "stale": False,
        "user": "watchparty",
        "container": False,
        "began": "2026-11-20T10:00:00Z",
        "old": False,
        "environment": nothing,
        "files": [],
        "held": nothing,
        "silent": [],
        **over,
    }


def answer(**over: Any) -> dict[str, Any]:
    tls = {"days": 60, "until": "2027-01-24T15:00:00Z"}
    return {"url": "https://127.0.0.1:8000/health/", "status": 200, "seconds": 0.012, "tls": tls, **over}


def age(name: str, kind: str, days: int | None, limit: int | None, *, due: bool = False) -> dict[str, Any]:
    message = "due: no record of its last rotation" if days is None else f"{days} days old (limit {limit})"
    return {
        "credential": name,
        "kind": kind,
        "days": days,
        "limit": limit,
        "due": due,
        "message": message,
        "last": None,
    }


def secret(**over: Any) -> dict[str, Any]:
    stages = {"AWSCURRENT": "v2", "AWSPREVIOUS": "v1"}
    return {
        "stages": stages,
        "key": "alias/watchparty-production",
        "replicas": {"eu-west-1": "InSync"},
        "deleted": None,
        "rotation_enabled": False,
        **over,
    }


def bucket(**over: Any) -> dict[str, Any]:
    name, _slash, rest = JOURNAL[len("s3://") :].partition("/")
    return {"bucket": name, "object": rest, "versions": "Enabled", "expires": [], "policy": {}, **over}


def parts(**over: Any) -> dict[str, Any]:
    """Plain data by part, all of it as it should be."""
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    return {
        "access": {"rows": [{"state": "pass", "place": "role r", "message": "as the catalog says"}]},
        "account": ACCOUNT,
        "audit": {"where": "log_group /watchparty/audit", "records": 12, "problems": [], "head_known": True},
        "buckets": {JOURNAL: bucket()},
        "deploys": [{"state": "pass", "place": "run 7 of deploy.yml", "message": "succeeded"}],
        "former": {"database": {"state": "refused", "message": "refused by the server"}},
        "github": {"rows": [], "listed": 4, "repository": "example/watchparty"},
        "granted": {},
        "history": {
            "findings": [],
            "not_checked": [],
            "accepted": 0,
            "accepted_places": [],
            "values": 9,
            "left_out": {},
            "objects": 120,
        },
        "hosts": {"web1": host(), "web2": host()},
        "isolation": {"compared": 9, "signing": ["SECRET_KEY"], "others": {"staging": []}, "unread": {}},
        "journal": {
            "rotation": None,
            "incident": None,
            "pending_tasks": [],
            "pending_tasks_due": [],
            "revocations": [],
            "ages": [age("database", "postgresql_role", 12, 90), age("cache", "valkey_user", 80, 90)],
            "measured": {"database": {"seconds": 12, "rotation": "r1", "exact": True}},
        },
        "account_baseline": {"rows": [{"state": "pass", "place": "AWS account 1", "message": "9 users"}]},
        "github_baseline": {"rows": [{"state": "pass", "place": "example/shop", "message": "9 keys as on 2026-11-29"}]},
        "host_baseline": {},
        "honeytokens": {"rows": [{"state": "pass", "place": "decoy", "message": "never used"}]},
        "keys": {"alias/watchparty-production": {"state": "Enabled", "manager": "CUSTOMER", "rotating": True}},
        "leftovers": [],
        "mirror": {"plan": [], "differences": [], "conflicts": [], "held": [], "problems": [], "unchanged": 3},
        "outside": {"https://watchparty.example.com/health/": answer(url="https://watchparty.example.com/health/")},
        "policies": {SECRET: {"document": {}}},
        "readers": {"rows": [], "principals": 5, "things": 3, "unread": []},
        "rights": {"rows": [], "principals": 5},
        "repository": {"path": "/src", "ignores": {".env": True}, "env_files": {".env.example": []}},
        "roles": {"watchparty-production-host": {"trust": trust, "policies": {"read": {"Statement": []}}}},
        "secrets": {SECRET: secret()},
        "servers": {
            "rights": [{"state": "pass", "place": "database", "message": "its login at db:5432 has none"}],
            "logins": [{"state": "pass", "place": "db:5432", "message": "4 logins, all declared"}],
            "baseline": [{"state": "pass", "place": "db:5432", "message": "4 logins, all declared"}],
            "honeytokens": [{"state": "pass", "place": "decoy", "message": "no session"}],
        },
        "stores": {
            "problems": [],
            "rules": [],
            "unknown": [],
            "copied": [],
            "undervalued": [],
            "settings": 41,
            "snapshot": "s-1",
        },
        "unknown_secrets": {"findings": [], "not_checked": [], "accepted": 0},
        "users": {"deployer": [{"id": "AKIAABCD", "active": True, "days": 3, "used": "2026-11-24"}]},
        "zizmor": {"findings": [], "not_checked": [], "accepted": 0, "files": 1},
        "workflows": {"files": [".github/workflows/test.yml"], "findings": [], "unread": {}},
        **over,
    }


def facts(*, absent: dict[str, str] | None = None, document: Catalog | None = None, **over: Any) -> Facts:
    return Facts(document or catalog(), NOW, parts(**over), absent or {})


_chosen = cache(lambda *ids: verify_check.chosen(ids))
_catalog = cache(catalog)


def judged(*checks: str, **over: Any) -> dict[str, list[str]]:
    """Evidence by the id of each of these checks that makes a run with these parts fail."""
    return planted.found(verify_check.run_checks(_chosen(*checks), facts(document=_catalog(), **over)))


def found(text: str = "") -> dict[str, Any]:
    """A report with something of everything; ``text`` ends what comes from outside."""
    bad_host = host(
        file={"exists": True, "path": "/srv/watchparty/.env" + text, "mode": "0644", "owner": "watchparty", "uid": 998},
        strays=[{"path": "/srv/watchparty/.env.bak" + text, "mode": "0644", "why": "holds SECRET_KEY"}],
        drift={
            "missing": [],
            "differs": ["REDIS_URL", "STRIPE_KEY"],
            "unknown": ["OLD" + text],
            "gone": [],
            "same": 38,
        },
    )
    journal = {
        **parts()["journal"],
        "ages": [
            age("stripe", "external", None, 90, due=True),
            age("deploy_ssh" + text, "ssh_key", 104, 90, due=True),
            age("cache", "valkey_user", 80, 90),
            age("database_admin", "postgresql_role", 44, 180),
            age("database", "postgresql_role", 12, 90),
            age("django_key", "django_secret_key", 3, 90),
        ],
    }
    everything = facts(
        hosts={"web1": host(), "web2": bad_host, "web3": {"problem": "cannot be reached: no route to host"}},
        journal=journal,
        former={
            "database": {
                "state": "untried",
                "message": "rotation r1 verified the rejection; it was not tried again now",
            }
        },
    )
    scanned = ("repository", "workflows", "zizmor", "history", "unknown_secrets")
    without = {name: item for name, item in everything.parts.items() if name not in scanned}
    why = dict.fromkeys(scanned, "no repository was given; add -e verify_repository=PATH of a checkout")
    everything = Facts(everything.catalog, NOW, without, left_out=why)
    results = verify_check.run_checks(verify_check.registry(), everything)
    return verify_table.data(everything, results, ["web1", "web2", "web3"])
