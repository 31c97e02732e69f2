#!/usr/bin/env bash
# Succeeds if all nodes of F1_RL_NODES (names like /trainer, blanks between) are in the ROS graph.
# Without any it is enough that the graph can be asked. The first call starts ROS's daemon, which
# knows the graph from then on.
set -eo pipefail
# shellcheck source=/dev/null
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

nodes=$(timeout 15 ros2 node list)
status=0
for node in ${F1_RL_NODES:-}; do
    if ! grep --quiet --line-regexp --fixed-strings -- "$node" <<<"$nodes"; then
        echo "$node is not in the ROS graph; there are: ${nodes//$'\n'/ }"
        status=1
    fi
done
exit "$status"
