# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What gives a login of PostgreSQL too many rights, or does not. ``shop_b`` logs in, as a member of ``shop_a``."""

from __future__ import annotations

POSTGRESQL_MISTAKES = {
    "ALTER ROLE shop_b SUPERUSER": "SUPERUSER",
    "ALTER ROLE shop_b CREATEROLE": "CREATEROLE",
    "ALTER ROLE shop_b CREATEDB": "CREATEDB",
    "ALTER ROLE shop_b REPLICATION": "REPLICATION",
    "ALTER ROLE shop_b BYPASSRLS": "BYPASSRLS",
    "ALTER ROLE shop_a CREATEDB": "CREATEDB by role shop_a",
    "GRANT pg_execute_server_program TO shop_a": "member of pg_execute_server_program",
    "ALTER DATABASE other OWNER TO shop_a": "owner of database other",
}
FUNCTION = "FUNCTION {0}(text) RETURNS int {1} LANGUAGE sql AS 'SELECT 1'"
BY_OTHER_WAYS = {
    "ALTER DATABASE template1 OWNER TO shop_b": ("ALTER DATABASE template1 OWNER TO postgres", "owner of database t"),
    "ALTER DATABASE other IS_TEMPLATE true; ALTER DATABASE other OWNER TO shop_a": (
        "ALTER DATABASE other IS_TEMPLATE false; ALTER DATABASE other OWNER TO postgres",
        "owner of database other",
    ),
    "GRANT CREATE ON DATABASE other TO shop_b": ("REVOKE CREATE ON DATABASE other FROM shop_b", "rights in database o"),
    "GRANT pg_signal_backend TO shop_b": ("REVOKE pg_signal_backend FROM shop_b", "member of pg_signal_backend"),
    "CREATE ROLE azure_pg_admin; GRANT azure_pg_admin TO shop_a": ("DROP ROLE azure_pg_admin", "member of azure_pg_a"),
    "GRANT SELECT (rolpassword) ON pg_authid TO shop_a": (
        "REVOKE SELECT (rolpassword) ON pg_authid FROM shop_a",
        "may read pg_authid",
    ),
    "GRANT SELECT ON pg_shadow TO PUBLIC": ("REVOKE SELECT ON pg_shadow FROM PUBLIC", "may read pg_shadow"),
    "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC": (
        "REVOKE EXECUTE ON FUNCTION pg_read_file(text) FROM PUBLIC",
        "may run pg_read_file(text)",
    ),
    "GRANT EXECUTE ON FUNCTION lo_export(oid, text) TO shop_a": (
        "REVOKE EXECUTE ON FUNCTION lo_export(oid, text) FROM shop_a",
        "may run lo_export(oid,text)",
    ),
    f"CREATE {FUNCTION.format('root', 'SECURITY DEFINER')}": (
        "DROP FUNCTION root",
        "may run public.root(text) with the rights of superuser postgres",
    ),
    "CREATE PROCEDURE root(text) SECURITY DEFINER LANGUAGE sql AS 'SELECT 1'": (
        "DROP PROCEDURE root",
        "may run public.root(text) with the rights of superuser postgres",
    ),
    "UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'c'": (
        "UPDATE pg_language SET lanpltrusted = false WHERE lanname = 'c'",
        "may write functions in c",
    ),
    "GRANT SET ON PARAMETER session_preload_libraries TO shop_b": (
        "REVOKE SET ON PARAMETER session_preload_libraries FROM shop_b",
        "may set parameter session_preload_libraries",
    ),
    "GRANT ALTER SYSTEM ON PARAMETER archive_command TO shop_a": (
        "REVOKE ALTER SYSTEM ON PARAMETER archive_command FROM shop_a",
        "may set parameter archive_command",
    ),
    "GRANT SELECT (subconninfo) ON pg_subscription TO PUBLIC": (
        "REVOKE SELECT (subconninfo) ON pg_subscription FROM PUBLIC",
        "may read the passwords of subscriptions",
    ),
    "GRANT CREATE ON SCHEMA pg_catalog TO shop_a": (
        "REVOKE CREATE ON SCHEMA pg_catalog FROM shop_a",
        "may create functions in pg_catalog",
    ),
    "ALTER FUNCTION lower(text) OWNER TO shop_b": (
        "ALTER FUNCTION lower(text) OWNER TO postgres",
        "owner of function lower(text)",
    ),
    "ALTER TABLESPACE pg_default OWNER TO shop_a": (
        "ALTER TABLESPACE pg_default OWNER TO postgres",
        "owner of tablespace pg_default",
    ),
}
"""By a mistake in the application's database: what takes it back, and the right."""
IN_OTHER = {
    "CREATE SCHEMA s AUTHORIZATION shop_b": "DROP SCHEMA s",
    "CREATE TABLE t(); GRANT SELECT ON t TO shop_a": "DROP TABLE t",
    "CREATE ROLE g; CREATE TABLE t(); ALTER TABLE t OWNER TO g; GRANT g TO shop_b": "DROP TABLE t; DROP ROLE g",
}
HARMLESS = {
    f"CREATE {FUNCTION.format('plain', '')}": "DROP FUNCTION plain",
    f"CREATE {FUNCTION.format('kept', 'SECURITY DEFINER')}; REVOKE ALL ON FUNCTION kept FROM PUBLIC": (
        "DROP FUNCTION kept"
    ),
    "CREATE FUNCTION t() RETURNS trigger SECURITY DEFINER LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'": (
        "DROP FUNCTION t"
    ),
    "CREATE TABLE t(); GRANT SELECT ON t TO shop_b": "DROP TABLE t",
    "GRANT SET ON PARAMETER log_min_duration_statement TO shop_b": (
        "REVOKE SET ON PARAMETER log_min_duration_statement FROM shop_b"
    ),
    "ALTER SCHEMA public OWNER TO shop_b": "ALTER SCHEMA public OWNER TO pg_database_owner",
    "CREATE EXTENSION citext SCHEMA public; ALTER FUNCTION citext(inet) OWNER TO shop_b": "DROP EXTENSION citext",
    "GRANT pg_monitor TO shop_b": "REVOKE pg_monitor FROM shop_b",
}
MEMBERSHIPS = {
    "CREATE ROLE g CREATEDB; GRANT g TO shop_b WITH INHERIT FALSE, SET TRUE": ("DROP ROLE g", "CREATEDB by role g"),
    "CREATE ROLE g CREATEDB; GRANT g TO shop_b WITH INHERIT FALSE, SET FALSE, ADMIN TRUE": (
        "DROP ROLE g",
        "CREATEDB by role g",
    ),
    "CREATE ROLE g CREATEDB; CREATE ROLE h; GRANT h TO shop_b WITH INHERIT TRUE, SET FALSE; "
    "GRANT g TO h WITH INHERIT FALSE, SET FALSE, ADMIN TRUE": ("DROP ROLE g, h", "CREATEDB by role g"),
    "CREATE ROLE h; GRANT h TO shop_b WITH INHERIT FALSE; GRANT pg_read_all_data TO h WITH SET FALSE": (
        "DROP ROLE h",
        "member of pg_read_all_data",
    ),
}
"""With options, which memberships have from version 16."""
HARMLESS_MEMBERSHIPS = {
    "CREATE ROLE g CREATEDB; GRANT g TO shop_b WITH INHERIT TRUE, SET FALSE": "DROP ROLE g",
    "CREATE ROLE g; GRANT pg_read_all_data TO g; GRANT g TO shop_b WITH INHERIT FALSE, SET FALSE": "DROP ROLE g",
    "CREATE ROLE g CREATEDB; CREATE ROLE h; GRANT h TO shop_b WITH SET FALSE; GRANT g TO h WITH INHERIT FALSE": (
        "DROP ROLE g, h"
    ),
}
