#!/bin/sh
# The stream in a compressed image is the one that imgtool makes: Python's lzma with the same filters
# gives the same bytes.   lzma2.sh OTTER FOLDER PROGRAM
otter=$1
folder=$2
program=$3
python3 -c 'import lzma' 2>/dev/null || { echo "skipped: no python3 with lzma here"; exit 77; }
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || exit 1
head -c 150000 "$program" >program.bin
for kind in lzma2 lzma2armthumb; do
    "$otter" sign -v 1.0.0 -H 0x200 --pad-header -S 0 --compression $kind program.bin $kind.bin || exit 1
done
python3 - <<'END'
import lzma, struct, sys

program = open("program.bin", "rb").read()
for kind in "lzma2", "lzma2armthumb":
    chain = [{"id": lzma.FILTER_LZMA2, "preset": 9, "dict_size": 131072, "lc": 3, "lp": 1}]
    if kind == "lzma2armthumb":
        chain.insert(0, {"id": lzma.FILTER_ARMTHUMB})
    image = open(kind + ".bin", "rb").read()
    header_size, = struct.unpack_from("<H", image, 8)
    payload_size, = struct.unpack_from("<I", image, 12)
    payload = image[header_size:header_size + payload_size]
    if payload[:2] != bytes([10, 102]):
        sys.exit(f"{kind}: begins with {payload[:2].hex()}")
    if payload[2:] != lzma.compress(program, format=lzma.FORMAT_RAW, filters=chain):
        sys.exit(f"{kind}: another stream than Python's")
    if lzma.decompress(payload[2:], format=lzma.FORMAT_RAW, filters=chain) != program:
        sys.exit(f"{kind}: does not unpack to the program")
END
