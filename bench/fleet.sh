# Shared by the experts' scripts, which source it. From the environment: HOSTS, SSH_CONFIG and APP, the folder in which
# each host has its own. It leaves a script in a private folder that is removed at its end.
# shellcheck shell=bash
set -euo pipefail
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
# shellcheck disable=SC2034
read -ra hosts <<<"${HOSTS:?}"

on() { ssh -F "${SSH_CONFIG:?}" "$1" "cd ${APP:?}/$1 && $2"; }

every() { # COMMAND HOST …: on all of them at once; fails if it failed on one
    local pids=() host
    for host in "${@:2}"; do
        "$1" "$host" &
        pids+=($!)
    done
    for host in "${pids[@]}"; do wait "$host"; done
}

secret() { aws secretsmanager get-secret-value --secret-id "$1" --version-stage AWSCURRENT --output json; }

stage() { # SECRET NAME: NAME.new becomes a pending version; its id is in NAME.version
    aws secretsmanager put-secret-value --secret-id "$1" --secret-string "file://$2.new" --version-stages AWSPENDING \
        --query VersionId --output text >"$2.version"
}

record() { # WORDS: one line in the audit log
    jq -n --arg words "$1" --arg who "$USER" '[{timestamp: (now * 1000 | floor), message: ({$who, $words} | tojson)}]' >record
    aws logs put-log-events --log-group-name /watchparty/secrets-audit --log-stream-name "${STREAM:?}" \
        --log-events file://record >recorded
}

promote() { # SECRET NAME: NAME.version becomes current in place of what NAME.read holds
    aws secretsmanager update-secret-version-stage --secret-id "$1" --version-stage AWSCURRENT \
        --move-to-version-id "$(cat "$2.version")" --remove-from-version-id "$(jq -r .VersionId "$2.read")" >"$2.promoted"
    aws secretsmanager update-secret-version-stage --secret-id "$1" --version-stage AWSPENDING \
        --remove-from-version-id "$(cat "$2.version")" >"$2.promoted"
}
