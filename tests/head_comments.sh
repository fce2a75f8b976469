#!/bin/sh
# Each file of code begins by saying what it is for.
#   head_comments.sh SOURCE_FOLDER
set -eu
cd "$1"
git rev-parse --is-inside-work-tree >/dev/null 2>&1 || { echo 'skipped: not a clone'; exit 77; }
without=$(git ls-files '*.c' '*.h' '*.sh' '*.py' | xargs awk '
    FNR == 1 { decided = 0 }
    decided || /^#!/ || /^$/ { next }
    { decided = 1 }
    !/^\/[*\/]/ && !/^# / && !/^"""/ { print FILENAME }')
[ -z "$without" ] || { echo "no head comment in:"; echo "$without"; exit 1; }
