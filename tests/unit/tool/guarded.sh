#!/bin/sh
# The image tool with its allocations guarded: guarded.sh OTTER FOLDER [--full]
#
# AddressSanitizer does not see what a library that is not built with it does to our memory. So the
# tool built without it runs here, first all of cli.sh and every example of every --help with glibc's
# guard bytes behind each allocation (libc_malloc_debug: a write past the end ends the program), then
# what hands memory to the cryptography under Valgrind, which sees reads too; with --full every
# example.
real=$1
folder=$2
full=$3
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
guard=libc_malloc_debug.so.0
failures=0

[ -x "$real" ] || { echo "skipped: $real is not built; ./otter test builds it"; exit 77; }
command -v valgrind >/dev/null 2>&1 || { echo "skipped: no valgrind here"; exit 77; }
if [ -n "$(LD_PRELOAD=$guard true 2>&1)" ]; then
    echo "skipped: no $guard here, which glibc 2.34 and later bring"
    exit 77
fi
rm -rf "$folder" && mkdir -p "$folder/guarded" "$folder/valgrind" "$folder/files" || exit 1

cat >"$folder/guarded/otter" <<END
#!/bin/sh
LD_PRELOAD=$guard MALLOC_CHECK_=3 exec '$real' "\$@"
END
cat >"$folder/valgrind/otter" <<END
#!/bin/sh
exec valgrind -q --error-exitcode=99 --undef-value-errors=no --vex-iropt-level=1 --vgdb=no '$real' "\$@"
END
chmod +x "$folder/guarded/otter" "$folder/valgrind/otter"

# examples COMMAND: the example lines of its --help, continued lines joined.
examples() {
    "$real" "$1" --help | sed '1,/^Examples:$/d' | sed -e ':a' -e '/\\$/{N;s/\\\n *//;ba' -e '}' |
        sed 's/^ *//'
}

# run_examples WHICH COMMAND: in a folder that has the files that they name.
run_examples() {
    examples "$2" >"$folder/examples"
    [ -s "$folder/examples" ] || { echo "FAILED: no examples in otter $2 --help"; failures=1; }
    while read -r line; do
        (cd "$folder/files" && PATH=$folder/$1:$PATH && eval "$line") >"$folder/log" 2>&1 </dev/null
        code=$?
        [ "$code" = 0 ] && continue
        echo "FAILED ($1, exit code $code): $line"
        tail -n 40 "$folder/log"
        failures=$((failures + 1))
    done <"$folder/examples"
}

# The files of the examples.
cd "$folder/files" || exit 1
tool() { "$real" "$@" || exit 1; }
head -c 5000 /dev/zero | tr '\0' 'f' >firmware.bin
cp firmware.bin bootloader.bin
tool keygen -t ecdsa-p256 -k signing.pem
tool keygen -t ecdsa-p256 -k device.pem
tool getpub -k device.pem -e pem -o device-pub.pem
tool getpub -k signing.pem -e pem -o signing-pub.pem
tool merge -o firmware.hex firmware.bin@0x11000
tool merge -o boot.hex bootloader.bin@0
set -- -k signing.pem --align 4 -v 1.0.0 -H 4096 --pad-header -S 0x73000
tool sign "$@" firmware.bin firmware.signed.bin
tool sign "$@" firmware.hex firmware.signed.hex
tool sign "$@" -E device-pub.pem firmware.bin update.bin
tool merge -o flash.img --base 0 --size 0x1000000 firmware.signed.bin@0x10000

run() {
    mv signing.pem kept.pem
    run_examples "$1" keygen
    mv kept.pem signing.pem
    for command in sign verify keyinfo getpub getpubhash getpriv merge inspect dumpinfo \
        create-trailer version; do
        run_examples "$1" $command
    done
}

sh "$here/cli.sh" "$folder/guarded/otter" "$folder/cli" "$real" || failures=1
run guarded
if [ "$full" = --full ]; then
    run valgrind
else
    run_examples valgrind sign
    run_examples valgrind verify
fi
[ "$failures" = 0 ] && echo 'all as expected'
[ "$failures" = 0 ]
