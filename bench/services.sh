#!/bin/sh
# bench services: what each service costs on the emulated Cortex-M33, by leaving it out of the build
# that has all of them; beside its budget.
set -eu
root=$1
. "$root/bench/bars.sh"
build=$root/build/bench-services
log=$build.log

# sizes_with SERVICES [ON|OFF]: "FLASH RAM" of the firmware with these, with or without MQTT 5.
sizes_with() {
    {
        cmake -G Ninja -S "$root" -B "$build" -DOTTER_BOARD=mps2-an505 \
            "-DOTTER_HOST_TOOL=$root/build/host/tool/otter" "-DOTTER_SERVICES=$1" "-DOTTER_MQTT5=${2:-ON}" &&
            cmake --build "$build" --target firmware-1.0.0
    } >"$log" 2>&1 || {
        tail -n 20 "$log" >&2
        echo "otter bench: the firmware with '$1' cannot be built; the whole log is ${log#"$root"/}" >&2
        exit 1
    }
    arm-none-eabi-size "$build/firmware/firmware-1.0.0.elf" | awk 'NR == 2 { print $1 + $2, $2 + $3 }'
}

all=$(sizes_with all)
names=$(tr ';' '\n' <"$build/firmware/services" | grep -vx mqtt5 | tr '\n' ' ')
echo 'What each service adds to a firmware with all the others on mps2-an505, -Os (bytes)'
printf '   %-12s %8s %8s   %s\n' service flash RAM budget
row() { # row NAME SIZES: of the firmware without it
    # shellcheck disable=SC2046,SC2086 # numbers
    set -- "$1" $(echo $all) $2 "$(service_budget "$1")"
    verdict=$6
    case $6 in -) ;; *) [ $(($2 - $4)) -le "$6" ] || verdict="$6, exceeded by $(($2 - $4 - $6))" ;; esac
    printf '   %-12s %8d %8d   %s\n' "$1" $(($2 - $4)) $(($3 - $5)) "$verdict"
}
for name in $names; do
    others=$(echo "$names" | tr ' ' '\n' | grep -vx -e "$name" -e '' | paste -s -d ';')
    row "$name" "$(sizes_with "$others")"
done
row mqtt5 "$(sizes_with all OFF)"
# shellcheck disable=SC2086
printf '   %-12s %8d %8d   %s\n' 'all of it' $all '189440 and 102400'
