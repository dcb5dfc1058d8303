# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""PostgreSQL's login roles that belong to the server or its provider. Python 3.8."""

from __future__ import annotations

from typing import Set

FIRST = 10
"""Oid of the role that initdb makes, which nobody can drop. Its name tells the provider."""
FIRST_ROLE = "SELECT rolname::text FROM pg_roles WHERE oid = 10"
_OTHERS = {
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Appendix.PostgreSQL.CommonDBATasks.Roles.html
    "rdsadmin": ("rdstopmgr", "rdsrepladmin", "rdsproxyadmin", "rdswriteforwarduser"),
    # https://cloud.google.com/sql/docs/postgres/users. The others exist only with some features, so whoever may make
    # roles could make them first.
    "cloudsqladmin": ("cloudsqlimportexport",),
}


def explained(first: str) -> Set[str]:
    """Roles of the provider whose first role is ``first``. Azure has only the first role (azuresu)."""
    return {first, *_OTHERS.get(first, ())}
