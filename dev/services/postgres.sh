#!/bin/bash
# A private PostgreSQL (15 or newer) cluster. Started by root, the server runs as the user postgres.
#
#   POSTGRES_CLUSTER   main (default): nothing is forced to disk, which is fast and survives a crash of the server but not
#                      of the machine; durable: as in production, for tests that kill it (also: postgres-durable.sh)
#   POSTGRES_OPTIONS   more settings, such as "-c log_statement=all"
#
# The default collation is that of American English on purpose: an ORDER BY that relies on bytes has to say so.
#
# More commands:  crash   end at once, as in a crash; the next start recovers
#                 psql [ARGUMENT...]
CLUSTER=${POSTGRES_CLUSTER:-main}
case $CLUSTER in
  main) NAME=postgres VARIABLE=DATABASE;;
  durable) NAME=postgres-durable VARIABLE=DATABASE_DURABLE;;
  *) echo "POSTGRES_CLUSTER is main or durable" >&2; exit 2;;
esac
MORE='crash|psql [ARGUMENT...]'
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ROLE=app PASSWORD=app-password

service_port() { if [ "$CLUSTER" = main ]; then echo $((BASE + PORT_POSTGRES)); else echo $((BASE + PORT_POSTGRES_DURABLE)); fi; }

# The folder of the newest server programs here; nothing when there are none of at least version 15.
programs() {
  local folder version
  for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) "$(dirname "$(command -v postgres || echo /nowhere/postgres)")"; do
    [ -x "$folder/postgres" ] && [ -x "$folder/initdb" ] || continue
    version=$("$folder/postgres" --version | grep -oE '[0-9]+' | head -1)
    if [ "$version" -ge 15 ]; then echo "$folder"; return; fi
  done
  return 1
}
# Run as the owner of the cluster.
as_owner() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
query() { as_owner "$PROGRAMS/psql" -q -X -v ON_ERROR_STOP=1 -h "$STATE" -p "$(service_port)" -U postgres "$@" >&2; }

# The server keeps its own process id, without a time: look whether that process is a server at all.
server_alive() { local pid; pid=$(process_of "$STATE/data/postmaster.pid") && [ "$(cat "/proc/$pid/comm")" = postgres ]; }
service_running() { server_alive && PROGRAMS=$(programs) && "$PROGRAMS/pg_isready" -q -h "$STATE" -p "$(service_port)"; }

make_cluster() {
  rm -f "$STATE/ready"
  printf '%s\n' "$PASSWORD" >"$STATE/password"
  [ "$(id -u)" != 0 ] || chown -R postgres "$STATE"
  as_owner "$PROGRAMS/initdb" -D "$STATE/new" -U postgres --pwfile="$STATE/password" --auth-local=trust --auth-host=scram-sha-256 \
    --encoding=UTF8 --locale=C.UTF-8 --locale-provider=icu --icu-locale=en-US --no-sync >"$STATE/initdb.log" 2>&1 \
    || die "initdb failed: $STATE/initdb.log"
  cat >>"$STATE/new/postgresql.conf" <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = '$STATE'
max_connections = 300
shared_buffers = 128MB
max_wal_size = 1GB
log_line_prefix = '%m [%p] %u@%d '
END
}

service_start() {
  local port options
  need programs -- postgresql
  PROGRAMS=$(programs)
  port=$(service_port)
  need_port "$port"
  rm -rf "$STATE/new"
  if [ ! -d "$STATE/data" ]; then make_cluster; as_owner mv "$STATE/new" "$STATE/data"; fi
  options="-p $port ${POSTGRES_OPTIONS:-}"
  # synchronous_commit stays on: a commit has left the process, so even here a crash of the server loses nothing.
  [ "$CLUSTER" = durable ] || options="$options -c fsync=off -c full_page_writes=off"
  as_owner "$PROGRAMS/pg_ctl" -D "$STATE/data" -l "$STATE/log" -o "$options" -w -t 60 start >/dev/null 9>&- \
    || die "the server did not start: $STATE/log"
  if [ ! -e "$STATE/ready" ]; then
    query -d postgres -c "set client_min_messages = warning" -c "drop database if exists $ROLE" -c "drop role if exists $ROLE" \
      -c "create role $ROLE login createdb createrole password '$PASSWORD'" -c "create database $ROLE owner $ROLE"
    touch "$STATE/ready"
  fi
}
service_stop() {
  server_alive || return 0
  PROGRAMS=$(programs)
  as_owner "$PROGRAMS/pg_ctl" -D "$STATE/data" -m fast -w -t 60 stop >/dev/null || as_owner "$PROGRAMS/pg_ctl" -D "$STATE/data" -m immediate stop >/dev/null
}
service_more() {
  PROGRAMS=$(programs)
  case $1 in
    crash) as_owner "$PROGRAMS/pg_ctl" -D "$STATE/data" -m immediate -w stop >/dev/null;;
    psql) shift; exec "$PROGRAMS/psql" "postgresql://$ROLE:$PASSWORD@127.0.0.1:$(service_port)/$ROLE" "$@";;
    *) usage;;
  esac
}
service_env() {
  cat <<END
export ${VARIABLE}_URL=postgresql://$ROLE:$PASSWORD@127.0.0.1:$(service_port)/$ROLE
export ${VARIABLE}_ADMIN_URL=postgresql://postgres:$PASSWORD@127.0.0.1:$(service_port)/postgres
END
}
main "$@"
