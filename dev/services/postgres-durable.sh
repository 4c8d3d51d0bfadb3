#!/bin/bash
# A second PostgreSQL cluster that forces every commit to disk, for tests that crash it. Started on demand only.
POSTGRES_CLUSTER=durable exec "$(dirname "${BASH_SOURCE[0]}")/postgres.sh" "$@"
