# shellcheck shell=bash
# To be sourced: ROS 2, the workspace, and the learner's packages.

# shellcheck disable=SC1090
source "${F1_RL_ROS:-/opt/ros/${ROS_DISTRO:-jazzy}}/setup.bash"
# shellcheck disable=SC1090
source "${F1_RL_WORKSPACE:?}/install/setup.bash"

# ros2 runs launch files with the system's interpreter, which does not know the virtual environment.
# Behind ROS's packages and before the system's, so NumPy is the pinned one everywhere.
_f1_rl_packages=("${F1_RL_VENV:?}"/lib/python3.*/site-packages)
export PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}${_f1_rl_packages[0]}"
# colcon puts the command f1-rl where `ros2 run` looks, which is not on the path.
export PATH="$F1_RL_VENV/bin:$PATH:$F1_RL_WORKSPACE/install/f1_rl/lib/f1_rl"
unset _f1_rl_packages
