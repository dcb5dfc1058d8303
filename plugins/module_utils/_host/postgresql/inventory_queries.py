# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Queries to PostgreSQL for a baseline. Columns: kind, name, facts, text to digest or '', statement that removes it,
and the transaction that wrote it, if known.

The server's own objects have oids below 16384.
"""

from __future__ import annotations

ROLES = """WITH own(raw, shown) AS (VALUES ('', '')%(own)s),
r AS (
  SELECT oid, quote_ident(rolname) AS sql, coalesce(shown, quote_ident(rolname)) AS name,
    shown IS NOT NULL AND shown <> rolname AS takes_turns
  FROM pg_roles LEFT JOIN own ON raw = rolname
  UNION ALL SELECT 0, 'PUBLIC', 'PUBLIC', false),
n AS (SELECT * FROM pg_namespace WHERE (oid >= 16384 OR nspname = 'public') AND nspname !~ '^pg_(toast_)?temp_'),
d AS (SELECT * FROM pg_database WHERE datname = current_database())
"""
"""Roles by their names in the baseline, schemas, and the database. Role 0 is PUBLIC."""
KINDS = (
    *("role", "membership", "setting", "owner", "grant", "default privilege", "function", "trigger", "event trigger"),
    *("extension", "foreign server", "replication"),
)
OF_ALL = """
SELECT 'role', format('%s %s', name, attribute), '', '', format('ALTER ROLE %s NO%s', sql, attribute), NULL::xid
  FROM pg_roles JOIN r USING (oid) CROSS JOIN LATERAL (VALUES ('LOGIN', rolcanlogin AND NOT takes_turns),
    ('SUPERUSER', rolsuper), ('CREATEROLE', rolcreaterole), ('CREATEDB', rolcreatedb), ('REPLICATION', rolreplication),
    ('BYPASSRLS', rolbypassrls)) v(attribute, has) WHERE has
UNION ALL
SELECT 'membership', format('of %s in %s', m.name, g.name),
    CASE WHEN admin_option THEN 'with admin option' ELSE '' END, '', format('REVOKE %s FROM %s', g.sql, m.sql), a.xmin
  FROM pg_auth_members a JOIN r m ON m.oid = member JOIN r g ON g.oid = roleid WHERE member >= 16384
UNION ALL
SELECT 'setting', format('%s of %s%s', split_part(line, '=', 1), CASE WHEN setrole = 0 THEN 'all roles' ELSE name END,
    ' in database ' || quote_ident(datname)), '', line, CASE WHEN setrole = 0 AND setdatabase <> 0
    THEN format('ALTER DATABASE %I RESET %s', datname, split_part(line, '=', 1))
    ELSE format('ALTER ROLE %s%s RESET %s', CASE WHEN setrole = 0 THEN 'ALL' ELSE sql END,
      ' IN DATABASE ' || quote_ident(datname), split_part(line, '=', 1)) END, o.xmin
  FROM pg_db_role_setting o JOIN r ON r.oid = setrole LEFT JOIN pg_database b ON b.oid = setdatabase
  CROSS JOIN LATERAL unnest(setconfig) line
UNION ALL
SELECT 'owner', format('%s of database %I', name, datname), '', '',
    format('ALTER DATABASE %I OWNER TO …', datname), NULL
  FROM d JOIN r ON r.oid = datdba
UNION ALL
SELECT 'owner', format('%s of schema %I', name, nspname), '', '', format('ALTER SCHEMA %I OWNER TO …', nspname), NULL
  FROM n JOIN r ON r.oid = nspowner
UNION ALL
SELECT DISTINCT 'owner', format('%s of tables in schema %I', name, nspname), '', '',
    format('REASSIGN OWNED BY %s TO …', sql), NULL::xid
  FROM pg_class JOIN n ON n.oid = relnamespace JOIN r ON r.oid = relowner
UNION ALL
SELECT 'grant', format('%s on database %I to %s', privilege_type, datname, name), '', '',
    format('REVOKE %s ON DATABASE %I FROM %s', privilege_type, datname, sql), NULL
  FROM d CROSS JOIN LATERAL aclexplode(coalesce(datacl, acldefault('d', datdba))) JOIN r ON r.oid = grantee
UNION ALL
SELECT 'grant', format('%s on schema %I to %s', privilege_type, nspname, name), '', '',
    format('REVOKE %s ON SCHEMA %I FROM %s', privilege_type, nspname, sql), NULL
  FROM n CROSS JOIN LATERAL aclexplode(coalesce(nspacl, acldefault('n', nspowner))) JOIN r ON r.oid = grantee
UNION ALL
SELECT DISTINCT 'grant', format('%s on tables in schema %I to %s', privilege_type, nspname, name), '', '',
    format('REVOKE %s ON ALL TABLES IN SCHEMA %I FROM %s', privilege_type, nspname, sql), NULL::xid
  FROM pg_class JOIN n ON n.oid = relnamespace CROSS JOIN LATERAL aclexplode(relacl) JOIN r ON r.oid = grantee
  WHERE grantee NOT IN (0, relowner)
UNION ALL
SELECT 'grant', format('%s on %s to PUBLIC', privilege_type, c.oid::regclass), '', '',
    format('REVOKE %s ON %s FROM PUBLIC', privilege_type, c.oid::regclass), c.xmin
  FROM pg_class c JOIN n ON n.oid = relnamespace CROSS JOIN LATERAL aclexplode(relacl) WHERE grantee = 0
UNION ALL
SELECT 'grant', format('%s on column %I of %s to %s', privilege_type, attname, c.oid::regclass, name), '', '',
    format('REVOKE %s (%I) ON %s FROM %s', privilege_type, attname, c.oid::regclass, sql), t.xmin
  FROM pg_class c JOIN n ON n.oid = relnamespace JOIN pg_attribute t ON attrelid = c.oid
  CROSS JOIN LATERAL aclexplode(attacl) JOIN r ON r.oid = grantee
UNION ALL
SELECT 'default privilege', format('%s on new objects (%s) of %s%s to %s', privilege_type, defaclobjtype, o.name,
    ' in schema ' || quote_ident(nspname), g.name), '', '',
    format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s REVOKE %s ON %s FROM %s', o.sql,
      ' IN SCHEMA ' || quote_ident(nspname), privilege_type, CASE defaclobjtype WHEN 'r' THEN 'TABLES'
      WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS'
      ELSE 'LARGE OBJECTS' END, g.sql), t.xmin
  FROM pg_default_acl t CROSS JOIN LATERAL aclexplode(defaclacl) JOIN r o ON o.oid = defaclrole
  JOIN r g ON g.oid = grantee LEFT JOIN pg_namespace s ON s.oid = defaclnamespace WHERE grantee <> defaclrole
UNION ALL
SELECT 'function', p.oid::regprocedure::text, format('%s, %s, owner %s, callable by %s', lanname,
    CASE WHEN prosecdef THEN 'security definer' ELSE 'security invoker' END, r.name, coalesce((
      SELECT string_agg(DISTINCT e.name, ', ' ORDER BY e.name)
      FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) JOIN r e ON e.oid = grantee), 'nobody')),
    prosrc || coalesce(probin, '') || coalesce(proconfig::text, ''), 'DROP ROUTINE ' || p.oid::regprocedure, p.xmin
  FROM pg_proc p JOIN pg_language l ON l.oid = prolang JOIN r ON r.oid = proowner
  WHERE p.oid >= 16384 AND (prosecdef OR NOT lanpltrusted AND NOT EXISTS (
    SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e'))
UNION ALL
SELECT 'trigger', format('%I on %s', tgname, tgrelid::regclass),
    format('calls %s, enabled %s', tgfoid::regproc, tgenabled), pg_get_triggerdef(t.oid) || prosrc,
    format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass), t.xmin
  FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid WHERE NOT tgisinternal
UNION ALL
SELECT 'trigger', format('rule %I on %s', rulename, ev_class::regclass), '', pg_get_ruledef(oid),
    format('DROP RULE %I ON %s', rulename, ev_class::regclass), xmin
  FROM pg_rewrite WHERE oid >= 16384 AND rulename <> '_RETURN'
UNION ALL
SELECT 'event trigger', quote_ident(evtname),
    format('%s, calls %s, enabled %s', evtevent, evtfoid::regproc, evtenabled), prosrc,
    format('DROP EVENT TRIGGER %I', evtname), t.xmin
  FROM pg_event_trigger t JOIN pg_proc p ON p.oid = evtfoid
UNION ALL
SELECT 'extension', quote_ident(extname), '', '', format('DROP EXTENSION %I', extname), xmin FROM pg_extension
UNION ALL
SELECT 'foreign server', quote_ident(srvname), format('owner %s', name), coalesce(srvoptions::text, ''),
    format('DROP SERVER %I CASCADE', srvname), s.xmin
  FROM pg_foreign_server s JOIN r ON r.oid = srvowner
UNION ALL
SELECT 'foreign server', format('%I for %s', srvname, coalesce(name, usename)), '', '',
    format('DROP USER MAPPING FOR %s SERVER %I', coalesce(sql, quote_ident(usename)), srvname), NULL
  FROM pg_user_mappings LEFT JOIN r ON r.oid = umuser
UNION ALL
SELECT 'replication', format('publication %I', pubname), format('owner %s', name), '',
    format('DROP PUBLICATION %I', pubname), p.xmin
  FROM pg_publication p JOIN r ON r.oid = pubowner
UNION ALL
SELECT 'replication', format('subscription %I', subname), '', '', format('DROP SUBSCRIPTION %I', subname), NULL
  FROM pg_subscription
UNION ALL
SELECT 'replication', format('slot %I', slot_name), slot_type, '',
    format('SELECT pg_drop_replication_slot(%L)', slot_name), NULL
  FROM pg_replication_slots WHERE NOT temporary
"""
"""Rows that any login sees."""
OF_ADMINISTRATORS = {
    "pg_hba rule": """
SELECT 'pg_hba rule', concat_ws(' ', type, database::text, user_name::text, address, netmask, auth_method, error), '',
    coalesce(options::text, ''), 'remove it from pg_hba.conf, then SELECT pg_reload_conf()', NULL::xid
  FROM pg_hba_file_rules""",
    "password": """
SELECT 'password', format('of %s', name), '', rolpassword, format('ALTER ROLE %s PASSWORD NULL', sql), a.xmin
  FROM pg_authid a JOIN r USING (oid) WHERE rolpassword IS NOT NULL AND rolname NOT IN (SELECT raw FROM own)""",
    "scheduled job": """
SELECT 'scheduled job', format('%s of %s', jobid::bigint, quote_ident(username)),
    format('%s in %s', schedule, database), command, format('SELECT cron.unschedule(%s)', jobid::bigint), NULL::xid
  FROM cron.job""",
}
"""Queries by kind, for a superuser or a login that was granted the right."""
NEEDED = {
    "scheduled job": """
SELECT 1 FROM pg_extension e
  JOIN pg_depend d ON refclassid = 'pg_extension'::regclass AND refobjid = e.oid AND deptype = 'e'
  JOIN pg_class c ON classid = 'pg_class'::regclass AND objid = c.oid AND objsubid = 0
  JOIN pg_namespace s ON s.oid = relnamespace
  WHERE extname = 'pg_cron' AND nspname = 'cron' AND relname = 'job' AND relkind = 'r'
  AND NOT row_security_active(c.oid)
  AND NOT EXISTS (SELECT FROM pg_roles WHERE oid IN (extowner, nspowner, relowner) AND NOT rolsuper)""",
}
"""Preconditions by kind: a view of another role runs its functions as the administrator. pg_cron shows a role without
BYPASSRLS only its own jobs."""
END = """SELECT kind, left(name, 2000), left(facts, 2000),
  CASE WHEN text = '' THEN '' ELSE encode(sha256(convert_to(text, 'UTF8')), 'hex') END, left(undo, 2000),
  CASE WHEN current_setting('track_commit_timestamp')::bool THEN coalesce(to_char(
    pg_xact_commit_timestamp(written) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), '') ELSE '' END
FROM (%(query)s) e(kind, name, facts, text, undo, written) ORDER BY 1, 2 LIMIT %(limit)d"""
