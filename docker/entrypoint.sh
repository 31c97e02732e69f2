#!/usr/bin/env bash
# Becomes the command that it is given, in the environment of the workspace.
set -e
# shellcheck source=/dev/null
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
exec "$@"
