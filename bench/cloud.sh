#!/bin/sh
# bench cloud: how long a device's PING waits while the HTTP APIs do their worst, the APIs' rates beside
# moto's (left out where it is not installed), and a swarm of devices: connections, a storm, a roll-out,
# relaying beside Mosquitto alone. SWARM_DEVICES and SWARM_UPDATED say how many (run.sh --full).
set -eu
command -v python3 >/dev/null || { echo "skipped: python3 is not installed (apt-get install python3)"; exit 0; }
moto=$(command -v moto_server) || moto=
cmake --preset host -S "$1" >/dev/null
cmake --build "$1/build/host" --parallel 2 --target otter device_swarm device_responder tls_load >/dev/null
python3 "$1/bench/cloud.py" "$1/build/host/tool/otter" ${moto:+--moto "$moto"}
exec python3 "$1/bench/load.py" "$1/build/host"
