#!/bin/bash
# A real SMTP server (PyPI's aiosmtpd) that keeps the mails, hands them out by HTTP and fails on demand; smtp/server.py
# tells how. It offers STARTTLS, a port that asks for a login, and a port with TLS from the first byte.
NAME=smtp
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

service_port() { echo $((BASE + PORT_SMTP)); }
service_running() { alive "$STATE/server.pid" && http_ok $((BASE + PORT_SMTP_API)) /stats && port_open "$(service_port)"; }

# A certificate authority and the server's certificate, so that a client can be told whom to trust.
make_certificates() {
  [ ! -s "$STATE/server.pem" ] || return 0
  (
    cd "$STATE" \
      && openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/CN=Test mail CA' -keyout ca.key -out ca.pem \
      && openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout server.key -out server.csr \
      && printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n' >extensions \
      && openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile extensions -out server.new \
      && mv server.new server.pem
  ) >"$STATE/openssl.log" 2>&1 || die "openssl failed: $STATE/openssl.log"
}
install_modules() {
  cmp -s "$SERVICES/smtp/requirements.txt" "$STATE/python/installed" && return
  say "installing the Python package aiosmtpd"
  rm -rf "$STATE/python"
  { python3 -m venv "$STATE/python" && "$STATE/python/bin/pip" install -q --disable-pip-version-check -r "$SERVICES/smtp/requirements.txt"; } \
    >"$ROOT/install-$NAME.log" 2>&1 </dev/null || cannot_provide "no Python environment (see $ROOT/install-$NAME.log)"
  cp "$SERVICES/smtp/requirements.txt" "$STATE/python/installed"
}
service_start() {
  need has_commands openssl -- openssl
  # Debian's Python comes without the part that makes environments.
  need python3 -c 'import ensurepip, venv' -- python3 python3-venv
  service_stop
  need_port "$(service_port)"
  install_modules
  make_certificates
  launch "$STATE/server.pid" "$STATE/log" "$STATE/python/bin/python" "$SERVICES/smtp/server.py" \
    --smtp "$(service_port)" --http $((BASE + PORT_SMTP_API)) --login $((BASE + PORT_SMTP_LOGIN)) --tls $((BASE + PORT_SMTP_TLS)) \
    --certificate "$STATE/server.pem" --key "$STATE/server.key"
  wait_for 30 "the mail server" service_running
}
service_stop() { end_process "$STATE/server.pid"; }
service_env() {
  cat <<END
export SMTP_HOST=127.0.0.1
export SMTP_PORT=$(service_port)
export SMTP_AUTH_PORT=$((BASE + PORT_SMTP_LOGIN))
export SMTP_TLS_PORT=$((BASE + PORT_SMTP_TLS))
export SMTP_USER=mailer
export SMTP_PASSWORD=mailer-secret
export SMTP_CA_FILE=$STATE/ca.pem
export SMTP_API=http://127.0.0.1:$((BASE + PORT_SMTP_API))
END
}
main "$@"
