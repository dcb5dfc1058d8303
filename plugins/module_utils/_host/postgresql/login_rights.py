# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Reads what a login of PostgreSQL may do, itself or by memberships. Python 3.8."""

from __future__ import annotations

from typing import Any, Collection, List

from ansible_collections.watchparty.secrets.plugins.module_utils._host.postgresql.connection import ServerConnection

MOST = 50
"""Limit of named rights."""
ROWS = 5000
LONGEST = 80
"""Characters of a name."""
_DOING = "reading what a login may do"
_ATTRIBUTES = ("SUPERUSER", "CREATEROLE", "CREATEDB", "REPLICATION", "BYPASSRLS")
_COLUMNS = "rolname::text, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
_POWERFUL = (
    *("pg_execute_server_program", "pg_read_server_files", "pg_write_server_files", "pg_read_all_data"),
    *("pg_write_all_data", "pg_signal_backend", "pg_create_subscription", "rds_superuser", "rds_replication"),
    *("rds_password", "cloudsqlsuperuser", "alloydbsuperuser", "azure_pg_admin"),
)
"""Groups whose members reach more than one application's data."""
_REACHED = """WITH RECURSIVE reached(oid, is_set) AS (
  SELECT oid, true FROM pg_roles WHERE rolname = session_user
  UNION SELECT roleid, v.is_set FROM reached JOIN pg_auth_members a ON member = reached.oid
  CROSS JOIN LATERAL (VALUES
    (true, admin_option OR reached.is_set AND coalesce((to_jsonb(a)->>'set_option')::bool, true)),
    (false, coalesce((to_jsonb(a)->>'inherit_option')::bool, true))) v(is_set, may) WHERE may),
m AS (SELECT DISTINCT oid FROM reached JOIN pg_roles USING (oid) WHERE NOT rolsuper)
"""
"""Roles that the login may become (``is_set``), and roles whose privileges it inherits. With ADMIN OPTION, a login may
grant itself the role. Before version 16 memberships had no options: a member may become the role."""
_ROLES = (
    "SELECT is_set, %s FROM pg_roles JOIN reached USING (oid) ORDER BY rolname <> session_user, NOT is_set LIMIT %d"
)
_DATABASES = """SELECT 'owner of', datname::text FROM pg_database WHERE datdba IN (SELECT oid FROM reached)
UNION SELECT 'rights in', datname::text FROM pg_shdepend JOIN m ON m.oid = refobjid JOIN pg_database d
  ON d.oid = CASE WHEN classid = 'pg_database'::regclass THEN objid ELSE dbid END
  WHERE refclassid = 'pg_authid'::regclass AND deptype IN ('o', 'a') AND datdba NOT IN (SELECT oid FROM reached)
ORDER BY 1, 2 LIMIT %d"""
"""Databases in which the login, or a role that it reaches, owns or was granted something."""
_OTHERS = """SELECT 'may run ' || p.oid::regprocedure FROM pg_proc p WHERE proacl IS NOT NULL
  AND proname IN ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'lo_import', 'lo_export', 'pg_file_write',
    'pg_file_rename', 'pg_file_unlink', 'pg_reload_conf', 'pg_promote', 'dblink_connect_u')
  AND EXISTS (SELECT FROM m WHERE has_function_privilege(m.oid, p.oid, 'EXECUTE'))
UNION SELECT format('may run %%s with the rights of superuser %%s', p.oid::regprocedure, rolname)
  FROM pg_proc p JOIN pg_roles r ON r.oid = proowner
  WHERE prosecdef AND rolsuper AND rolname <> 'rdsadmin' AND p.oid >= 16384
  AND prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype)
  AND EXISTS (SELECT FROM m WHERE has_function_privilege(m.oid, p.oid, 'EXECUTE'))
  AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
UNION SELECT 'may read ' || c.oid::regclass FROM pg_class c
  WHERE c.oid IN ('pg_authid'::regclass, 'pg_shadow'::regclass, 'pg_user_mapping'::regclass)
  AND EXISTS (SELECT FROM m WHERE has_any_column_privilege(m.oid, c.oid, 'SELECT'))
UNION SELECT 'may read the passwords of subscriptions' FROM m
  WHERE has_column_privilege(m.oid, 'pg_subscription'::regclass, 'subconninfo', 'SELECT')
UNION SELECT 'may create functions in pg_catalog' FROM m WHERE has_schema_privilege(m.oid, 'pg_catalog', 'CREATE')
UNION SELECT 'owner of ' || pg_describe_object(classid, objid, 0) FROM pg_shdepend JOIN m ON m.oid = refobjid
  WHERE refclassid = 'pg_authid'::regclass AND deptype = 'o' AND objid < 16384 AND classid <> 'pg_database'::regclass
  AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
  AND (classid, objid) <> ('pg_namespace'::regclass, (SELECT oid FROM pg_namespace WHERE nspname = 'public'))
UNION SELECT 'may write functions in ' || lanname FROM pg_language
  WHERE lanpltrusted AND lanname IN ('c', 'internal', 'plperlu', 'plpython3u', 'pltclu')
  AND EXISTS (SELECT FROM m WHERE has_language_privilege(m.oid, pg_language.oid, 'USAGE'))
%s ORDER BY 1 LIMIT %d"""
_PARAMETERS = """UNION SELECT 'may set parameter ' || parname FROM pg_parameter_acl WHERE EXISTS (SELECT FROM m
  WHERE has_parameter_privilege(m.oid, parname, 'ALTER SYSTEM') OR has_parameter_privilege(m.oid, parname, 'SET')
  AND parname IN ('session_preload_libraries', 'dynamic_library_path', 'allow_system_table_mods'))"""
"""Rights since version 15."""


def read(server: ServerConnection, databases: Collection[str]) -> List[str]:
    """Rights beyond the login's own ``databases``, those of the catalog's URLs. Raises DatabaseError."""
    rows = _rows(server, _ROLES % (_COLUMNS, ROWS))
    own, others = rows[0], rows[1:ROWS]
    if own[2]:
        return ["SUPERUSER"]
    rights = [name for name, has in zip(_ATTRIBUTES, own[2:]) if has]
    for is_set, role, *attributes in others:
        names = [name for name, has in zip(_ATTRIBUTES, attributes) if has and is_set]  # attributes are not inherited
        rights += ["%s by role %s" % (name, str(role)[:LONGEST]) for name in names]
        rights += ["member of %s" % role] if role in _POWERFUL else []
    own_databases = {*databases, server.target.database}
    for right, name in _rows(server, _DATABASES % ROWS)[:ROWS]:
        rights += ["%s database %s" % (right, name[:LONGEST])] if name not in own_databases else []
    (version,) = server.rows("SELECT current_setting('server_version_num')::int", doing=_DOING)
    others = _rows(server, _OTHERS % (_PARAMETERS if version[0] >= 150000 else "", MOST))
    return list(dict.fromkeys(rights + [str(row[0])[: 2 * LONGEST] for row in others]))[:MOST]


def _rows(server: ServerConnection, query: str) -> List[Any]:
    return server.rows(_REACHED + query, doing=_DOING)
