#!/bin/bash
# packages.sh PACKAGE...: install these Debian packages where we may; exits with 3 and one line where we may not.
NAME=packages
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ROOT=$(state_root)
all_installed() { local p; for p in "$@"; do [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || return 1; done; }
need all_installed "$@" -- "$@"
