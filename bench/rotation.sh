#!/usr/bin/env bash
# The baseline of a rotation: an expert's script that rotates the database's login on every host, with the AWS
# command line, psql and parallel ssh. Two logins alternate; one host goes first, then all others at once.
#
# From the environment: HOSTS, SSH_CONFIG, APP (the applications' folder; each host has its own in it), PGHOST, PGPORT,
# PGDATABASE. It keeps no journal, plans nothing, and a killed run must be repaired by hand.
# shellcheck source=bench/fleet.sh
. "$(dirname "$0")/fleet.sh"
core=watchparty/production/core
all_in_one=all-in-one-credentials
copy=/WatchParty/production/DB/URL

psql_there() { # USER PASSWORD-FILE DATABASE, statements on standard input: psql on the first host, which has a route
    { printf 'export PGPASSWORD=%q\n' "$(cat "$2")"
      printf 'exec psql -XqAtw -v ON_ERROR_STOP=1 -h %q -p %q -U %q %q <<"END"\n' "$PGHOST" "$PGPORT" "$1" "$3"
      cat
      echo END; } | on "${hosts[0]}" 'bash -s'
}

# Read the state
secret "$core" >core.read &
secret "$all_in_one" >all.read &
secret watchparty/production/database-admin >admin.read &
wait
jq -j .SecretString core.read >core.old
jq -j .SecretString all.read >all.old
jq -j '.SecretString | fromjson.password' admin.read >admin.password
admin=$(jq -r '.SecretString | fromjson.username' admin.read)
jq -j .password all.old >old.password
old=$(jq -r .username all.old)
case $old in *_a) new=${old%_a}_b ;; *) new=${old%_b}_a ;; esac

# Ask the server before anything is written
echo "SELECT rolcreaterole OR rolsuper, (SELECT count(*) FROM pg_roles WHERE rolname IN ('$old', '$new', '${new%_*}'))
    FROM pg_roles WHERE rolname = current_user" | psql_there "$admin" admin.password postgres >answer
grep -qx 't|3' answer

# Stage
printf %s "n$(openssl rand -hex 24)" >new.password
jq --arg old "$old" --arg new "$new" --rawfile from old.password --rawfile to new.password \
    '.DATABASE_URL |= (split("//\($old):\($from)@") | join("//\($new):\($to)@"))' core.old >core.new
jq --arg new "$new" --rawfile to new.password '.username = $new | .password = $to' all.old >all.new
jq -j .DATABASE_URL core.new >url.new
stage "$core" core &
stage "$all_in_one" all &
wait

# Set: the verifier is made here, so that the server's log never sees the password
python3 - new.password >verifier <<'END'
import base64, hashlib, hmac, os, sys
password, salt = open(sys.argv[1], "rb").read(), os.urandom(16)
salted = hashlib.pbkdf2_hmac("sha256", password, salt, 4096)
stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
parts = [base64.b64encode(part).decode() for part in (salt, stored, hmac.digest(salted, b"Server Key", "sha256"))]
print("SCRAM-SHA-256$4096:{}${}:{}".format(*parts), end="")
END
psql_there "$admin" admin.password postgres <<END
SET client_min_messages TO error;
GRANT "${new%_*}" TO "$new";
ALTER ROLE "$new" SET role TO "${new%_*}";
ALTER ROLE "$new" LOGIN PASSWORD '$(cat verifier)';
END

# Test
[ "$(echo 'SELECT current_user;' | psql_there "$new" new.password "$PGDATABASE")" = "${new%_*}" ]

# Deploy
printf "DATABASE_URL='%s'\n" "$(cat url.new)" >line
deploy() {
    on "$1" '{ grep -v ^DATABASE_URL= .env; cat; } >.env.new && chown --reference=.env .env.new && mv .env.new .env' <line
    on "$1" './restart-host && for try in $(seq 60); do
        curl -fsS -o health "$(cat health-url)" 2>/dev/null && exit; sleep 0.5; done; exit 1'
}
deploy "${hosts[0]}"
every deploy "${hosts[@]:1}"

# Promote
promote "$core" core
promote "$all_in_one" all
aws ssm put-parameter --name "$copy" --type SecureString --overwrite --value file://url.new >copied

# Revoke, once every host is seen to have the new line
has_it() { on "$1" 'grep -qxF "$(cat)" .env' <line; }
every has_it "${hosts[@]}"
psql_there "$admin" admin.password postgres <<END >ended
ALTER ROLE "$old" NOLOGIN PASSWORD NULL;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$old';
END
if echo 'SELECT 1;' | psql_there "$old" old.password "$PGDATABASE" 2>refusal; then
    echo "$old is still accepted" >&2
    exit 1
fi
grep -qE 'not permitted to log in|password authentication failed' refusal
record "$old to $new on ${#hosts[@]} hosts"
echo "$old to $new on ${#hosts[@]} hosts"
