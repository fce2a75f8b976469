#!/bin/sh
# ./otter bench [NAME…]: sizes and speeds, as tables. Every figure in the docs comes from here.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
names='size boot download' # without a NAME
named='services power coverage cloud swarm' # minutes of both processors, so only when asked for

usage() {
    cat <<'END'
usage: ./otter bench [--full] [NAME…]      size, boot and download without a NAME

  size       flash and RAM of bootloader and firmware, a column for each board, by room; the
             bootloader core by itself on Cortex-M33, M4 and M23, beside MCUboot; asked for alone, with
             what 'services' prints
  boot       erases and bytes programmed by an update, for each mode; instructions to verify an
             image and to boot
  services   what each service adds to flash and RAM, beside its budget (some minutes)
  download   the update over the air, at 0 and at 100 ms of added round trip
  cloud      a device's PING while the HTTP APIs work hard; their rates beside moto's, if it is here;
             1,000 simulated devices that come at once, and come back, a roll-out to 200 of them,
             relaying beside Mosquitto. With --full 8,000 and 1,000 (minutes; free processors), or as
             SWARM_DEVICES and SWARM_UPDATED say
  power      every power cut of the bootloader's test: minutes on two processors
  swarm      a fleet of 5,000 connecting to the cloud at once (SWARM_COUNT, SWARM_ROUNDS)
  coverage   lines of boot/ and image/ that their tests run

  ./otter bench size
  ./otter bench --full cloud
  POWER_OPTIONS='--full --only M467' ./otter bench power
END
}

full=
for name in "$@"; do
    shift
    if [ "$name" = --full ]; then
        full=1
    else
        set -- "$@" "$name"
    fi
done
if [ -n "$full" ]; then
    export SWARM_DEVICES="${SWARM_DEVICES:-8000}" SWARM_UPDATED="${SWARM_UPDATED:-1000}"
fi
for name in "$@"; do
    case $name in
        -h | --help) usage; exit 0 ;;
    esac
    case " $names $named " in
        *" $name "*) ;;
        *)
            echo "otter bench: there is no benchmark '$name'" >&2
            usage >&2
            exit 2
            ;;
    esac
done
# shellcheck disable=SC2086 # names are words
[ $# -gt 0 ] || set -- $names
for name in "$@"; do
    sh "$root/bench/$name.sh" "$root"
    echo
    [ "$name $*" != "size size" ] || { sh "$root/bench/services.sh" "$root" && echo; }
done
