#!/bin/sh
# Runs sdk.py with the first interpreter that has boto3: Debian's package is for Debian's Python.
for python in /usr/bin/python3 python3; do
    if "$python" -c 'import boto3' 2>/dev/null; then
        exec "$python" -W ignore "$(dirname "$0")/sdk.py" "$@"
    fi
done
echo "skipped: no Python here has boto3 (apt-get install python3-boto3)"
exit 77
