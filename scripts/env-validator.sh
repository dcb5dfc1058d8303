#!/usr/bin/env bash
# The guide's commands, over the playbooks validate, fetch, env_encrypt and env_decrypt.
# Exit codes: 0 good, 1 invalid, 2 usage, 3 no access.
set -u

usage() {
  cat >&2 <<'TEXT'
usage: env-validator.sh validate ENVIRONMENT [--file FILE] [NAME=VALUE ...] [-- ANSIBLE-OPTION ...]
       env-validator.sh fetch-secrets ENVIRONMENT [NAME=VALUE ...] [-- ANSIBLE-OPTION ...]
       env-validator.sh encrypt|decrypt ENVIRONMENT [--file FILE] [NAME=VALUE ...] [-- ANSIBLE-OPTION ...]

  validate       has this environment every required setting, well-formed, in its stores?
                 --file FILE asks the same of a file and needs no AWS
  fetch-secrets  writes .env in this folder, mode 0600; other keys of a present file stay
  encrypt        writes the encrypted .env that the catalog names (encrypted_env.file), or FILE, from the stores
  decrypt        writes .env in this folder from that file, mode 0600; reads no store

  -i INVENTORY   inventory with the catalog in its group_vars (default: $ANSIBLE_INVENTORY, then ./inventory,
                 ./inventory.yml or ./hosts.yml). In a clone of this collection without one, the Watch Party example;
                 the first line of output names it. Elsewhere an inventory is required.

Variables, before the command, after it, or exported:
  AWS_SECRETS_MANAGER_SECRET_ID   secret(s) to read instead of the catalog's, separated by commas
  AWS_SSM_PARAM_PATH              path to read, recursively, instead of the catalog's
  AWS_REGION, AWS_PROFILE, ...    as the AWS tools use them

Exit codes: 0 good, 1 invalid, 2 usage, 3 no access.
TEXT
}

fail_usage() {
  printf 'env-validator.sh: %s\n\n' "$1" >&2
  usage
  exit 2
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
command=${1-}
case $command in
  validate | fetch-secrets | encrypt | decrypt) shift ;;
  -h | --help | help) usage; exit 0 ;;
  '') fail_usage 'the command is missing' ;;
  *) fail_usage "unknown command '$command'" ;;
esac
environment=${1-}
case $environment in
  '' | -* | *=*) fail_usage "$command needs an environment, such as production" ;;
esac
[[ $environment =~ ^[a-z0-9][a-z0-9_-]*$ ]] || fail_usage "'$environment' is not an environment's name"
shift

inventory=${ANSIBLE_INVENTORY-}
file=
while (($#)); do
  case $1 in
    --file)
      [[ $command != fetch-secrets ]] || fail_usage '--file is for validate, encrypt and decrypt only'
      [[ -n ${2-} ]] || fail_usage '--file needs a path'
      file=$2
      shift 2
      ;;
    -i | --inventory)
      [[ -n ${2-} ]] || fail_usage "$1 needs a path"
      inventory=$2
      shift 2
      ;;
    --)
      shift
      break
      ;;
    AWS_*=*)
      export "${1?}"
      shift
      ;;
    *=*) fail_usage "unknown variable '${1%%=*}'; this script accepts variables that start with AWS_" ;;
    *) fail_usage "unknown argument '$1'" ;;
  esac
done
if [[ -n $file && (-n ${AWS_SECRETS_MANAGER_SECRET_ID-} || -n ${AWS_SSM_PARAM_PATH-}) ]]; then
  fail_usage '--file cannot be combined with AWS_SECRETS_MANAGER_SECRET_ID or AWS_SSM_PARAM_PATH; leave one out'
fi
if [[ $command == *crypt && (-n ${AWS_SECRETS_MANAGER_SECRET_ID-} || -n ${AWS_SSM_PARAM_PATH-}) ]]; then
  fail_usage "$command uses the secrets and the path of the catalog; leave out AWS_SECRETS_MANAGER_SECRET_ID and AWS_SSM_PARAM_PATH"
fi
if [[ -n $file && $command != encrypt && ! -r $file ]]; then
  printf 'env-validator.sh: %s cannot be read\n' "$file" >&2
  exit 2
fi
if [[ -z $inventory ]]; then
  for candidate in ./inventory ./inventory.yml ./hosts.yml; do
    [[ -e $candidate ]] && inventory=$candidate && break
  done
fi
# The guide's commands are run in the clone. Elsewhere another application's catalog would be used.
if [[ -z $inventory && $(pwd -P) == "$root" ]]; then
  inventory=$root/examples/watchparty/hosts.yml
fi
[[ -n $inventory ]] || fail_usage "no inventory: this folder has none of inventory, inventory.yml and hosts.yml; \
give -i INVENTORY, or -i $root/examples/watchparty/hosts.yml for the Watch Party example"
[[ $inventory == *,* || -e $inventory ]] || fail_usage "there is no inventory $inventory; give another one by -i INVENTORY"
if [[ $inventory == "$root/examples/watchparty/hosts.yml" ]]; then
  printf 'catalog: the Watch Party example, %s (another one: -i INVENTORY)\n' "$inventory"
else
  printf 'catalog: inventory %s\n' "$inventory"
fi

# Commands that only read need no ansible-playbook, unless the operator gives options for it.
if [[ $command == validate && $# -eq 0 ]]; then
  exec "$root/scripts/secrets" validate "$environment" -i "$inventory" ${file:+--file "$file"}
fi

runner=ansible-playbook
command -v "$runner" >/dev/null || runner=$root/.venv/bin/ansible-playbook
if ! command -v "$runner" >/dev/null; then
  echo 'env-validator.sh: ansible-playbook was not found; install ansible-core and boto3, or run make setup' >&2
  exit 2
fi

status=$(mktemp -d) || exit 2
trap 'rm -rf "$status"' EXIT
json_of() { python3 -c 'import json, sys; print(json.dumps(dict(zip(sys.argv[1::2], sys.argv[2::2]))))' "$@"; }
extra=(env_fetch_status "$status/kind" app_environment "$environment")
[[ -n ${AWS_SSM_PARAM_PATH-} ]] && extra+=(env_fetch_ssm_path "$AWS_SSM_PARAM_PATH")
if [[ -n $file ]]; then
  file=$(cd "$(dirname "$file")" && pwd)/$(basename "$file") || exit 2
fi
case $command in
  validate) [[ -n $file ]] && extra+=(env_fetch_file "$file") ;;
  fetch-secrets) extra+=(env_fetch_path "$PWD/.env") ;;
  encrypt) [[ -n $file ]] && extra+=(encrypt_file "$file") ;;
  decrypt)
    [[ -n $file ]] && extra+=(decrypt_file "$file")
    extra+=(decrypt_path "$PWD/.env")
    ;;
esac
options=(-e "$(json_of "${extra[@]}")")
if [[ -n ${AWS_SECRETS_MANAGER_SECRET_ID-} ]]; then
  ids=$(python3 -c 'import json, sys; print(json.dumps({"env_fetch_secret_ids": [i.strip() for i in sys.argv[1].split(",") if i.strip()]}))' \
    "$AWS_SECRETS_MANAGER_SECRET_ID")
  options+=(-e "$ids")
fi
case $command in
  validate) playbook=validate ;;
  fetch-secrets) playbook=fetch ;;
  *) playbook=env_$command ;;
esac

ANSIBLE_DISPLAY_SKIPPED_HOSTS=false "$runner" -i "$inventory" "$root/playbooks/$playbook.yml" "${options[@]}" "$@"
code=$?
((code == 0)) && exit 0
case $(cat "$status/kind" 2>/dev/null) in
  NoAccess | Denied | WrongAccount) exit 3 ;;
  '') ((code == 4 || code == 2)) && exit 1 || exit 2 ;;
  *) exit 1 ;;
esac
