#!/usr/bin/env bash
# Runs a command on a display of its own, which VNC shows on port 5900: vnc.sh rviz2
set -euo pipefail
if [[ -z "${VNC_PASSWORD:-}" ]]; then
    echo "VNC_PASSWORD is not set: give one, for whoever reaches the port drives the car." >&2
    exit 2
fi

export DISPLAY=:1
Xvfb "$DISPLAY" -screen 0 "${VNC_SIZE:-1600x900}x24" -nolisten tcp &
for _ in {1..100}; do
    [[ -S /tmp/.X11-unix/X1 ]] && break
    sleep 0.1
done
openbox &
x11vnc -storepasswd "$VNC_PASSWORD" "$HOME/.vnc-password" >/dev/null 2>&1
unset VNC_PASSWORD
x11vnc -display "$DISPLAY" -rfbport 5900 -rfbauth "$HOME/.vnc-password" -forever -shared -quiet &
exec "$@"
