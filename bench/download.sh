#!/bin/sh
# bench download: a 440 KiB image over the air, at 0 and at 100 ms of round trip added by the
# gateway, each as a share of the other run in the same table.
set -eu
otter=$1/build/host/tool/otter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# figure NAME OPTION…: seconds of the download of a demo with these options.
figure() {
    report=$work/$1
    shift
    "$otter" demo --pad 440 --rate 0 --report "$report" "$@" >"$report.log" 2>&1 || {
        tail -n 20 "$report.log" >&2
        echo "otter bench: the demo failed" >&2
        exit 1
    }
    awk '$1 == "device_download_seconds" { s = $2 } $1 == "image_bytes" { b = $2 } END { print s, b }' \
        "$report"
}

row() {
    title=$1
    shift
    near=$(figure near "$@" --delay 0)
    far=$(figure far "$@" --delay 100)
    echo "$near $far" | awk -v title="$title" '{
        printf "   %-46s %8.2f s %6.0f KiB/s %8.2f s %6.0f KiB/s %6.0f %%\n", title,
            $1, $2 / 1024 / $1, $3, $4 / 1024 / $3, 100 * $1 / $3 }'
}

printf 'Download of a 440 KiB image (the last column must stay above 80 %% where flash is real)\n'
printf '   %-46s %25s %25s %8s\n' '' 'added round trip 0 ms' '100 ms' 'keeps'
row 'host process, flash as on a NuMaker-M467' --board posix --timing 20000,20
row 'host process, flash as on an STM32U5' --board posix --timing 750,30
row 'QEMU Cortex-M33, flash without delay'
cat <<'END'
   Flash: microseconds for an erase of 4 KiB and for programming 4 bytes: 20000,20 and 750,30. Without
   delay of the flash the image is over before one round trip has passed, so that row cannot keep up.
END
