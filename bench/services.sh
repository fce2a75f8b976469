#!/bin/sh
# bench services: what each service costs on the emulated Cortex-M33, by leaving it out of the build
# that has all of them; beside its budget.
set -eu
root=$1
. "$root/bench/bars.sh"
build=$root/build/bench-services
log=$build.log

# sizes_with SERVICES: "FLASH RAM" of the firmware with these.
sizes_with() {
    {
        cmake -G Ninja -S "$root" -B "$build" -DOTTER_BOARD=mps2-an505 \
            "-DOTTER_HOST_TOOL=$root/build/host/tool/otter" "-DOTTER_SERVICES=$1" &&
            cmake --build "$build" --target firmware-1.0.0
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "otter bench: the firmware with '$1' cannot be built; the whole log is ${log#"$root"/}" >&2
        exit 1
    }
    arm-none-eabi-size "$build/firmware/firmware-1.0.0.elf" | awk 'NR == 2 { print $1 + $2, $2 + $3 }'
}

all=$(sizes_with all)
names=$(tr ';' ' ' <"$build/firmware/services")
echo 'What each service adds to a firmware with all the others on mps2-an505, -Os (bytes)'
printf '   %-12s %8s %8s   %s\n' service flash RAM budget
for name in $names; do
    others=$(echo "$names" | tr ' ' '\n' | grep -vx "$name" | paste -s -d ';')
    # shellcheck disable=SC2046 # two numbers
    set -- $all $(sizes_with "$others") "$(service_budget "$name")"
    verdict=$5
    case $5 in -) ;; *) [ $(($1 - $3)) -le "$5" ] || verdict="$5, exceeded by $(($1 - $3 - $5))" ;; esac
    printf '   %-12s %8d %8d   %s\n' "$name" $(($1 - $3)) $(($2 - $4)) "$verdict"
done
# shellcheck disable=SC2086
printf '   %-12s %8d %8d   %s\n' 'all of it' $all '189440 and 102400'
