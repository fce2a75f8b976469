#!/bin/sh
# The image tool as a user calls it: cli.sh OTTER FOLDER. Exit codes: 0 done, 1 failed, 2 wrong
# usage; messages name what is wrong; a file is never left half written.
otter=$1
folder=$2
otter_program=${3:-$1} # a file of code
failures=0
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder" || exit 1

# expect CODE TEXT COMMAND...: the exit code, and a text that the output must contain.
expect() {
    wanted=$1 text=$2
    shift 2
    output=$("$@" 2>&1)
    code=$?
    case $output in
    *"$text"*) ;;
    *) code="$code, and no '$text' in: $output" ;;
    esac
    if [ "$code" != "$wanted" ]; then
        echo "FAILED: $*: exit code $wanted wanted, got $code"
        failures=$((failures + 1))
    fi
}
same() {
    if ! cmp "$1" "$2"; then
        echo "FAILED: $1 and $2 differ"
        failures=$((failures + 1))
    fi
}

head -c 3000 /dev/zero | tr '\0' 'p' >program.bin
head -c 100 /dev/zero | tr '\0' 'b' >boot.bin

# The program
expect 0 'sign ' "$otter" --help
expect 0 'otter ' "$otter" --version
expect 2 "did you mean 'sign'" "$otter" sing
expect 2 'usage: otter' "$otter"
expect 0 'usage: otter merge' "$otter" help merge
for name in keygen keyinfo getpub getpubhash getpriv sign create verify merge inspect dumpinfo \
    create-trailer; do
    expect 0 'Examples:' "$otter" "$name" --help
    expect 2 '--no-such-thing' "$otter" "$name" --no-such-thing
    expect 2 'otter' "$otter" "$name"
done

# Keys
expect 0 '' "$otter" keygen -t ecdsa-p256 -k p256.pem
[ "$(stat -c %a p256.pem)" = 600 ] || { echo 'FAILED: key is readable by others'; failures=1; }
cp p256.pem before.pem
expect 1 '--force' "$otter" keygen -t ed25519 -k p256.pem
same p256.pem before.pem
expect 0 '' "$otter" keygen -t ed25519 -k p256.pem --force
expect 0 'ed25519_pub_key[]' "$otter" getpub -k p256.pem
expect 0 '' "$otter" keygen --type=ecdsa-p256 --key=p256.pem --force
expect 2 "'p256'" "$otter" keygen -t p256 -k x.pem
expect 0 'const unsigned int ecdsa_pub_key_len = 91;' "$otter" getpub -k p256.pem -e lang-c
expect 0 'ecdsa_pub_key_hash_len = 32' "$otter" getpubhash -k p256.pem
expect 0 '' "$otter" getpub -k p256.pem -e pem -o p256-pub.pem
expect 0 'BEGIN PUBLIC KEY' cat p256-pub.pem
expect 0 'enc_priv_key_len = 67' "$otter" getpriv -k p256.pem --minimal
expect 0 '' "$otter" keygen -t rsa-2048 -k rsa.pem
expect 0 '0x30, 0x82, 0x04, 0xa' "$otter" getpriv -k rsa.pem
expect 0 '0x02, 0x01, 0x00, 0x02' "$otter" getpriv -k rsa.pem
expect 0 '0x02, 0x01, 0x00, 0x30' "$otter" getpriv -k rsa.pem -f pkcs8
expect 1 'public key' "$otter" getpriv -k p256-pub.pem
expect 1 'cannot open' "$otter" getpub -k missing.pem
expect 1 'not a PEM file' "$otter" getpub -k boot.bin

expect 0 'static ECDSA_PUB_KEY: &[u8] = &[' "$otter" getpub -k p256.pem -e lang-rust
expect 0 'static ECDSA_PUB_KEY_A1:' "$otter" getpub -k p256.pem -e lang-rust --name-suffix _a1
expect 0 'ecdsa_pub_key_a1[]' "$otter" getpub -k p256.pem --name-suffix _a1
expect 2 'letters, digits and _' "$otter" getpub -k p256.pem --name-suffix -a1
expect 2 'letters, digits and _' "$otter" getpubhash -k p256.pem --name-suffix '[1];'
expect 1 '`-f openssl`' "$otter" getpriv -k rsa.pem --minimal -f pkcs8

# Of an RSA key, --minimal leaves version, n, e, d, p and q: what imgtool leaves.
expect 0 '' "$otter" getpriv -k rsa.pem -o whole.c
expect 0 '' "$otter" getpriv -k rsa.pem --minimal -o minimal.c
array() { sed -n 's/^ *\(0x.*\),$/\1/p' "$1" | tr -d ' \n' | sed 's/0x//g; s/,//g'; }
whole=$(array whole.c)
minimal=$(array minimal.c)
# 4 bytes of head, 3 of version, n of 261, e of 5, d of 260 or 259, p and q of 132 each
size=$((${#minimal} / 2))
case $size in 79[5-7]) ;; *) echo "FAILED: minimal RSA key of $size bytes"; failures=1 ;; esac
case $whole in
3082????"${minimal#3082????}"*) ;;
*) echo 'FAILED: minimal RSA key is no part of the whole one'; failures=1 ;;
esac
expect 0 "3082$(printf '%04x' $((size - 4)))" echo "$minimal"

# Pass phrases; setsid takes the terminal away, so that they come from stdin
locked() { # WORDS COMMAND...: types the words, each on a line
    words=$1
    shift
    printf '%s\n' $words | setsid -w "$@"
}
expect 0 '4 characters or more' locked 'abcd abcd' "$otter" keygen -t ed25519 -k locked.pem -p
expect 0 'ENCRYPTED PRIVATE KEY' cat locked.pem
expect 0 "ed25519_pub_key" locked abcd "$otter" getpub -k locked.pem
expect 1 "'locked.pem': wrong pass phrase" locked abcx "$otter" getpub -k locked.pem
expect 1 "'locked.pem': it is locked" setsid -w "$otter" getpub -k locked.pem </dev/null
expect 1 "'never.pem' has 3 characters; it must have 4 to 1023" locked 'abc abc' \
    "$otter" keygen -t ed25519 -k never.pem -p
expect 1 'differ' locked 'abcd abce' "$otter" keygen -t ed25519 -k never.pem -p
[ ! -e never.pem ] || { echo 'FAILED: key left behind'; failures=1; }

# Files: mode kept, read-only refused, links followed, a full device noticed
expect 0 '' "$otter" getpub -k p256.pem -o out.c
chmod 664 out.c
expect 0 '' "$otter" getpub -k p256.pem -o out.c
[ "$(stat -c %a out.c)" = 664 ] || { echo 'FAILED: mode not kept'; failures=1; }
chmod 444 out.c
cp out.c kept.c
expect 1 "'out.c': it is read-only" "$otter" getpub -k rsa.pem -o out.c
same out.c kept.c
ln -s later.c link.c
expect 0 '' "$otter" getpub -k p256.pem -o link.c
same later.c kept.c
[ -L link.c ] || { echo 'FAILED: link replaced'; failures=1; }
ln later.c twin.c
expect 0 '' "$otter" getpub -k rsa.pem -o later.c
same later.c twin.c
for words in "getpub -k p256.pem" "--help" "getpub --help"; do
    "$otter" $words >/dev/full 2>full.txt && { echo "FAILED: $words > /dev/full is 0"; failures=1; }
    expect 0 'stdout' cat full.txt
done
expect 2 '0 to 255' "$otter" merge -o never.bin -R 256 boot.bin@0
expect 2 'up to 65536' "$otter" create-trailer -S 0x1000 -M 65537 never.bin

# What keys are
expect 0 'Key type: ECDSA256_SHA256' "$otter" keyinfo -k p256.pem
expect 0 'Key type: PKCS1_PSS_RSA2048_SHA256' "$otter" keyinfo -k rsa.pem
expect 0 '' "$otter" keyinfo -k p256.pem --require private
expect 0 'ECDSA256_SHA256' "$otter" keyinfo -k p256-pub.pem --require public
expect 1 'holds a public key, not a private one' "$otter" keyinfo -k p256-pub.pem --require private
expect 1 'holds a private key, not a public one' "$otter" keyinfo -k p256.pem --require public
expect 2 'private or public' "$otter" keyinfo -k p256.pem --require both

# The version alone, and the old name of sign
expect 0 "otter $("$otter" version)" "$otter" --version
expect 2 'what is' "$otter" version 2

expect 0 '' "$otter" keygen -t ed25519 -k ed.pem
expect 1 'do not decrypt' "$otter" getpriv -k ed.pem

# Sign and verify
set -- -k p256.pem --align 4 -v 1.0.1+0 --header-size 4096 --pad-header -S 0x73000
expect 0 '' "$otter" sign "$@" program.bin image.bin
expect 0 'Image was correctly validated' "$otter" verify -k p256-pub.pem image.bin
expect 0 'Image version: 1.0.1+0' "$otter" verify image.bin
expect 1 'a public key cannot sign' "$otter" sign "$@" -k p256-pub.pem program.bin never.bin
expect 1 'does not fit the slot 0x1f00' "$otter" sign "$@" -S 0x1f00 program.bin never.bin
expect 1 'cannot open' "$otter" sign "$@" missing.bin never.bin
expect 2 '--version wants' "$otter" sign "$@" -v 1.2.3.4 program.bin never.bin
expect 2 '--align wants' "$otter" sign "$@" --align 3 program.bin never.bin
expect 2 '--slot-size' "$otter" sign "$@" -S big program.bin never.bin
expect 2 '--dependencies' "$otter" sign "$@" -d '1, 1.2.3' program.bin never.bin
expect 2 'SHA256' "$otter" sign "$@" --custom-tlv 0x10 0x00 program.bin never.bin
expect 2 '0x00a0' "$otter" sign "$@" --custom-tlv 160 a --custom-tlv 0xa0 b program.bin never.bin
expect 2 'OUT' "$otter" sign "$@" program.bin
expect 1 'accepts at most' "$otter" sign "$@" -S 0x3000 --mode move -M 3 program.bin never.bin
expect 1 'has 115 sectors' "$otter" sign "$@" --mode scratch -M 100 program.bin never.bin
expect 0 '' "$otter" sign "$@" --mode scratch -M 115 --sector-size 0x1000 program.bin fits.bin
expect 1 '--hex-addr' "$otter" sign "$@" program.bin never.hex
expect 1 'No such file' "$otter" sign "$@" program.bin no/such/folder.bin
[ ! -e never.bin ] && [ ! -e never.hex ] || { echo 'FAILED: file left behind'; failures=1; }
head -c 5000 image.bin >cut.bin
expect 1 'cut off' "$otter" verify cut.bin
tr 'p' 'q' <image.bin >changed.bin
expect 1 'invalid hash' "$otter" verify changed.bin
expect 1 'Invalid image magic' "$otter" verify program.bin

# A signature made elsewhere
expect 0 '' "$otter" getpub -k ed.pem -e pem -o ed-pub.pem
set -- --align 4 -v 2.0.0 -H 0x200 --pad-header -S 0x10000
expect 0 '' "$otter" sign -k ed.pem "$@" --sig-out sig.txt program.bin here.bin
expect 0 '' "$otter" sign "$@" --fix-sig sig.txt --fix-sig-pubkey ed-pub.pem program.bin there.bin
same here.bin there.bin
expect 1 'not one over this image' "$otter" sign "$@" -v 2.0.1 --fix-sig sig.txt \
    --fix-sig-pubkey ed-pub.pem program.bin never.bin
expect 0 '' "$otter" sign "$@" --vector-to-sign payload program.bin vector.bin
head -c $((0x200 + 3000)) here.bin >hashed.bin
same vector.bin hashed.bin

expect 2 'signs nothing' "$otter" sign -k ed.pem "$@" --vector-to-sign digest --sig-out no.txt \
    program.bin never.bin
# One with a long tail of zeros, which ECDSA does not mind
expect 0 '' "$otter" sign -k p256.pem "$@" --sig-out ec.txt program.bin here256.bin
{ openssl base64 -d -A -in ec.txt && head -c 2000 /dev/zero; } | openssl base64 -out long.txt
expect 1 'has at most 72' "$otter" sign "$@" --fix-sig long.txt --fix-sig-pubkey p256-pub.pem \
    --sig-out tail.txt program.bin never.bin
expect 0 '' "$otter" sign "$@" --fix-sig ec.txt --fix-sig-pubkey p256-pub.pem program.bin there.bin
same here256.bin there.bin

# RSA
expect 0 '' "$otter" sign -k rsa.pem "$@" --public-key-format full program.bin rsa.bin
expect 0 'correctly validated' "$otter" verify -k rsa.pem rsa.bin
expect 0 'PUBKEY' "$otter" inspect rsa.bin
expect 0 '' "$otter" keygen -t rsa-3072 -k rsa3072.pem
expect 0 '' "$otter" sign -k rsa3072.pem "$@" program.bin rsa3072.bin
expect 0 'correctly validated' "$otter" verify -k rsa3072.pem rsa3072.bin
expect 1 'No signature found' "$otter" verify -k rsa.pem rsa3072.bin

expect 0 '' "$otter" getpub -k rsa.pem -e pem -o rsa-pub.pem
expect 0 '' "$otter" sign -k rsa3072.pem "$@" -E rsa-pub.pem program.bin rsa-enc.bin
expect 0 'correctly validated' "$otter" verify -k rsa3072.pem --decrypt-key rsa.pem \
    --payload rsa-plain.bin rsa-enc.bin
head -c 3000 rsa-plain.bin >rsa-program.bin
same rsa-program.bin program.bin
expect 1 'rsa-3072' "$otter" sign -k rsa3072.pem "$@" -E rsa3072.pem program.bin never.bin

# ECDSA P-384
expect 0 '' "$otter" keygen -t ecdsa-p384 -k p384.pem
expect 0 'ecdsap384_pub_key_len = 120' "$otter" getpub -k p384.pem
expect 0 'ecdsap384_pub_key_hash_len = 48' "$otter" getpubhash -k p384.pem --sha 384
expect 0 '' "$otter" getpub -k p384.pem -e pem -o p384-pub.pem
expect 0 '' "$otter" sign -k p384.pem "$@" program.bin p384.bin
expect 0 'correctly validated' "$otter" verify -k p384-pub.pem p384.bin
expect 0 'SHA384' "$otter" inspect -k p384.pem p384.bin
expect 1 'No signature found' "$otter" verify -k p256.pem p384.bin
expect 1 'does not sign SHA256' "$otter" sign -k p384.pem "$@" --sha 256 program.bin never.bin
expect 1 'does not sign SHA384' "$otter" sign -k p256.pem "$@" --sha 384 program.bin never.bin
expect 0 '' "$otter" sign -k p384.pem "$@" --sig-out sig384.txt program.bin p384.bin
expect 0 '' "$otter" sign "$@" --fix-sig sig384.txt --fix-sig-pubkey p384-pub.pem program.bin there.bin
same p384.bin there.bin

# HEX in and out, trailers
expect 1 'reaches past 4 GiB' "$otter" sign -k ed.pem "$@" --pad -x 0xfffff000 program.bin never.hex
expect 2 'reaches past 4 GiB' "$otter" create-trailer -S 0x10000 -x 0xffff1000 never.hex
expect 0 '' "$otter" sign -k ed.pem "$@" --pad -x 0xffff0000 program.bin top.hex
expect 0 '' "$otter" sign -k ed.pem "$@" --pad --hex-addr 0x10000 program.bin padded.hex
expect 0 '' "$otter" sign -k ed.pem "$@" --pad program.bin padded.bin
expect 0 '' "$otter" merge -o flat.bin padded.hex
same flat.bin padded.bin
expect 0 'magic good' "$otter" inspect padded.hex
expect 0 '' "$otter" create-trailer -S 0x10000 --align 4 trailer.bin
tail -c 1584 padded.bin >tail.bin
same trailer.bin tail.bin
# What a programmer writes, flash that is written once never takes again: only what is set.
expect 0 '' "$otter" create-trailer -S 0x10000 --align 16 -x 0x10000 request.hex
[ "$(wc -l <request.hex)" = 3 ] || { echo 'FAILED: a HEX trailer has more than its magic'; failures=1; }

# Merge
expect 0 '' "$otter" merge -o all.hex boot.bin@0 here.bin@0x10000
expect 0 '' "$otter" merge -o all.bin --base 0 --size 0x20000 all.hex
[ "$(stat -c %s all.bin)" = 131072 ] || { echo 'FAILED: --size'; failures=1; }
tail -c +65537 all.bin | head -c "$(stat -c %s here.bin)" >part.bin
same part.bin here.bin
expect 1 "overlaps 'boot.bin'" "$otter" merge -o never.hex boot.bin@0 here.bin@0x63
expect 2 '@0x10000' "$otter" merge -o never.hex boot.bin
expect 1 'more than --size' "$otter" merge -o never.bin --size 0x10 boot.bin@0

# Names become UUIDs of version 5
expect 0 '' "$otter" sign -k ed.pem "$@" --vid example.com --cid board program.bin named.bin
expect 0 'cfbff0d193755685968c48ce8b15ae17' "$otter" inspect named.bin
expect 0 'd9c03f90568d5553b0aa28b24df90fcc' "$otter" inspect named.bin
expect 2 'needs --vid' "$otter" sign -k ed.pem "$@" --cid board program.bin never.bin

expect 0 '' "$otter" sign -k ed.pem "$@" --cid board --vid example.com program.bin later.bin
same named.bin later.bin
expect 0 '' "$otter" sign -k ed.pem "$@" --vid 6ba7b8109-dad-11d1-80b4-00c04fd430c8 program.bin odd.bin
expect 0 '7758d13c6ffd570b810f528f5ea66c15' "$otter" inspect odd.bin
expect 2 'something behind it' "$otter" sign -k ed.pem "$@" \
    --vid 6ba7b810-9dad-11d1-80b4-00c04fd430c8f program.bin never.bin

# As imgtool has it, byte for byte (an Ed25519 signature has nothing random in it)
sign() { expect 0 '' "$otter" sign -k ed.pem --align 4 -v 2.0.0 -H 0x200 --pad-header -S 0x10000 "$@"; }
sign program.bin plain.bin
expect 0 '' "$otter" create -k ed.pem "$@" program.bin created.bin
same plain.bin created.bin
sign -L 0 -F 0 program.bin zeros.bin
same plain.bin zeros.bin
sign -L 0x20000000 -F 0 program.bin ram.bin
expect 0 'runs from RAM' "$otter" inspect ram.bin
expect 2 'exclude each other' "$otter" sign -k ed.pem "$@" -L 1 -F 1 program.bin never.bin
sign --custom-tlv 0xa0 one --custom-tlv 0xa2 two --custom-tlv-file 0xa1 boot.bin program.bin tlvs.bin
sign --custom-tlv-file 0xa1 boot.bin --custom-tlv 0xa0 one --custom-tlv 0xa2 two program.bin tlvs2.bin
same tlvs.bin tlvs2.bin
sign --test --hex-addr 0x10000 program.bin test.hex
sign --pad --hex-addr 0x10000 program.bin pad.hex
expect 0 '' "$otter" merge -R 0 -o test.bin test.hex
expect 0 '' "$otter" merge -R 0 -o pad.bin pad.hex
tail -c 24 test.bin | head -c 8 >image_ok.bin
printf '\377\377\377\377\377\377\377\377' >erased.bin
same image_ok.bin erased.bin
tail -c 24 pad.bin | head -c 8 >image_ok.bin
head -c 8 /dev/zero >zero8.bin
same image_ok.bin zero8.bin
sign --vector-to-sign payload --hex-addr 0x10000 program.bin vector.hex
expect 0 '' "$otter" merge -o vector-flat.bin vector.hex
same vector-flat.bin vector.bin
expect 0 '' "$otter" sign "$@" --sha 512 --boot-record NSPE program.bin record.bin
signer=$(printf '%064d' 0)
expect 0 "055820${signer}0666534841353132025840${signer}${signer}\"" "$otter" inspect --json record.bin
expect 0 '' "$otter" merge -o gap.hex boot.bin@0x1000 boot.bin@0x1100
sign -R 0 gap.hex gap.bin
expect 0 '' "$otter" merge -o gap-flat.bin gap.hex
head -c $((0x200 + 356)) gap.bin | tail -c 356 >gap-payload.bin
same gap-payload.bin gap-flat.bin
sign -s auto program.bin auto.bin
sign -s AUTO program.bin AUTO.bin
same auto.bin AUTO.bin
expect 2 'SHA-512' "$otter" sign -k ed.pem "$@" --pure --sha 512 program.bin never.bin
expect 0 '' "$otter" sign -k ed.pem "$@" --pure --sha auto program.bin pure.bin
expect 0 'Image signature over image: ' "$otter" verify -k ed-pub.pem pure.bin
expect 0 'Image digest: ' "$otter" verify pure.bin
expect 0 'Image digest: ' "$otter" verify -k ed-pub.pem plain.bin

# Many TLVs and dependencies; limits are named
tlvs=$(i=0; while [ $i -lt 20 ]; do echo "--custom-tlv $((0x200 + i)) x"; i=$((i + 1)); done)
sign $tlvs program.bin many.bin
expect 0 '0x0213  custom' "$otter" inspect many.bin
tlvs=$(i=0; while [ $i -lt 257 ]; do echo "--custom-tlv $((0x200 + i)) x"; i=$((i + 1)); done)
expect 2 'more than 256 custom TLVs' "$otter" sign "$@" $tlvs program.bin never.bin
list=$(i=0; while [ $i -lt 255 ]; do printf '(%d, 1.0), ' $i; i=$((i + 1)); done)
sign -d "$list(255, 1.0)" program.bin depends.bin
expect 0 'image 255 must be 1.0.0' "$otter" inspect depends.bin
expect 2 'names 257 images; 256 are the most' "$otter" sign "$@" -d "$list(255, 1.0), (0, 2.0)" \
    program.bin never.bin
expect 2 'images 0 to 255' "$otter" sign "$@" -d '(256, 1.0)' program.bin never.bin
expect 2 '255.255.65535' "$otter" sign "$@" -v 256.0.0 program.bin never.bin
expect 2 '0x7fffffff' "$otter" sign "$@" -S 0x80000000 program.bin never.bin
expect 2 '65535' "$otter" sign "$@" -H 65536 program.bin never.bin

# Compression and byte order
head -c 20000 "$otter_program" >code.bin
expect 0 'original image size: 20000 bytes' "$otter" sign -k ed.pem "$@" --compression lzma2armthumb \
    code.bin packed.bin
[ "$(stat -c %s packed.bin)" -lt 20000 ] || { echo 'FAILED: not compressed'; failures=1; }
expect 0 'compressed (LZMA2), ARM Thumb filter' "$otter" inspect packed.bin
expect 0 'correctly validated' "$otter" verify -k ed-pub.pem --payload unpacked.bin packed.bin
same unpacked.bin code.bin
expect 0 'no smaller' "$otter" sign -k ed.pem "$@" --compression lzma2 p256.pem unpackable.bin
expect 2 'two images are signed' "$otter" sign -k ed.pem "$@" --compression lzma2 \
    --vector-to-sign digest program.bin never.bin
expect 2 'disabled|lzma2|lzma2armthumb' "$otter" sign "$@" --compression lzma program.bin never.bin
sign -e big program.bin big.bin
expect 1 'big-endian image' "$otter" verify big.bin

# The input is named
expect 0 "'program.bin': image" echo "$("$otter" sign "$@" -S 0x400 program.bin never.bin 2>&1)"

# Inspect
expect 0 'Signature     good' "$otter" inspect -k ed-pub.pem here.bin
expect 1 'Signature     BAD' "$otter" inspect -k p256-pub.pem here.bin
expect 0 '"swap_type"' "$otter" inspect --json padded.bin
expect 1 'is this its flash file' "$otter" inspect --board mps2-an505 here.bin
expect 0 '' "$otter" sign -k ed.pem "$@" -S 0x73000 --pad program.bin slot.bin
expect 0 '' "$otter" merge -o flash.img --base 0 --size 0x1000000 here.bin@0x10000 slot.bin@0x83000
expect 0 'Next boot      test' "$otter" inspect --board mps2-an505 flash.img
expect 0 '' "$otter" merge --board mps2-an505 -o by-area.img --base 0x80000000 --size 0x1000000 \
    here.bin@primary slot.bin@secondary
expect 0 '' cmp flash.img by-area.img
expect 1 "which --board" "$otter" merge -o never.img here.bin@primary
expect 1 "no area 'secondary' that is mapped" "$otter" merge --board mps2-an505/external -o never.img \
    here.bin@secondary
expect 0 '"next_boot": "test"' "$otter" inspect --json --board mps2-an505 -k ed-pub.pem flash.img
expect 0 'starts from the secondary slot' "$otter" inspect --board mps2-an505/direct-xip flash.img
expect 0 'Next boot      permanent' "$otter" inspect --board mps2-an505/overwrite flash.img
expect 1 "no board 'x'" "$otter" inspect --board x here.bin

[ -z "$(ls -A | grep '\.tmp$')" ] || { echo 'FAILED: temporary files left'; failures=1; }
[ "$failures" = 0 ] && echo 'all as expected'
[ "$failures" = 0 ]
