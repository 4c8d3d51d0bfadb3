#!/bin/bash
# packages.sh COMMAND... -- PACKAGE...: make the commands available, by installing these Debian packages where we may;
# exits with 3 and one line where we may not.
NAME=packages
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
ROOT=$(state_root)
need has_commands "$@"
