#!/bin/bash
# stop-after.sh PROCESS SERVICE...: stop these services once that process is gone. `cargo xtask test` keeps one running,
# so that a run that is interrupted or killed leaves no server behind.
while kill -0 "$1" 2>/dev/null; do sleep 1; done
shift
for service in "$@"; do "$(dirname "${BASH_SOURCE[0]}")/$service.sh" stop; done
