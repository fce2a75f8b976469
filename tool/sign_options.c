/* The command line of `otter sign`, in imgtool's syntax. */
#include "tool/sign.h"

#include <string.h>
#include <strings.h>

#include "tool/values.h"

enum {
    OPTION_PUBLIC_KEY_FORMAT = 256,
    OPTION_ALIGN,
    OPTION_MAX_ALIGN,
    OPTION_PAD_HEADER,
    OPTION_OVERWRITE_ONLY,
    OPTION_PAD,
    OPTION_TEST,
    OPTION_CONFIRM,
    OPTION_ENCRYPT_KEYLEN,
    OPTION_HMAC_SHA,
    OPTION_SAVE_ENCTLV,
    OPTION_CUSTOM_TLV,
    OPTION_CUSTOM_TLV_FILE,
    OPTION_NON_BOOTABLE,
    OPTION_BOOT_RECORD,
    OPTION_SHA,
    OPTION_PURE,
    OPTION_VID,
    OPTION_CID,
    OPTION_PAD_SIG,
    OPTION_NO_PAD_SIG,
    OPTION_SIG_OUT,
    OPTION_FIX_SIG,
    OPTION_FIX_SIG_PUBKEY,
    OPTION_VECTOR_TO_SIGN,
    OPTION_COMPRESSION,
    OPTION_MODE,
    OPTION_SECTOR_SIZE,
};

static const struct option options[] = {
    {'k', "key", "FILE", "signing key, PEM; without one the image has a hash only"},
    {OPTION_PUBLIC_KEY_FORMAT, "public-key-format", "FORM", "hash (the default) or full"},
    {'v', "version", "VERSION", "1.2.3+4, up to 255.255.65535+4294967295; required"},
    {'H', "header-size", "SIZE", "bytes before the program, 32 to 65535; required"},
    {OPTION_PAD_HEADER, "pad-header", NULL, "put the header in front of the program"},
    {'S', "slot-size", "SIZE",
     "required, up to 0x7fffffff: image and trailer must fit; 0: no check"},
    {OPTION_ALIGN, "align", "1|2|4|8|16|32", "write size of the flash (1)"},
    {OPTION_MAX_ALIGN, "max-align", "8|16|32", "size of a trailer field (8, or --align if larger)"},
    {'M', "max-sectors", "N", "sectors the bootloader is built for, up to 65536 (128)"},
    {OPTION_OVERWRITE_ONLY, "overwrite-only", NULL, "for a bootloader that copies, not swaps"},
    {OPTION_PAD, "pad", NULL, "fill up to the slot's end, with a trailer that asks for a test"},
    {OPTION_TEST, "test", NULL, "the same; in HEX the erased image_ok field is written too"},
    {OPTION_CONFIRM, "confirm", NULL, "the same, but asking for a swap for good"},
    {'R', "erased-val", "0|0xff", "what erased flash reads as (0xff)"},
    {'s', "security-counter", "N|auto", "up to 4294967295; auto makes it from the version"},
    {'d', "dependencies", "LIST",
     "\"(image, version), ...\": versions that images 0 to 255 must have"},
    {'E', "encrypt", "FILE", "encrypt for this public key, PEM: P-256, X25519 or RSA-2048"},
    {OPTION_ENCRYPT_KEYLEN, "encrypt-keylen", "128|256", "AES key size (128)"},
    {OPTION_HMAC_SHA, "hmac-sha", "auto|256|512", "hash in the key's wrapping (256)"},
    {'c', "clear", NULL, "wrapped key but payload in clear: factory image of encrypted products"},
    {OPTION_SAVE_ENCTLV, "save-enctlv", NULL, "trailer keeps wrapped keys instead of plain ones"},
    {OPTION_CUSTOM_TLV, "custom-tlv", "TAG VALUE", "protected TLV; VALUE 0x1234 or text; repeats"},
    {OPTION_CUSTOM_TLV_FILE, "custom-tlv-file", "TAG FILE", "the same with a file's content"},
    {'L', "load-addr", "ADDRESS", "the image runs from RAM, loaded there; 0: it does not"},
    {'F', "rom-fixed", "ADDRESS", "the image runs only from this flash address; 0: from any"},
    {OPTION_NON_BOOTABLE, "non-bootable", NULL, "the image is data, not to be started"},
    {OPTION_BOOT_RECORD, "boot-record", "TYPE", "boot record for attestation, at most 12 letters"},
    {OPTION_SHA, "sha", "auto|256|384|512", "hash of the image (256; with a P-384 key 384)"},
    {OPTION_PURE, "pure", NULL, "Ed25519 over the image itself instead of its hash"},
    {OPTION_VID, "vid", "UUID|NAME", "vendor id; a name becomes a UUID"},
    {OPTION_CID, "cid", "UUID|NAME", "class id; a name becomes a UUID below the vendor's"},
    {OPTION_PAD_SIG, "pad-sig", NULL, "pad ECDSA signatures, for MCUboot before 1.5"},
    {OPTION_NO_PAD_SIG, "no-pad-sig", NULL, "do not (the default)"},
    {OPTION_SIG_OUT, "sig-out", "FILE", "write the signature there too, in base64"},
    {OPTION_FIX_SIG, "fix-sig", "FILE", "use this signature, base64, made elsewhere"},
    {OPTION_FIX_SIG_PUBKEY, "fix-sig-pubkey", "FILE", "public key of that signature"},
    {OPTION_VECTOR_TO_SIGN, "vector-to-sign", "KIND",
     "write only what another signer must sign: payload or digest"},
    {'x', "hex-addr", "ADDRESS", "where a HEX output begins"},
    {'e', "endian", "little|big", "byte order (little, all that Otter's bootloader reads)"},
    {OPTION_COMPRESSION, "compression", "disabled|lzma2|lzma2armthumb",
     "if it makes it smaller; Otter's bootloader does not unpack (disabled)"},
    {OPTION_MODE, "mode", "MODE",
     "also keep the limit of scratch, move, offset, overwrite, direct-xip or ram-load"},
    {OPTION_SECTOR_SIZE, "sector-size", "SIZE", "of the slot, for --mode (0x1000)"},
    {0},
};

const struct usage sign_usage = {
    .command = "sign",
    .operands = "[OPTION]... IN OUT",
    .summary = "Makes a signed image, as MCUboot and Otter boot it, out of a program. Options and "
               "output are\nimgtool's. Files are Intel HEX if their names end in .hex, else "
               "binary.",
    .options = options,
    .examples =
        "  otter sign -k signing.pem --align 4 -v 1.0.1+0 --header-size 4096 --pad-header \\\n"
        "      -S 0x73000 firmware.bin firmware.signed.bin\n"
        "  otter sign -k signing.pem --align 4 -v 1.0.1+0 -H 4096 --pad-header -S 0x73000 \\\n"
        "      --mode scratch --sector-size 0x1000 -M 115 firmware.hex firmware.signed.hex\n"
        "  otter sign -k signing.pem -E device-pub.pem -s auto -d '(1, 1.2.3+0)' -v 2.0.0 \\\n"
        "      -H 0x200 --pad-header -S 0x10000 --confirm firmware.bin update.bin\n"
        "  otter sign -k signing.pem --compression lzma2armthumb -v 2.0.0 -H 0x200 --pad-header "
        "\\\n"
        "      -S 0x10000 firmware.bin packed.bin\n",
};

/* --- values ---------------------------------------------------------------------------------- */

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

static bool take_power(const char *text, uint32_t least, uint32_t *number)
{
    uint32_t parsed;

    if (!value_number(text, 32, &parsed) || parsed < least || (parsed & (parsed - 1)) != 0)
        return false;
    *number = parsed;
    return true;
}

static bool take_choice(const char *text, const char *no, const char *yes, bool *choice)
{
    *choice = is(text, yes);
    return *choice || is(text, no);
}

static bool take_counter(struct sign_request *request, const char *text)
{
    request->spec.has_security_counter = true;
    request->counter_is_auto = strcasecmp(text, "auto") == 0;
    return request->counter_is_auto ||
           value_number(text, UINT32_MAX, &request->spec.security_counter);
}

static bool take_erased(struct image_spec *spec, const char *text)
{
    uint32_t value;

    if (!value_number(text, 0xff, &value) || (value != 0 && value != 0xff))
        return false;
    spec->erased_value = (uint8_t)value;
    return true;
}

static bool take_hash(struct sign_request *request, const char *text)
{
    request->hash_given = !is(text, "auto");
    return !request->hash_given || hash_parse(text, &request->spec.hash);
}

static bool take_vector(struct sign_request *request, const char *text)
{
    request->vector = is(text, "payload") ? VECTOR_PAYLOAD : VECTOR_DIGEST;
    return request->vector == VECTOR_PAYLOAD || is(text, "digest");
}

/* --- options --------------------------------------------------------------------------------- */

enum taken { TAKEN, BAD_VALUE, NOT_MINE };

static enum taken taken_if(bool good)
{
    return good ? TAKEN : BAD_VALUE;
}

static enum taken take_key_option(struct sign_request *request, int letter, const char *value)
{
    struct image_spec *spec = &request->spec;

    switch (letter) {
    case 'k':
        request->key_path = value;
        return TAKEN;
    case OPTION_PUBLIC_KEY_FORMAT:
        return taken_if(take_choice(value, "hash", "full", &spec->full_public_key));
    case OPTION_SHA:
        return taken_if(take_hash(request, value));
    case OPTION_PURE:
        spec->pure = true;
        return TAKEN;
    case OPTION_PAD_SIG:
    case OPTION_NO_PAD_SIG:
        spec->pad_signature = letter == OPTION_PAD_SIG;
        return TAKEN;
    case OPTION_SIG_OUT:
        request->signature_output = value;
        return TAKEN;
    case OPTION_FIX_SIG:
        request->fixed_signature_path = value;
        return TAKEN;
    case OPTION_FIX_SIG_PUBKEY:
        request->fixed_signature_key_path = value;
        return TAKEN;
    case OPTION_VECTOR_TO_SIGN:
        return taken_if(take_vector(request, value));
    case 'E':
        request->encrypt_path = value;
        return TAKEN;
    case OPTION_ENCRYPT_KEYLEN:
        spec->cipher_key_size = is(value, "256") ? 32 : 16;
        return taken_if(spec->cipher_key_size == 32 || is(value, "128"));
    case OPTION_HMAC_SHA:
        spec->encrypt_sha512 = is(value, "512");
        return taken_if(spec->encrypt_sha512 || is(value, "auto") || is(value, "256"));
    case 'c':
        spec->payload_in_clear = true;
        return TAKEN;
    case OPTION_SAVE_ENCTLV:
        spec->save_enctlv = true;
        return TAKEN;
    case 'e':
        return taken_if(take_choice(value, "little", "big", &spec->big_endian));
    case OPTION_COMPRESSION:
        return taken_if(compression_parse(value, &request->compression));
    default:
        return NOT_MINE;
    }
}

static enum taken take_slot_option(struct sign_request *request, int letter, const char *value)
{
    struct image_spec *spec = &request->spec;

    switch (letter) {
    case 'S':
        request->has_slot_size = true;
        return taken_if(value_number(value, INT32_MAX, &spec->slot_size));
    case OPTION_ALIGN:
        return taken_if(take_power(value, 1, &spec->align));
    case OPTION_MAX_ALIGN:
        request->has_max_align = true;
        return taken_if(take_power(value, 8, &spec->max_align));
    case 'M':
        return taken_if(value_number(value, 65536, &spec->max_sectors));
    case OPTION_OVERWRITE_ONLY:
        spec->overwrite_only = true;
        return TAKEN;
    case OPTION_PAD:
    case OPTION_TEST:
    case OPTION_CONFIRM:
        request->pad = true;
        request->test |= letter == OPTION_TEST;
        spec->confirm |= letter == OPTION_CONFIRM;
        return TAKEN;
    case 'R':
        return taken_if(take_erased(spec, value));
    case 'x':
        request->has_hex_address = true;
        return taken_if(value_number(value, UINT32_MAX, &request->hex_address));
    case OPTION_MODE:
        return taken_if(slot_mode_parse(value, &request->layout.mode));
    case OPTION_SECTOR_SIZE:
        return taken_if(value_number(value, INT32_MAX, &request->layout.sector_size) &&
                        request->layout.sector_size != 0);
    default:
        return NOT_MINE;
    }
}

static enum taken take_header_option(struct sign_request *request, int letter, const char *value)
{
    struct image_spec *spec = &request->spec;

    switch (letter) {
    case 'v':
        request->has_version = true;
        return taken_if(value_version(value, &spec->version));
    case 'H':
        return taken_if(value_number(value, UINT16_MAX, &spec->header_size) &&
                        spec->header_size >= IMAGE_HEADER_SIZE);
    case OPTION_PAD_HEADER:
        spec->pad_header = true;
        return TAKEN;
    case 's':
        return taken_if(take_counter(request, value));
    case 'L':
        return taken_if(value_number(value, UINT32_MAX, &request->ram_address));
    case 'F':
        return taken_if(value_number(value, UINT32_MAX, &request->rom_address));
    case OPTION_NON_BOOTABLE:
        spec->flags |= IMAGE_FLAG_NON_BOOTABLE;
        return TAKEN;
    case OPTION_BOOT_RECORD:
        spec->boot_record = value;
        return taken_if(strlen(value) <= IMAGE_BOOT_RECORD_MAX);
    case OPTION_VID:
        request->vendor = value;
        return TAKEN;
    case OPTION_CID:
        request->class = value;
        return TAKEN;
    default:
        return NOT_MINE;
    }
}

static int take_operand(struct sign_request *request, const char *path)
{
    if (!request->input) {
        request->input = path;
    } else if (!request->output) {
        request->output = path;
    } else {
        usage_wrong(&sign_usage, "only IN and OUT are wanted: what is '%s' for?", path);
        return ARGUMENTS_WRONG;
    }
    return ARGUMENTS_END;
}

static int take_option(struct sign_request *request, const struct arguments *arguments, int letter)
{
    enum taken taken;

    if (letter == OPTION_CUSTOM_TLV)
        return sign_take_custom(request, arguments->value, arguments->second);
    if (letter == OPTION_CUSTOM_TLV_FILE)
        return sign_take_custom_file(request, arguments->value, arguments->second);
    if (letter == 'd')
        return sign_take_dependencies(&request->spec, arguments->value);
    taken = take_key_option(request, letter, arguments->value);
    if (taken == NOT_MINE)
        taken = take_slot_option(request, letter, arguments->value);
    if (taken == NOT_MINE)
        taken = take_header_option(request, letter, arguments->value);
    if (taken == TAKEN)
        return ARGUMENTS_END;
    usage_wrong_value(&sign_usage, letter, arguments->value);
    return ARGUMENTS_WRONG;
}

/* --- what goes together ---------------------------------------------------------------------- */

static const char *missing(const struct sign_request *request)
{
    if (!request->has_version)
        return "-v VERSION";
    if (request->spec.header_size == 0)
        return "-H SIZE (--header-size)";
    if (!request->has_slot_size)
        return "-S SIZE (--slot-size)";
    if (!request->output)
        return request->input ? "OUT, the file to write," : "IN, the program,";
    return NULL;
}

static const char *contradiction(const struct sign_request *request)
{
    const struct image_spec *spec = &request->spec;

    if (request->ram_address && request->rom_address)
        return "--load-addr and --rom-fixed exclude each other";
    if (request->pad && spec->slot_size == 0)
        return "--pad and --confirm need the real --slot-size, not 0";
    if (!request->fixed_signature_path != !request->fixed_signature_key_path)
        return "--fix-sig and --fix-sig-pubkey go together";
    if (request->fixed_signature_path && (request->key_path || request->encrypt_path))
        return "--fix-sig goes without --key and --encrypt";
    if ((spec->payload_in_clear || spec->save_enctlv) && !request->encrypt_path)
        return "--clear and --save-enctlv go with --encrypt FILE";
    if (request->signature_output && request->vector != VECTOR_NONE)
        return "--vector-to-sign signs nothing: leave --sig-out out";
    if (spec->pure && request->hash_given)
        return "--pure takes its own hash, SHA-512; leave --sha out";
    if (spec->pure && !request->key_path && !request->fixed_signature_path)
        return "--pure needs a signing key";
    if (request->compression != COMPRESSION_NONE &&
        (request->fixed_signature_path || request->vector != VECTOR_NONE))
        return "--compression needs the key itself, since two images are signed: the plain one too";
    if (spec->max_align < spec->align)
        return "--max-align must not be below --align";
    if (request->layout.mode != SLOT_UNCHECKED && spec->slot_size == 0)
        return "--mode needs the real --slot-size, not 0";
    return NULL;
}

static void fill_in(struct sign_request *request)
{
    struct image_spec *spec = &request->spec;

    if (!request->has_max_align && spec->align > spec->max_align)
        spec->max_align = spec->align;
    if (request->counter_is_auto)
        spec->security_counter = ((uint32_t)spec->version.major << 24) +
                                 ((uint32_t)spec->version.minor << 16) + spec->version.revision;
    if (spec->pure)
        spec->hash = HASH_SHA512;
    /* An address of 0 is none, as build systems give it that fill in every option. */
    if (request->ram_address)
        spec->flags |= IMAGE_FLAG_RAM_LOAD;
    if (request->rom_address)
        spec->flags |= IMAGE_FLAG_ROM_FIXED;
    spec->load_address = request->rom_address ? request->rom_address : request->ram_address;
}

static int check_together(struct sign_request *request)
{
    const char *text = missing(request);

    fill_in(request);
    if (text) {
        usage_wrong(&sign_usage, "%s is missing", text);
        return ARGUMENTS_WRONG;
    }
    text = contradiction(request);
    if (text) {
        usage_wrong(&sign_usage, "%s", text);
        return ARGUMENTS_WRONG;
    }
    return sign_take_ids(request);
}

int sign_read_arguments(struct sign_request *request, int argc, char **argv)
{
    struct arguments arguments;
    int got;

    *request = (struct sign_request){.spec = image_spec_default()};
    request->layout.sector_size = 0x1000;
    arguments_start(&arguments, &sign_usage, argc, argv);
    while ((got = arguments_next(&arguments)) != ARGUMENTS_END) {
        if (got == ARGUMENTS_OPERAND)
            got = take_operand(request, arguments.value);
        else if (got != ARGUMENTS_HELP && got != ARGUMENTS_WRONG)
            got = take_option(request, &arguments, got);
        if (got != ARGUMENTS_END)
            return got;
    }
    return check_together(request);
}

void sign_request_free(struct sign_request *request)
{
    for (int i = 0; i < request->spec.custom_count; i++)
        bytes_free(&request->spec.custom[i].value);
    bytes_free(&request->fixed_signature);
    key_free(&request->key);
    key_free(&request->encrypt_key);
}
