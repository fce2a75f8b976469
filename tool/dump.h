/* What is in an image, in the forms of imgtool's dumpinfo: its text, and the same as YAML (binary
 * values in base64) and JSON (binary values in hex).
 *
 *   filename
 *   header     magic load_addr hdr_size protected_tlv_size img_size flags version
 *   tlv_area   tlv_hdr_prot tlvs_prot tlv_hdr tlvs; a header is magic and tlv_tot, a TLV type,
 *              type_name, len and data
 *   trailer    empty, or magic, and if that is good image_ok copy_done swap_info swap_size and, of
 *              encrypted images, key_field_len */
#ifndef OTTER_TOOL_DUMP_H
#define OTTER_TOOL_DUMP_H

#include <jansson.h>

#include "tool/image_view.h"

struct dump {
    const char *name;
    struct image_view view;
    const uint8_t *trailer; /* the last 16 bytes of a file that goes on behind the image, or NULL */
    uint32_t max_align;     /* that they tell; 0: no trailer's magic */
};

/* OTTER_E_MALFORMED if a TLV runs over the end of its area. */
otter_status dump_check(const struct dump *dump, struct failure *failure);
void dump_find_trailer(struct dump *dump, const uint8_t *data, size_t size);

/* Each appends to `text`. */
void dump_human(const struct dump *dump, struct bytes *text);
void dump_yaml(const struct dump *dump, struct bytes *text);
void dump_json(const struct dump *dump, struct bytes *text);

/* For those: fields of the trailer whose magic is good. */
uint8_t dump_flag(const struct dump *dump, uint32_t field);
uint32_t dump_swap_size(const struct dump *dump);
/* Bytes of the two saved keys in the trailer of an encrypted image; else 0. */
uint32_t dump_key_field_size(const struct dump *dump);

/* Bytes as a JSON string of hexadecimal digits. */
json_t *hex_json(const uint8_t *data, size_t size);

#endif
