#!/bin/bash
# A real OpenID Connect provider: the certified npm package oidc-provider, with the clients, users and test hooks that
# oidc/server.mjs tells of. oidc/login.py does a whole sign-in from a script.
NAME=oidc
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_port() { echo $((BASE + PORT_OIDC)); }
service_running() { alive "$STATE/server.pid" && http_ok "$(service_port)" /.well-known/openid-configuration; }

install_modules() {
  local folder=$STATE/program
  mkdir -p "$folder"
  cp "$SERVICES"/oidc/{package.json,package-lock.json,server.mjs} "$folder"/
  cmp -s "$folder/package-lock.json" "$folder/installed" && return
  say "installing the npm package oidc-provider"
  (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) >"$ROOT/install-$NAME.log" 2>&1 </dev/null \
    || cannot_provide "npm ci failed (see $ROOT/install-$NAME.log)"
  cp "$folder/package-lock.json" "$folder/installed"
}
service_start() {
  need has_commands node npm -- nodejs npm
  service_stop
  need_port "$(service_port)"
  install_modules
  OIDC_PORT=$(service_port) OIDC_STATE=$STATE launch "$STATE/server.pid" "$STATE/log" node "$STATE/program/server.mjs"
  wait_for 60 "the provider" http_ok "$(service_port)" /.well-known/openid-configuration
}
service_stop() { end_process "$STATE/server.pid"; }
service_env() {
  local issuer
  issuer=http://127.0.0.1:$(service_port)
  cat <<END
export OIDC_ISSUER=$issuer
export OIDC_DISCOVERY_URL=$issuer/.well-known/openid-configuration
export OIDC_CLIENT_ID=spa
export OIDC_WEB_CLIENT_ID=web
export OIDC_WEB_CLIENT_SECRET=web-secret
export OIDC_SERVICE_CLIENT_ID=service
export OIDC_SERVICE_CLIENT_SECRET=service-secret
export OIDC_API_AUDIENCE=${OIDC_API:-urn:test:api}
export OIDC_IDENTITY_PROVIDER=${OIDC_IDP:-test-idp}
export OIDC_USER=alice
export OIDC_PASSWORD=alice-password
END
}
main "$@"
