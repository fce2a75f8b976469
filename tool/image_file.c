/* Makes a signed image out of a program. */
#include "tool/image_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "image/trailer.h"
#include "tool/tlv.h"

#define CIPHER_BLOCK 16u

struct image_spec image_spec_default(void)
{
    return (struct image_spec){
        .hash = HASH_SHA256,
        .align = 1,
        .max_align = 8,
        .max_sectors = 128,
        .erased_value = 0xff,
        .cipher_key_size = 16,
    };
}

static size_t align_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

static bool is_encrypted(const struct image_spec *spec)
{
    return spec->encrypt_for && !spec->only_mark_encrypted;
}

/* --- program and header ---------------------------------------------------------------------- */

static otter_status place_program(const struct image_spec *spec, const uint8_t *program,
                                  size_t size, struct bytes *plain, struct failure *failure)
{
    if (spec->pad_header)
        bytes_fill(plain, spec->erased_value, spec->header_size);
    bytes_append(plain, program, size);
    if (plain->size < spec->header_size)
        return failed(failure, OTTER_E_ARGUMENT,
                      "the input has %zu bytes, fewer than the header size 0x%" PRIx32
                      "; use --pad-header if the program begins without room for it",
                      size, spec->header_size);
    for (size_t i = 0; !spec->pad_header && i < spec->header_size; i++)
        if (plain->data[i] != 0)
            return failed(failure, OTTER_E_ARGUMENT,
                          "the input does not begin with 0x%" PRIx32 " zero bytes for the header "
                          "(byte 0x%zx is 0x%02x); use --pad-header to put the header in front",
                          spec->header_size, i, plain->data[i]);
    if (is_encrypted(spec) && plain->size % CIPHER_BLOCK != 0)
        bytes_fill(plain, 0, CIPHER_BLOCK - plain->size % CIPHER_BLOCK);
    return OTTER_OK;
}

static uint32_t header_flags(const struct image_spec *spec)
{
    uint32_t encryption =
        spec->cipher_key_size == 32 ? IMAGE_FLAG_ENCRYPTED_AES256 : IMAGE_FLAG_ENCRYPTED_AES128;
    return spec->flags | (spec->encrypt_for ? encryption : 0);
}

static void append_version(struct bytes *bytes, const struct image_version *version)
{
    uint8_t major_minor[2] = {version->major, version->minor};

    bytes_append(bytes, major_minor, sizeof major_minor);
    bytes_u16(bytes, version->revision);
    bytes_u32(bytes, version->build);
}

static void write_header(const struct image_spec *spec, uint16_t protected_size,
                         struct bytes *plain)
{
    struct bytes header = {.big_endian = spec->big_endian};

    bytes_u32(&header, IMAGE_MAGIC);
    bytes_u32(&header, spec->load_address);
    bytes_u16(&header, (uint16_t)spec->header_size);
    bytes_u16(&header, protected_size);
    bytes_u32(&header, (uint32_t)(plain->size - spec->header_size));
    bytes_u32(&header, header_flags(spec));
    append_version(&header, &spec->version);
    bytes_u32(&header, 0);
    memcpy(plain->data, header.data, header.size);
    bytes_free(&header);
}

/* --- TLV areas ------------------------------------------------------------------------------- */

static otter_status append_area(struct bytes *out, uint16_t magic, const struct bytes *entries,
                                struct failure *failure)
{
    size_t size = TLV_INFO_SIZE + entries->size;

    if (size > UINT16_MAX)
        return failed(failure, OTTER_E_TOO_LONG,
                      "the TLVs take %zu bytes, more than the 65535 that the format has room for; "
                      "shorten the custom TLVs",
                      size);
    bytes_u16(out, magic);
    bytes_u16(out, (uint16_t)size);
    bytes_append(out, entries->data, entries->size);
    return OTTER_OK;
}

static void cbor_text(struct bytes *record, uint8_t key, const char *text)
{
    size_t length = strlen(text); /* all are below 24 characters */
    uint8_t head[2] = {key, (uint8_t)(0x60 + length)};

    bytes_append(record, head, sizeof head);
    bytes_append(record, text, length);
}

static void cbor_bytes(struct bytes *record, uint8_t key, const uint8_t *data, size_t size)
{
    uint8_t head[3] = {key, 0x58, (uint8_t)size};

    bytes_append(record, head, sizeof head);
    bytes_append(record, data, size);
}

/* The measured value comes last and is zero: the bootloader puts the hash there. */
static void append_boot_record(const struct image_spec *spec, const uint8_t *key_hash,
                               struct bytes *entries)
{
    static const uint8_t zeros[HASH_SIZE_MAX];
    const uint8_t map_of_5 = 0xa5;
    struct bytes record = {0};
    char version[24];

    snprintf(version, sizeof version, "%u.%u.%u", spec->version.major, spec->version.minor,
             spec->version.revision);
    bytes_append(&record, &map_of_5, 1);
    cbor_text(&record, 1, spec->boot_record);
    cbor_text(&record, 4, version);
    /* Without a key imgtool names a signer of 32 zeros, whatever the hash. */
    cbor_bytes(&record, 5, key_hash, spec->key ? hash_size(spec->hash) : 32);
    cbor_text(&record, 6, hash_name(spec->hash));
    cbor_bytes(&record, 2, zeros, hash_size(spec->hash));
    tlv_append(entries, TLV_BOOT_RECORD, record.data, record.size);
    bytes_free(&record);
}

static void append_dependency(const struct image_dependency *dependency, struct bytes *entries)
{
    struct bytes value = {.big_endian = entries->big_endian};
    uint8_t image[4] = {dependency->image};

    bytes_append(&value, image, sizeof image);
    append_version(&value, &dependency->version);
    tlv_append(entries, IMAGE_TLV_DEPENDENCY, value.data, value.size);
    bytes_free(&value);
}

static otter_status append_custom(const struct custom_tlv *custom, struct bytes *entries,
                                  struct failure *failure)
{
    if (custom->value.size > UINT16_MAX)
        return failed(failure, OTTER_E_TOO_LONG,
                      "custom TLV 0x%04x has %zu bytes; 65535 is the most", custom->type,
                      custom->value.size);
    tlv_append(entries, custom->type, custom->value.data, custom->value.size);
    return OTTER_OK;
}

static otter_status protected_entries(const struct image_spec *spec, const uint8_t *key_hash,
                                      struct bytes *entries, struct failure *failure)
{
    otter_status status = OTTER_OK;

    if (spec->has_security_counter) {
        struct bytes counter = {.big_endian = entries->big_endian};
        bytes_u32(&counter, spec->security_counter);
        tlv_append(entries, IMAGE_TLV_SECURITY_COUNTER, counter.data, counter.size);
        bytes_free(&counter);
    }
    if (spec->boot_record)
        append_boot_record(spec, key_hash, entries);
    for (int i = 0; i < spec->dependency_count; i++)
        append_dependency(&spec->dependencies[i], entries);
    if (spec->decompression_tlvs)
        bytes_append(entries, spec->decompression_tlvs->data, spec->decompression_tlvs->size);
    if (spec->vendor_id)
        tlv_append(entries, TLV_UUID_VID, spec->vendor_id, 16);
    if (spec->class_id)
        tlv_append(entries, IMAGE_TLV_UUID_CID, spec->class_id, 16);
    for (int i = 0; i < spec->custom_count && status == OTTER_OK; i++)
        status = append_custom(&spec->custom[i], entries, failure);
    return status;
}

/* --- hash, signature, encryption ------------------------------------------------------------- */

static otter_status sign(const struct image_spec *spec, struct image_file *file,
                         struct failure *failure)
{
    const uint8_t *message = spec->pure ? file->plain.data : file->hash;
    size_t size = spec->pure ? file->plain.size : hash_size(spec->hash);

    if (!spec->fixed_signature)
        return signature_make(spec->key, message, size, &file->signature, failure);
    /* Zeros behind ECDSA's verify, however many; bootloaders have room for a padded one. */
    if (spec->fixed_signature->size > signature_size_max(spec->key))
        return failed(failure, OTTER_E_TOO_LONG,
                      "the signature given has %zu bytes; one of a %s key has at most %zu",
                      spec->fixed_signature->size, key_type_name(spec->key->type),
                      signature_size_max(spec->key));
    if (signature_verify(spec->key, message, size, spec->fixed_signature->data,
                         spec->fixed_signature->size) != OTTER_OK)
        return failed(failure, OTTER_E_SIGNATURE,
                      "the signature given is not one over this image with this key; sign what "
                      "--vector-to-sign gives, with the same options");
    bytes_append(&file->signature, spec->fixed_signature->data, spec->fixed_signature->size);
    return OTTER_OK;
}

/* What --pad-sig pads ECDSA signatures to; imgtool's number for P-384 is one below the longest. */
static size_t padded_size(enum key_type type)
{
    return type == KEY_P256 ? 72 : type == KEY_P384 ? 103 : 0;
}

static otter_status append_signature(const struct image_spec *spec, struct image_file *file,
                                     const struct bytes *public_key, const uint8_t *key_hash,
                                     struct bytes *entries, struct failure *failure)
{
    const uint8_t pure_mark = 1;
    otter_status status = sign(spec, file, failure);

    if (status != OTTER_OK)
        return status;
    if (spec->pad_signature && file->signature.size < padded_size(spec->key->type))
        bytes_fill(&file->signature, 0, padded_size(spec->key->type) - file->signature.size);
    if (spec->pure)
        tlv_append(entries, TLV_SIG_PURE, &pure_mark, 1);
    if (spec->full_public_key)
        tlv_append(entries, TLV_PUBKEY, public_key->data, public_key->size);
    else
        tlv_append(entries, IMAGE_TLV_KEYHASH, key_hash, hash_size(spec->hash));
    tlv_append(entries, signature_tlv(spec->key->type), file->signature.data, file->signature.size);
    return OTTER_OK;
}

static uint16_t hash_tlv(enum hash_type type)
{
    static const uint16_t types[] = {
        [HASH_SHA256] = IMAGE_TLV_SHA256,
        [HASH_SHA384] = TLV_SHA384,
        [HASH_SHA512] = TLV_SHA512,
    };
    return types[type];
}

static otter_status encrypt(const struct image_spec *spec, struct image_file *file,
                            struct bytes *entries, struct failure *failure)
{
    size_t payload_size = file->image.size - spec->header_size; /* `plain` has TLVs behind it */
    struct image_cipher_key key;
    struct bytes tlv = {0};
    uint16_t type;
    otter_status status = image_key_generate(&key, spec->cipher_key_size, failure);

    if (status == OTTER_OK)
        status = image_key_wrap(&key, spec->encrypt_for, NULL, spec->encrypt_sha512, &type, &tlv,
                                failure);
    if (status == OTTER_OK) {
        tlv_append(entries, type, tlv.data, tlv.size);
        file->enc_tlv_size = tlv.size;
        if (!spec->payload_in_clear)
            status =
                image_key_crypt(&key, file->image.data + spec->header_size, payload_size, failure);
    }
    OPENSSL_cleanse(&key, sizeof key);
    bytes_free(&tlv);
    return status;
}

/* --- fit and trailer ------------------------------------------------------------------------- */

static size_t enc_trailer_size(const struct image_spec *spec, size_t enc_tlv_size)
{
    if (!spec->encrypt_for)
        return 0;
    /* imgtool counts 16 bytes a key for AES-256 too. */
    return 2 * align_up(spec->save_enctlv ? enc_tlv_size : 16, spec->max_align);
}

size_t image_trailer_size(const struct image_spec *spec, size_t enc_tlv_size)
{
    size_t magic = align_up(TRAILER_MAGIC_SIZE, spec->max_align);

    if (spec->overwrite_only)
        return 2 * (size_t)spec->max_align + magic;
    return (size_t)spec->max_sectors * 3 * spec->align + 4 * (size_t)spec->max_align + magic +
           enc_trailer_size(spec, enc_tlv_size);
}

static otter_status check_fit(const struct image_spec *spec, const struct image_file *file,
                              struct failure *failure)
{
    size_t trailer = image_trailer_size(spec, file->enc_tlv_size);
    size_t total = file->image.size + trailer;

    if (spec->slot_size == 0 || total <= spec->slot_size)
        return OTTER_OK;
    return failed(failure, OTTER_E_NO_SPACE,
                  "image 0x%zx + trailer 0x%zx does not fit the slot 0x%" PRIx32
                  ": 0x%zx (%zu) bytes too many; make the program smaller or the slot larger%s",
                  file->image.size, trailer, spec->slot_size, total - spec->slot_size,
                  total - spec->slot_size,
                  spec->overwrite_only
                      ? ""
                      : ", or lower --max-sectors to the number of sectors in a slot if the "
                        "bootloader is built with that");
}

static void swap_bytes(uint8_t bytes[2])
{
    uint8_t first = bytes[0];

    bytes[0] = bytes[1];
    bytes[1] = first;
}

void image_trailer_append(const struct image_spec *spec, size_t size, struct bytes *bytes)
{
    uint32_t end = (uint32_t)size;
    uint8_t *trailer;

    bytes_fill(bytes, spec->erased_value, size);
    trailer = bytes->data + bytes->size - size;
    trailer_magic_bytes(spec->max_align, trailer + trailer_magic_offset(end));
    if (spec->big_endian && spec->max_align > 8) /* the magic begins with it as a u16 */
        swap_bytes(trailer + trailer_magic_offset(end));
    if (spec->confirm && !spec->overwrite_only)
        trailer[trailer_field_offset(end, spec->max_align, TRAILER_IMAGE_OK)] = 1;
}

void image_file_pad(const struct image_spec *spec, struct bytes *image)
{
    image_trailer_append(spec, spec->slot_size - image->size, image);
}

/* --- all together ---------------------------------------------------------------------------- */

static otter_status describe_key(const struct image_spec *spec, struct bytes *public_key,
                                 uint8_t key_hash[HASH_SIZE_MAX], struct failure *failure)
{
    otter_status status;

    memset(key_hash, 0, HASH_SIZE_MAX);
    if (!spec->key)
        return OTTER_OK;
    status = key_public_der(spec->key, public_key, failure);
    if (status != OTTER_OK)
        return status;
    return hash_bytes(spec->hash, public_key->data, public_key->size, key_hash, failure);
}

static bool hash_goes_with(enum key_type type, enum hash_type hash)
{
    switch (type) {
    case KEY_ED25519:
        return hash != HASH_SHA384;
    case KEY_P384:
        return hash == HASH_SHA384;
    default:
        return hash == HASH_SHA256;
    }
}

static bool is_rsa(enum key_type type)
{
    return type == KEY_RSA_2048 || type == KEY_RSA_3072;
}

/* imgtool's rule: a bootloader has one kind of public-key arithmetic. RSA wraps with 2048 bits
 * whatever size signs. */
static bool encryption_goes_with(const struct key *signer, const struct key *recipient)
{
    return signer->type == KEY_ED25519 || signer->type == recipient->type ||
           (is_rsa(signer->type) && is_rsa(recipient->type));
}

static otter_status check_spec(const struct image_spec *spec, size_t size, struct failure *failure)
{
    if (spec->header_size < IMAGE_HEADER_SIZE || spec->header_size > UINT16_MAX)
        return failed(failure, OTTER_E_ARGUMENT,
                      "header size 0x%" PRIx32 ": it must be 0x20 to 0xffff", spec->header_size);
    if (size > UINT32_MAX / 2)
        return failed(failure, OTTER_E_TOO_LONG, "a program of %zu bytes is too large", size);
    if (spec->pure && spec->key && spec->key->type != KEY_ED25519)
        return failed(failure, OTTER_E_ARGUMENT, "--pure works with Ed25519 keys only, not %s",
                      key_type_name(spec->key->type));
    if (spec->key && !hash_goes_with(spec->key->type, spec->hash))
        return failed(failure, OTTER_E_ARGUMENT,
                      "a %s key does not sign %s hashes; leave --sha out",
                      key_type_name(spec->key->type), hash_name(spec->hash));
    if (spec->key && spec->encrypt_for && !encryption_goes_with(spec->key, spec->encrypt_for))
        return failed(
            failure, OTTER_E_ARGUMENT,
            "an image signed with %s must be encrypted for a key of the same kind, not %s",
            key_type_name(spec->key->type), key_type_name(spec->encrypt_for->type));
    return OTTER_OK;
}

/* Header, payload and protected TLVs in clear; then their hash. */
static otter_status build_plain(const struct image_spec *spec, const uint8_t *program, size_t size,
                                const uint8_t *key_hash, struct image_file *file,
                                struct failure *failure)
{
    struct bytes entries = {.big_endian = spec->big_endian};
    struct bytes area = {.big_endian = spec->big_endian};
    otter_status status = place_program(spec, program, size, &file->plain, failure);

    if (status == OTTER_OK)
        status = protected_entries(spec, key_hash, &entries, failure);
    if (status == OTTER_OK && entries.size > 0)
        status = append_area(&area, TLV_PROTECTED_INFO_MAGIC, &entries, failure);
    if (status == OTTER_OK) {
        write_header(spec, (uint16_t)area.size, &file->plain);
        bytes_append(&file->image, file->plain.data, file->plain.size);
        bytes_append(&file->plain, area.data, area.size);
        status = hash_bytes(spec->hash, file->plain.data, file->plain.size, file->hash, failure);
    }
    bytes_free(&entries);
    bytes_free(&area);
    return status;
}

static otter_status build(const struct image_spec *spec, const uint8_t *program, size_t size,
                          struct image_file *file, struct bytes *public_key, struct bytes *entries,
                          struct failure *failure)
{
    uint8_t key_hash[HASH_SIZE_MAX];
    size_t payload_end;
    otter_status status = describe_key(spec, public_key, key_hash, failure);

    if (status == OTTER_OK)
        status = build_plain(spec, program, size, key_hash, file, failure);
    if (status != OTTER_OK)
        return status;
    payload_end = file->image.size;
    tlv_append(entries, hash_tlv(spec->hash), file->hash, hash_size(spec->hash));
    if (spec->key)
        status = append_signature(spec, file, public_key, key_hash, entries, failure);
    if (status == OTTER_OK && is_encrypted(spec))
        status = encrypt(spec, file, entries, failure);
    if (status != OTTER_OK)
        return status;
    bytes_append(&file->image, file->plain.data + payload_end, file->plain.size - payload_end);
    status = append_area(&file->image, TLV_INFO_MAGIC, entries, failure);
    return status == OTTER_OK ? check_fit(spec, file, failure) : status;
}

otter_status image_file_build(const struct image_spec *spec, const uint8_t *program, size_t size,
                              struct image_file *file, struct failure *failure)
{
    struct bytes public_key = {0};
    struct bytes entries = {.big_endian = spec->big_endian};
    otter_status status = check_spec(spec, size, failure);

    *file = (struct image_file){.image.big_endian = spec->big_endian};
    if (status == OTTER_OK)
        status = build(spec, program, size, file, &public_key, &entries, failure);
    bytes_free(&public_key);
    bytes_free(&entries);
    if (status != OTTER_OK)
        image_file_free(file);
    return status;
}

void image_file_free(struct image_file *file)
{
    bytes_free(&file->image);
    bytes_free(&file->plain);
    bytes_free(&file->signature);
    *file = (struct image_file){0};
}
