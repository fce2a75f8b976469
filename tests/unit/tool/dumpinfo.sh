#!/bin/sh
# otter dumpinfo gives what imgtool's dumpinfo gives: dumpinfo.sh OTTER FOLDER. The texts below were made
# from this image with imgtool's way of printing it, PyYAML and Python's json.
otter=$1
folder=$2
failures=0
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || exit 1

same() {
    if ! diff -u "$1" "$2"; then
        echo "FAILED: $1 and $2 differ"
        failures=1
    fi
}

i=0
while [ $i -lt 64 ]; do
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %o $i)"
    i=$((i + 1))
done >program.bin
"$otter" sign -v 1.2.3+4 -H 0x20 --pad-header -S 0x1000 --align 4 -s 7 --custom-tlv 0xa0 0x1122 \
    -L 0x20000000 --non-bootable --confirm program.bin image.bin || exit 1

cat >human.txt <<'END'
Printing content of signed image: image.bin 

#### Image header (offset: 0x0) ############################
magic:              0x96f3b83d
load_addr:          0x20000000
hdr_size:           0x20
protected_tlv_size: 0x12
img_size:           0x40
flags:              NON_BOOTABLE (0x10)
                    RAM_LOAD (0x20)
version:            1.2.3+4
############################################################
#### Payload (offset: 0x20) ################################
|                                                          |
|               FW image (size: 0x40 Bytes)                |
|                                                          |
############################################################
#### Protected TLV area (offset: 0x60) #####################
magic:     0x6908
area size: 0x12
        ---------------------------------------------
        type: SEC_CNT (0x50)
        len:  0x4
        data: 0x07 0x00 0x00 0x00 
        ---------------------------------------------
        type: UNKNOWN (0xa0)
        len:  0x2
        data: 0x11 0x22 
############################################################
#### TLV area (offset: 0x72) ###############################
magic:     0x6907
area size: 0x28
        ---------------------------------------------
        type: SHA256 (0x10)
        len:  0x20
        data: 0xf6 0xa6 0x9e 0x22 0x46 0x9f 0xc4 0xbe 
              0x58 0x2f 0xd7 0x16 0x52 0x27 0x98 0x18 
              0xaa 0xef 0xc0 0x9f 0xd7 0x1c 0xdf 0x13 
              0xc5 0x77 0x3c 0x8a 0x15 0x93 0x1e 0x4b 
############################################################
#### Image trailer (offset: unknown) #######################
(Note: some fields may not be used, depending on the update 
strategy)

swap status: (len: unknown)
enc. keys:   Image not encrypted
swap size:   unknown
swap_info:   INVALID (0xff)
copy_done:   INVALID (0xff)
image_ok:    SET (0x1)
boot magic:  0x77 0xc2 0x95 0xf3 0x60 0xd2 0xef 0x7f 
             0x35 0x52 0x50 0x0f 0x2c 0xb6 0x79 0x80 

#### End of Image  #########################################
END
cat >yaml.txt <<'END'
filename: image.bin
header:
  magic: 2532554813
  load_addr: 536870912
  hdr_size: 32
  protected_tlv_size: 18
  img_size: 64
  flags: 48
  version: 1.2.3+4
tlv_area:
  tlv_hdr_prot:
    magic: 26888
    tlv_tot: 18
  tlvs_prot:
  - type: 80
    type_name: SEC_CNT
    len: 4
    data: !!binary |
      BwAAAA==
  - type: 160
    type_name: UNKNOWN
    len: 2
    data: !!binary |
      ESI=
  tlv_hdr:
    magic: 26887
    tlv_tot: 40
  tlvs:
  - type: 16
    type_name: SHA256
    len: 32
    data: !!binary |
      9qaeIkafxL5YL9cWUieYGKrvwJ/XHN8TxXc8ihWTHks=
trailer:
  magic: !!binary |
    d8KV82DS7381UlAPLLZ5gA==
  image_ok: 1
  copy_done: 255
  swap_info: 255
  swap_size: 4294967295
END
cat >json.txt <<'END'
{
  "filename": "image.bin",
  "header": {
    "magic": 2532554813,
    "load_addr": 536870912,
    "hdr_size": 32,
    "protected_tlv_size": 18,
    "img_size": 64,
    "flags": 48,
    "version": "1.2.3+4"
  },
  "tlv_area": {
    "tlv_hdr_prot": {
      "magic": 26888,
      "tlv_tot": 18
    },
    "tlvs_prot": [
      {
        "type": 80,
        "type_name": "SEC_CNT",
        "len": 4,
        "data": "07000000"
      },
      {
        "type": 160,
        "type_name": "UNKNOWN",
        "len": 2,
        "data": "1122"
      }
    ],
    "tlv_hdr": {
      "magic": 26887,
      "tlv_tot": 40
    },
    "tlvs": [
      {
        "type": 16,
        "type_name": "SHA256",
        "len": 32,
        "data": "f6a69e22469fc4be582fd71652279818aaefc09fd71cdf13c5773c8a15931e4b"
      }
    ]
  },
  "trailer": {
    "magic": "77c295f360d2ef7f3552500f2cb67980",
    "image_ok": 1,
    "copy_done": 255,
    "swap_info": 255,
    "swap_size": 4294967295
  }
}
END

for form in human yaml json; do
    "$otter" dumpinfo -f $form image.bin >printed.txt || failures=1
    same $form.txt printed.txt
done
"$otter" dumpinfo image.bin >printed.txt || failures=1
same human.txt printed.txt

# A file is YAML unless said otherwise, and nothing is printed then.
[ -z "$("$otter" dumpinfo -s -o out.yaml image.bin)" ] || { echo 'FAILED: printed'; failures=1; }
same yaml.txt out.yaml
"$otter" dumpinfo -f json --outfile out.json image.bin || failures=1
same json.txt out.json
[ -z "$("$otter" dumpinfo --silent image.bin)" ] || { echo 'FAILED: not silent'; failures=1; }

# Any name will do.
name=$(printf 'n\377me.bin')
cp image.bin "$name"
for form in human yaml json; do
    "$otter" dumpinfo -f $form "$name" >printed.txt || { echo "FAILED: $form of a name"; failures=1; }
done
grep -q '"filename": "n?me.bin"' printed.txt || { echo 'FAILED: name in JSON'; failures=1; }

# HEX is read as well, and a cut image is not.
"$otter" merge -o image.hex image.bin@0x10000 || failures=1
"$otter" dumpinfo -f yaml image.hex | sed 's/image.hex/image.bin/' >printed.txt
same yaml.txt printed.txt
head -c 100 image.bin >cut.bin
"$otter" dumpinfo cut.bin >/dev/null 2>err.txt && { echo 'FAILED: a cut image is dumped'; failures=1; }
grep -q "'cut.bin': " err.txt || { echo 'FAILED: no word about cut.bin'; failures=1; }
# What follows the image without a trailer's magic is said on stderr, so that stdout stays YAML.
(cat image.bin && echo more) >more.bin
"$otter" dumpinfo -f yaml more.bin 2>err.txt >printed.txt || failures=1
grep -q 'trailer magic value is invalid' err.txt || { echo 'FAILED: no warning'; failures=1; }
grep -q '^  image_ok' printed.txt && { echo 'FAILED: fields of no trailer'; failures=1; }
[ "$failures" = 0 ] && echo 'all as expected'
[ "$failures" = 0 ]
