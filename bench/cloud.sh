#!/bin/sh
# bench cloud: how long a device's PING waits while the HTTP APIs do their worst, and the APIs' rates
# beside moto's in the same run (moto is left out where it is not installed).
set -eu
command -v python3 >/dev/null || { echo "skipped: python3 is not installed (apt-get install python3)"; exit 0; }
moto=$(command -v moto_server) || moto=
exec python3 "$1/bench/cloud.py" "$1/build/host/tool/otter" ${moto:+--moto "$moto"}
