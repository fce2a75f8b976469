#!/bin/sh
# bench coverage: lines of boot/ and image/ that their tests run, and those that none does.
set -eu
exec sh "$1/tests/coverage.sh" --lines
