#!/bin/sh
# Runs hostile.py with the first interpreter that has botocore.
# usage: hostile.sh OTTER
for python in /usr/bin/python3 python3; do
    if "$python" -c 'import botocore' 2>/dev/null; then
        exec "$python" "$(dirname "$0")/hostile.py" "$@"
    fi
done
echo "skipped: no Python here has botocore (apt-get install python3-botocore)"
exit 77
