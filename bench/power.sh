#!/bin/sh
# bench power: the whole power-cut test of the bootloader (tests/sim/boot), every mode and layout,
# two programs at a time. Environment: POWER_OPTIONS, instead of --full: '--full --only M467'.
set -eu
root=$1
. "$root/bench/lib.sh"
# MODE, or MODE+encrypted: images that travel encrypted. The longest first, so that both processors
# are busy to the end.
jobs='scratch scratch+encrypted move move+encrypted offset offset+encrypted overwrite
overwrite+encrypted bank_swap direct_xip'

targets=
for job in $jobs; do
    case $job in
        *+*) ;;
        *) targets="$targets sim_boot_$job" ;;
    esac
done
# shellcheck disable=SC2086 # targets are words
build_optimised $targets
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# run PROGRAMS FOLDER OPTIONS JOB: leaves its report in FOLDER/JOB and its seconds in FOLDER/JOB.seconds.
cat >"$work/run" <<'END'
start=$(date +%s)
case $4 in
    *+encrypted) encrypted=--encrypted ;;
    *) encrypted= ;;
esac
"$1/sim_boot_${4%+*}" $3 $encrypted >"$2/$4" 2>&1 || true
echo $(($(date +%s) - start)) >"$2/$4.seconds"
printf '   done: %s\n' "$4" >&2
END

echo 'Power cuts of the bootloader (this takes ten minutes or more) …' >&2
began=$(date +%s)
# shellcheck disable=SC2086 # jobs are words
printf '%s\n' $jobs | xargs -P 2 -n 1 \
    sh "$work/run" "$build/tests/sim/boot" "$work" "${POWER_OPTIONS---full}"
took=$(($(date +%s) - began))

# row JOB: layouts, cases, seconds and wrong ones; what went wrong is shown after the table.
row() {
    awk -v mode="$1" -v seconds="$(cat "$work/$1.seconds")" '
        / cases (ok|FAILED)$/ { layouts++ }
        / power cuts, / { cases = $(NF - 4); wrong = $(NF - 1); whole = 1 }
        END { printf "   %-20s %8d %12d %8d %8s\n", mode, layouts, cases, seconds,
                  whole ? wrong : "stopped" }' "$work/$1"
}

printf 'Power cuts of the bootloader: each case is one cut, or two in a row, and the boots after it\n'
printf '   %-20s %8s %12s %8s %8s\n' mode layouts cases seconds wrong
for job in $jobs; do row "$job"; done | tee "$work/table"
awk -v took="$took" '
    { layouts += $2; cases += $3; wrong += $5; stopped += $5 == "stopped" }
    END { printf "   %-20s %8d %12d %8d %8d\n", "all", layouts, cases, took, wrong
          exit wrong + stopped > 0 }' "$work/table" || failed=1
cat <<'END'
   Boots: upgrade on trial, permanent, revert, refused upgrade. Cuts: before, in (torn; garbled with
   unstable bits; all but the tail) and after every program and erase; a second one at every operation
   of the recovery for slots of up to 2.5 KiB, sampled for others. Layouts of real chips: first cuts
   sampled. Two at a time, so "all" is shorter than the sum of the seconds.
END
[ -z "${failed:-}" ] || {
    for job in $jobs; do grep -A3 '^FAILED' "$work/$job" || tail -n 2 "$work/$job"; done >&2
    exit 1
}
