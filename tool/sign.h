/* The command line of `otter sign` as data: what sign_options.c reads and sign.c carries out. */
#ifndef OTTER_TOOL_SIGN_H
#define OTTER_TOOL_SIGN_H

#include "tool/arguments.h"
#include "tool/image_compressed.h"
#include "tool/image_file.h"
#include "tool/slot_limit.h"

enum vector_to_sign { VECTOR_NONE, VECTOR_PAYLOAD, VECTOR_DIGEST };

struct sign_request {
    struct image_spec spec; /* keys, ids and the fixed signature point into this struct */
    const char *input;
    const char *output;
    const char *key_path;
    const char *encrypt_path;
    const char *signature_output; /* base64 of the signature goes there */
    const char *fixed_signature_path;
    const char *fixed_signature_key_path;
    enum vector_to_sign vector;
    bool pad;
    bool test;
    enum compression compression;
    bool has_version, has_slot_size, has_max_align, hash_given;
    bool counter_is_auto;
    bool has_hex_address;
    uint32_t hex_address;
    uint32_t ram_address, rom_address; /* 0: none */
    const char *vendor, *class;        /* UUIDs or names, or NULL */
    int custom_text_count;     /* of the custom TLVs: those of --custom-tlv, which come first */
    struct slot_layout layout; /* of --mode; layout.mode is SLOT_UNCHECKED without it */

    struct key key;
    struct key encrypt_key;
    struct bytes fixed_signature;
    uint8_t vendor_id[16];
    uint8_t class_id[16];
};

extern const struct usage sign_usage;

/* Reads the command line; ARGUMENTS_END, ARGUMENTS_HELP or ARGUMENTS_WRONG (said why). The request
 * is to be freed in any case. */
int sign_read_arguments(struct sign_request *request, int argc, char **argv);

/* Of sign_tlvs.c: each takes its value, or says why not. ARGUMENTS_END or ARGUMENTS_WRONG. */
int sign_take_dependencies(struct image_spec *spec, const char *text);
int sign_take_custom(struct sign_request *request, const char *tag, const char *value);
int sign_take_custom_file(struct sign_request *request, const char *tag, const char *path);
int sign_take_ids(struct sign_request *request); /* after all options: --cid may precede --vid */

void sign_request_free(struct sign_request *request);

#endif
