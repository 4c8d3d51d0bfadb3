# Shared by the service scripts of this folder. Sourced, not run; see README.md.
#
# A script sets NAME, defines service_start, service_stop, service_running, service_env and perhaps service_more,
# and ends with `main "$@"`. Everything said goes to standard error: standard output is for `env` alone.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin

SERVICES=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CHECKOUT=$(dirname "$(dirname "$SERVICES")")

# What `start` exits with when this machine cannot provide the service: something has to be installed by hand.
readonly CANNOT_PROVIDE=3

say() { printf '%s: %s\n' "$NAME" "$*" >&2; }
die() { say "$*"; exit 1; }
cannot_provide() { say "$*"; exit "$CANNOT_PROVIDE"; }

# ---- where things lie ---------------------------------------------------------------------------------------------

# Whether another user (PostgreSQL refuses to run as root) may pass through this folder and all above it.
open_to_others() {
  local folder=$1
  while [ "$folder" != / ]; do
    [[ $(stat -c %A "$folder") == *[xt] ]] || return 1
    folder=$(dirname "$folder")
  done
}

# The folder for data, logs and process ids: target/services, unless unix sockets would not fit into its length, a
# configuration file would need quoting, or the database's user could not get there. Then a short temporary one.
state_root() {
  local short candidate
  short=commonhold-services-$(id -u)-$(printf %s "$CHECKOUT" | cksum | cut -d' ' -f1)
  for candidate in "$CHECKOUT/target/services" "${TMPDIR:-/tmp}/$short" "/tmp/$short"; do
    [ ${#candidate} -le 70 ] && [[ $candidate =~ ^[A-Za-z0-9/._-]+$ ]] || continue
    mkdir -p "$candidate" 2>/dev/null || continue
    [ "$(id -u)" != 0 ] || open_to_others "$candidate" || continue
    echo "$candidate"; return
  done
  cannot_provide "no folder with a short and plain enough name for sockets: set TMPDIR to one"
}

# ---- packages -----------------------------------------------------------------------------------------------------

# Take the lock LOCK of this checkout and run the command, so that two starts do not install the same thing at once.
alone() {
  local lock=$1; shift
  ( flock 8; "$@" 8>&- ) 8>"$ROOT/.$lock.lock"
}

has_commands() { local c; for c in "$@"; do command -v "$c" >/dev/null || return 1; done; }

# need PROBE... -- PACKAGE...: when the probe (a command line) fails, install these Debian packages if we may.
need() {
  local probe=()
  while [ "$1" != -- ]; do probe+=("$1"); shift; done
  shift
  "${probe[@]}" >/dev/null 2>&1 || alone install install_packages "$@"
  "${probe[@]}" >/dev/null 2>&1 || cannot_provide "still missing after the installation of $*: ${probe[*]}"
}
install_packages() {
  local sudo=() get log=$ROOT/install-$NAME.log
  has_commands apt-get || cannot_provide "please install, by Debian's names: $*"
  if [ "$(id -u)" != 0 ]; then
    has_commands sudo && sudo -n true 2>/dev/null || cannot_provide "please install: sudo apt-get install $*"
    sudo=(sudo -n)
  fi
  say "installing $*"
  get=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq)
  "${get[@]}" install -y --no-install-recommends "$@" >"$log" 2>&1 </dev/null && return
  # The usual reason: the list of packages is old, or there is none yet.
  { "${get[@]}" update && "${get[@]}" install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null \
    || cannot_provide "could not install $* (see $log)"
}

# ---- ports --------------------------------------------------------------------------------------------------------
# A checkout has one block of ports. Which one follows from where the checkout lies, so that two checkouts rarely meet,
# and the next one is tried when another program listens there. COMMONHOLD_SERVICES_PORT names the first port instead.
readonly PORT_POSTGRES=0 PORT_S3=1 PORT_OIDC=2 PORT_SMTP=3 PORT_SMTP_API=4 PORT_SMTP_LOGIN=5 PORT_SMTP_TLS=6 PORT_POSTGRES_DURABLE=7
readonly PORT_CEPH=10 PORTS_OF_CEPH=12 BLOCK=25 BLOCKS=60 FIRST_BLOCK=28300

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
block_free() {
  local n
  for n in {0..7} {10..21}; do ! port_open $(($1 + n)) || return 1; done
}
any_of_ours_runs() {
  local pidfile
  for pidfile in "$ROOT"/*/*.pid "$ROOT"/postgres*/data/postmaster.pid; do ! process_of "$pidfile" >/dev/null || return 0; done
  return 1
}

# Sets BASE, the first port of this checkout's block; fails when none was chosen yet.
load_ports() { BASE=$(cat "$ROOT/ports" 2>/dev/null) && [ -n "$BASE" ]; }
choose_ports() {
  local wanted=${COMMONHOLD_SERVICES_PORT:-} try first
  if load_ports; then
    ! any_of_ours_runs || return 0
    if [ -n "$wanted" ]; then [ "$wanted" != "$BASE" ] || return 0; else ! block_free "$BASE" || return 0; fi
  fi
  if [ -n "$wanted" ]; then echo "$wanted" >"$ROOT/ports"; return; fi
  first=$(($(printf %s "$CHECKOUT" | cksum | cut -d' ' -f1) % BLOCKS))
  for try in $(seq 0 $((BLOCKS - 1))); do
    BASE=$((FIRST_BLOCK + (first + try) % BLOCKS * BLOCK))
    if block_free "$BASE"; then echo "$BASE" >"$ROOT/ports"; return; fi
  done
  die "no free block of ports from $FIRST_BLOCK on: set COMMONHOLD_SERVICES_PORT"
}
need_port() { ! port_open "$1" || die "port $1 is taken by another program: stop it, or set COMMONHOLD_SERVICES_PORT"; }

# http_ok PORT PATH: whether that answers 200.
http_ok() {
  local line
  line=$( { exec 3<>"/dev/tcp/127.0.0.1/$1" && printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\n\r\n' "$2" "$1" >&3 && IFS= read -r -t 5 line <&3 && echo "$line"; } 2>/dev/null) || return 1
  [[ $line == HTTP/*" 200"* ]]
}

# ---- processes ----------------------------------------------------------------------------------------------------
# A file NAME.pid holds a process id and when that process started: after a reboot the same id is another program.

# Prints the two facts; nothing for a process that is gone or only waits to be collected.
identity_of() {
  local facts
  facts=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
  [ -n "$facts" ] && [[ $facts != Z* ]] || return 1
  echo "$1 $(cut -d' ' -f20 <<<"$facts")"
}
# Prints the id of the process in the file if it still runs. PostgreSQL writes its own file, with the id alone.
process_of() {
  local pid started now
  { read -r pid started <"$1"; } 2>/dev/null || [ -n "${pid:-}" ] || return 1
  now=$(identity_of "$pid") || return 1
  [ -z "$started" ] || [ "$now" = "$pid $started" ] || return 1
  echo "$pid"
}
alive() { process_of "$1" >/dev/null; }

# launch PIDFILE LOG COMMAND...: run in the background, in a session of its own.
launch() {
  local pidfile=$1 log=$2 pid; shift 2
  rm -f "$pidfile.new"
  # shellcheck disable=SC2016
  setsid -f bash -c 'echo $$ >"$0"; exec "$@"' "$pidfile.new" "$@" </dev/null >>"$log" 2>&1 9>&-
  until [ -s "$pidfile.new" ]; do sleep 0.02; done
  pid=$(cat "$pidfile.new"); rm "$pidfile.new"
  identity_of "$pid" >"$pidfile" || die "$1 ended at once (see $log)"
}
# end_process PIDFILE [SECONDS]: ask it to end, and kill it when it has not after that time.
end_process() {
  local pidfile=$1 limit=${2:-20} pid since=$SECONDS
  if pid=$(process_of "$pidfile"); then
    kill -CONT "$pid" 2>/dev/null || true
    kill -TERM "$pid" 2>/dev/null || true
    while alive "$pidfile"; do
      [ $((SECONDS - since)) -lt "$limit" ] || kill -KILL "$pid" 2>/dev/null || true
      sleep 0.1
    done
  fi
  rm -f "$pidfile"
}
# signal SIGNAL PIDFILE
signal() { local pid; pid=$(process_of "$2") || die "not running"; kill -"$1" "$pid"; }

# wait_for SECONDS WHAT COMMAND...: until the command succeeds.
wait_for() {
  local limit=$1 what=$2 since=$SECONDS; shift 2
  until "$@" >/dev/null 2>&1; do
    [ $((SECONDS - since)) -lt "$limit" ] || die "$what did not answer within $limit s (logs in $STATE)"
    sleep 0.2
  done
}

# ---- commands -----------------------------------------------------------------------------------------------------

usage() {
  echo "usage: $(basename "$0") start|stop|restart|reset|status|env${MORE:+|$MORE}" >&2
  exit 2
}
start() {
  [ "$(uname -s)" = Linux ] || cannot_provide "the test services run on Linux only"
  mkdir -p "$STATE"
  exec 9>"$ROOT/.$NAME.lock"
  flock 9
  if load_ports && service_running; then say "already running"; return; fi
  alone ports choose_ports
  load_ports
  service_start
  say "ready after $SECONDS s on port $(service_port)"
}
main() {
  ROOT=$(state_root)
  STATE=$ROOT/$NAME
  case ${1:-} in
    start) start;;
    stop) if load_ports; then service_stop; fi;;
    restart) if load_ports; then service_stop; fi; start;;
    reset) if load_ports; then service_stop; fi; rm -rf "${STATE:?}";;
    status) if load_ports && service_running; then say "running"; else say "not running"; exit 1; fi;;
    env) if load_ports && service_running; then service_env; else say "not running"; exit 1; fi;;
    *) if load_ports && [ $# -gt 0 ] && declare -F service_more >/dev/null; then service_more "$@"; else usage; fi;;
  esac
}
