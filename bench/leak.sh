#!/usr/bin/env bash
# The baseline of a leak response: an expert's script that replaces the cache's password on every host, with the
# AWS command line, valkey-cli and parallel ssh, purges the cache, and makes the leaked version unreadable.
#
# From the environment: HOSTS, SSH_CONFIG, APP (each host has its own folder in it), CACHE_HOST, CACHE_PORT, HEALTH_URL.
# It assesses nothing, keeps no journal and no post-mortem, and a killed run must be repaired by hand.
# shellcheck source=bench/fleet.sh
. "$(dirname "$0")/fleet.sh"
core=watchparty/production/core
token=watch-party-valkey-001-auth-token

cache() { # USER PASSWORD-FILE, commands on standard input: valkey-cli on the first host, which has a route
    { printf 'AUTH %s %s\n' "$1" "$(cat "$2")"
      cat; } | on "${hosts[0]}" "valkey-cli -h $CACHE_HOST -p $CACHE_PORT"
}

# Read the state
secret "$core" >core.read &
secret "$token" >token.read &
secret watchparty/production/cache-admin >admin.read &
wait
jq -j .SecretString core.read >core.old
jq -j .SecretString token.read >token.old
jq -j '.SecretString | fromjson.password' admin.read >admin.password
admin=$(jq -r '.SecretString | fromjson.username' admin.read)
jq -j '.REDIS_URL | capture("//[^:]*:(?<password>[^@]*)@").password' core.old >old.password

# Keep evidence: sessions, authorized keys and processes with their start; the server's clients
seen() { on "$1" 'last -n 50 2>/dev/null; cat ~/.ssh/authorized_keys 2>/dev/null; ps -eo lstart,user,args' >"seen.$1"; }
every seen "${hosts[@]}" &
cache "$admin" admin.password <<<"ACL GETUSER default
CLIENT LIST" >clients
grep -q '^passwords' clients
wait $!

# Stage
printf %s "n$(openssl rand -hex 24)" >new.password
for name in core token; do
    jq --rawfile from old.password --rawfile to new.password \
        'walk(if type == "string" then split($from) | join($to) else . end)' $name.old >$name.new
done
stage "$core" core &
stage "$token" token &
wait

# Set and test: by digests, so that the server's log has no password
old_digest=$(sha256sum <old.password | cut -d' ' -f1) new_digest=$(sha256sum <new.password | cut -d' ' -f1)
cache "$admin" admin.password <<<"ACL SETUSER default #$new_digest
ACL SAVE" >set.answer
cache default new.password <<<PING | grep -qx PONG

# Deploy
settings='REDIS_URL CELERY_BROKER_URL CELERY_RESULT_BACKEND CHANNEL_LAYERS_CONFIG_HOSTS'
for name in $settings; do
    jq -r --arg name "$name" '"\($name)='"'"'\(.[$name])'"'"'"' core.new
done >lines
deploy() {
    on "$1" "{ grep -vE '^(${settings// /|})=' .env; cat; } >.env.new && chown --reference=.env .env.new && mv .env.new .env" <lines
    on "$1" "true && curl -fsS -o health '$HEALTH_URL'"
}
every deploy "${hosts[@]}"

# Promote
jq -j .REDIS_URL core.new >url.new
promote "$core" core &
promote "$token" token &
aws ssm put-parameter --name /WatchParty/production/Redis/URL --type SecureString --overwrite --value file://url.new >copied &
wait

# Revoke, once every host is seen to have the new lines
has_it() { on "$1" 'grep -cxFf /dev/stdin .env' <lines | grep -qx 4; }
every has_it "${hosts[@]}"
cache "$admin" admin.password <<<"ACL SETUSER default !$old_digest
ACL SAVE
CLIENT KILL USER default SKIPME yes" >revoked
cache default old.password <<<PING 2>&1 | grep -q WRONGPASS
record "the cache's password on ${#hosts[@]} hosts"

# Purge the cache
{ printf 'export REDISCLI_AUTH=%q\n' "$(cat new.password)"
  cat; } <<END | on "${hosts[0]}" 'bash -s' >purged
cache="valkey-cli -h $CACHE_HOST -p $CACHE_PORT -n 0"
\$cache --scan --pattern ':1:*' | xargs -r -n 500 \$cache UNLINK
END

# Scrub: the leaked versions have no label and are denied by id
scrub() {
    local version
    version=$(jq -r .VersionId "$2.read")
    aws secretsmanager update-secret-version-stage --secret-id "$1" --version-stage AWSPREVIOUS \
        --remove-from-version-id "$version" >"$2.scrubbed"
    jq -n --arg version "$version" '{Version: "2012-10-17", Statement: [{Effect: "Deny", Principal: "*", Resource: "*",
        Action: "secretsmanager:GetSecretValue", Condition: {StringEquals: {"secretsmanager:VersionId": $version}}}]}' >"$2.policy"
    aws secretsmanager put-resource-policy --secret-id "$1" --resource-policy "file://$2.policy" >"$2.denied"
}
scrub "$core" core &
scrub "$token" token &
wait
echo "the cache's password is replaced on ${#hosts[@]} hosts, and the leaked one is refused"
