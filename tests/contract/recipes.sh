#!/usr/bin/env bash
# The curl recipes of Quay's documentation, as people have them in their notes: only host, token and names are variables.
#
#   HOST=http://127.0.0.1:8000 TOKEN=… ORGANIZATION=mirrored ROBOT=mirrored+puller \
#   SOURCE_URL=https://quay.io SOURCE_NAMESPACE=projectquay \
#   REPOSITORY=acme/app REPOSITORY_ROBOT=acme+puller SOURCE_REPOSITORY=quay.io/projectquay/clair tests/contract/recipes.sh
#
# ORGANIZATION has no repositories, REPOSITORY no mirror; the robots exist. Prints a line per recipe, and stops at the
# first answer that Quay would not give.
set -euo pipefail

: "${HOST:?}" "${TOKEN:?}" "${ORGANIZATION:?}" "${ROBOT:?}" "${SOURCE_URL:?}" "${SOURCE_NAMESPACE:?}"
: "${REPOSITORY:?}" "${REPOSITORY_ROBOT:?}" "${SOURCE_REPOSITORY:?}"

namespace=${REPOSITORY%%/*}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT
status=

curl() {
  [ -z "$status" ] || { echo "a recipe was not looked at" >&2; exit 1; }
  status=$(command curl --silent --show-error --max-time 10 --output "$answer" --write-out '%{http_code}' "$@")
}

# answered STATUS WHAT [TEXT]: the recipe above was answered with this status, and with this text somewhere in its body.
answered() {
  if [ "$status" != "$1" ] || { [ -n "${3-}" ] && ! grep -qF -- "$3" "$answer"; }; then
    echo "FAILED $2: $status instead of $1${3+, or not: $3}" >&2
    head -c 2000 "$answer" >&2
    exit 1
  fi
  if [ "$1" = 204 ] && [ -s "$answer" ]; then
    echo "FAILED $2: 204 with a body" >&2
    exit 1
  fi
  echo "$1 $2"
  status=
}

# --- Creating a mirrored organization by using the API (Quay 3.17, 7.6) ---------------------------------------------

curl -X POST "$HOST/api/v1/organization/$ORGANIZATION/mirror" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  -H "Content-Type: application/json" \
  -d '{
    "external_registry_type": "quay",
    "external_registry_url": "'"$SOURCE_URL"'",
    "external_namespace": "'"$SOURCE_NAMESPACE"'",
    "robot_username": "'"$ROBOT"'",
    "visibility": "private",
    "sync_interval": 3600,
    "sync_start_date": "2025-01-01T00:00:00Z",
    "is_enabled": true
  }'
answered 201 "create an organization mirror" '""'

curl -X GET \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror"
answered 200 "read an organization mirror" NEVER_RUN

curl -X GET \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror/repositories?page=1&limit=100"
answered 200 "list the mirrored repositories" has_next

curl -X POST \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror/sync-now"
answered 204 "sync an organization now"

curl -X POST \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror/sync-cancel"
answered 204 "cancel the sync of an organization"

curl -X PUT \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  -H "Content-Type: application/json" \
  -d '{"is_enabled": true, "sync_interval": 7200}' \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror"
answered 200 "change an organization mirror" '""'

curl -X POST \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror/verify"
answered 200 "verify the connection of an organization mirror" '"success":'

curl -X DELETE \
  -H "Authorization: Bearer $TOKEN" \
  -H "Accept: application/json" \
  "$HOST/api/v1/organization/$ORGANIZATION/mirror"
answered 204 "delete an organization mirror"

# --- Robots ---------------------------------------------------------------------------------------------------------

curl -X PUT -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/organization/$namespace/robots/recipe"
answered 201 "create a robot without a body" '"token":'

curl -X GET -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/organization/$namespace/robots/recipe"
answered 200 "read a robot" "$namespace+recipe"

curl -X DELETE -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/organization/$namespace/robots/recipe"
answered 204 "delete a robot"

# --- Mirroring a repository -----------------------------------------------------------------------------------------

# The body that the documentation shows has other keys in root_rule than Quay takes.
curl -X POST "$HOST/api/v1/repository/$REPOSITORY/mirror" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "is_enabled": true,
    "external_reference": "'"$SOURCE_REPOSITORY"'",
    "sync_start_date": "2025-01-01T00:00:00Z",
    "sync_interval": 3600,
    "robot_username": "'"$REPOSITORY_ROBOT"'",
    "root_rule": {"rule": "latest", "rule_type": "tag_glob_csv"},
    "skopeo_timeout_interval": 300
  }'
answered 400 "refuse the documented root_rule, as Quay does" rule_kind

curl -X POST "$HOST/api/v1/repository/$REPOSITORY/mirror" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "is_enabled": true,
    "external_reference": "'"$SOURCE_REPOSITORY"'",
    "external_registry_username": null,
    "external_registry_password": null,
    "sync_start_date": "2025-01-01T00:00:00Z",
    "sync_interval": 3600,
    "robot_username": "'"$REPOSITORY_ROBOT"'",
    "root_rule": {"rule_kind": "tag_glob_csv", "rule_value": ["latest", "v1.*"]},
    "skopeo_timeout_interval": 300,
    "external_registry_config": {"verify_tls": true, "unsigned_images": false, "proxy": {"https_proxy": null}}
  }'
answered 201 "create a mirror" '""'

curl -X GET -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/mirror"
answered 200 "read a mirror" "$SOURCE_REPOSITORY"

curl -X PUT "$HOST/api/v1/repository/$REPOSITORY/mirror" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{"sync_interval": 7200}'
answered 201 "change a mirror" '""'

curl -X POST -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/mirror/sync-now"
answered 204 "sync a repository now"

curl -X POST -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/mirror/sync-cancel"
answered 204 "cancel the sync of a repository"

curl -X GET -H "Authorization: Bearer $TOKEN" \
  "$HOST/api/v1/repository?public=true&starred=false&namespace=$namespace"
answered 200 "list the repositories of an organization" '"repositories":'

# --- Notifications --------------------------------------------------------------------------------------------------

curl -X POST "$HOST/api/v1/repository/$REPOSITORY/notification/" \
  -H "Authorization: Bearer $TOKEN" \
  -H "Content-Type: application/json" \
  -d '{
    "event": "repo_mirror_sync_failed",
    "method": "webhook",
    "config": {"url": "https://hooks.example.com/failed"},
    "eventConfig": {},
    "title": "recipe"
  }'
answered 201 "create a notification" '"uuid":'
notification=$(sed 's/.*"uuid": *"\([^"]*\)".*/\1/' "$answer")

curl -X GET -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/notification"
answered 200 "list notifications without a slash at the end" "$notification"

curl -X POST -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/notification/$notification/test"
answered 200 "test a notification without a body"

curl -X POST -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/notification/$notification"
answered 204 "reset a notification without a body"

curl -X DELETE -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/notification/$notification"
answered 204 "delete a notification"

# --- Health, logs, capabilities -------------------------------------------------------------------------------------

curl -X GET -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/mirror/health?namespace=$namespace&detailed=true"
answered 200 "ask for the health of an organization's mirrors" '"details":'

curl -X GET -H "Authorization: Bearer $TOKEN" "$HOST/api/v1/repository/$REPOSITORY/logs"
answered 200 "read the usage logs of a repository" repo_mirror_config_changed

curl -X GET "$HOST/api/v1/registry/capabilities"
answered 200 "ask for the registry's capabilities without a token" mirror_architectures

curl -X GET "$HOST/api/v1/discovery"
answered 200 "fetch the discovery document without a token" '"2.0"'
