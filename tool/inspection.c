/* Finds out all about an image, and gives it as JSON. */
#include "tool/inspect.h"

#include <stdio.h>
#include <string.h>

#include "tool/dump.h"
#include "tool/tlv.h"
#include "tool/values.h"

/* --- finding out ----------------------------------------------------------------------------- */

/* The A whose magic stands at the end, or 0. */
static uint32_t align_of_magic(const uint8_t *data, uint32_t size)
{
    uint8_t magic[TRAILER_MAGIC_SIZE];

    for (uint32_t align = 8; align <= 32 && size >= TRAILER_MAGIC_SIZE; align *= 2) {
        trailer_magic_bytes(align, magic);
        if (memcmp(data + trailer_magic_offset(size), magic, sizeof magic) == 0)
            return align;
    }
    return 0;
}

static void find_trailer(struct inspection *inspection)
{
    struct ram_flash ram;
    struct flash_area slot;
    uint32_t size = inspection->slot_size ? inspection->slot_size : inspection->size;

    if (size > inspection->size)
        return;
    if (inspection->max_align == 0)
        inspection->max_align = align_of_magic(inspection->data, size);
    if (inspection->max_align == 0 || size < trailer_info_size(inspection->max_align))
        return;
    ram_flash_init(&ram, inspection->data, size, size, 1, 0xff);
    slot = ram_flash_area(&ram, 0, size);
    trailer_read(&slot, inspection->max_align, &inspection->trailer);
    inspection->has_trailer = true;
    if (inspection->slot_size == 0)
        inspection->slot_size = size;
}

static void check(struct inspection *inspection)
{
    otter_status status =
        image_view_check(&inspection->view, inspection->key, inspection->decrypt_key,
                         &inspection->verdict, &inspection->failure);

    if (status == OTTER_E_KEY && !inspection->verdict.hash_good) {
        inspection->hash = NOT_CHECKED; /* encrypted, and not for us to open */
        return;
    }
    inspection->hash = inspection->verdict.hash_good ? CHECKED_GOOD : CHECKED_BAD;
    if (inspection->key && inspection->verdict.hash_good)
        inspection->signature = inspection->verdict.signature_good ? CHECKED_GOOD : CHECKED_BAD;
}

void inspection_run(struct inspection *inspection)
{
    inspection->hash = NOT_CHECKED;
    inspection->signature = NOT_CHECKED;
    inspection->has_image = image_view_open(&inspection->view, inspection->data, inspection->size,
                                            &inspection->failure) == OTTER_OK;
    if (inspection->has_image)
        check(inspection);
    find_trailer(inspection);
}

bool inspection_is_bad(const struct inspection *inspection)
{
    return !inspection->has_image || inspection->hash == CHECKED_BAD ||
           inspection->signature == CHECKED_BAD;
}

void inspection_free(struct inspection *inspection)
{
    image_verdict_free(&inspection->verdict);
}

/* --- words ----------------------------------------------------------------------------------- */

const char *swap_type_word(enum swap_type type)
{
    switch (type) {
    case SWAP_TEST:
        return "test";
    case SWAP_PERM:
        return "perm";
    case SWAP_REVERT:
        return "revert";
    case SWAP_FAIL:
        return "fail";
    default:
        return "none";
    }
}

static const char *result_word(enum check_result result)
{
    static const char *const words[] = {"good", "bad", "not checked"};
    return words[result];
}

static const char *mark_word(enum trailer_mark mark, const char *set)
{
    return mark == TRAILER_SET ? set : mark == TRAILER_UNSET ? "unset" : "bad";
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *header_json(const struct image_header *header)
{
    char version[VALUE_VERSION_TEXT_SIZE];

    value_version_text(&header->version, version);
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "version", version, "header_size",
                     (json_int_t)header->header_size, "payload_size",
                     (json_int_t)header->payload_size, "protected_tlv_size",
                     (json_int_t)header->protected_size, "flags", (json_int_t)header->flags,
                     "load_address", (json_int_t)header->load_address);
}

static json_t *tlvs_json(const struct image_view *view)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    json_t *list = json_array();

    while (image_tlv_next(&view->image, &walk, &tlv) > 0)
        json_array_append_new(list,
                              json_pack("{s:i, s:s?, s:b, s:I, s:i, s:o}", "type", tlv.type, "name",
                                        tlv_name(tlv.type), "protected", tlv.is_protected, "offset",
                                        (json_int_t)tlv.offset, "length", tlv.length, "value",
                                        hex_json(image_view_tlv(view, &tlv), tlv.length)));
    return list;
}

json_t *trailer_json(const struct trailer *trailer, uint32_t max_align)
{
    return json_pack(
        "{s:i, s:s, s:s, s:s, s:s, s:i, s:o}", "max_align", (int)max_align, "magic",
        mark_word(trailer->magic, "good"), "image_ok", mark_word(trailer->image_ok, "set"),
        "copy_done", mark_word(trailer->copy_done, "set"), "swap_type",
        swap_type_word(trailer->swap_type), "image", trailer->image_number, "swap_size",
        trailer->swap_size == UINT32_MAX ? json_null() : json_integer(trailer->swap_size));
}

static void add_image_json(const struct inspection *inspection, json_t *object)
{
    const struct image_verdict *verdict = &inspection->verdict;
    const struct image *image = &inspection->view.image;
    const uint32_t encrypted = IMAGE_FLAG_ENCRYPTED_AES128 | IMAGE_FLAG_ENCRYPTED_AES256;

    json_object_set_new(object, "header", header_json(&image->header));
    json_object_set_new(object, "tlvs", tlvs_json(&inspection->view));
    json_object_set_new(object, "image_size", json_integer(image->end));
    json_object_set_new(object, "hash", json_string(result_word(inspection->hash)));
    if (inspection->hash == CHECKED_GOOD)
        json_object_set_new(object, "digest",
                            hex_json(verdict->hash, hash_size(verdict->hash_type)));
    json_object_set_new(object, "signature", json_string(result_word(inspection->signature)));
    json_object_set_new(object, "encrypted", json_boolean(image->header.flags & encrypted));
}

json_t *inspection_json(const struct inspection *inspection)
{
    json_t *object = json_object();

    json_object_set_new(object, "image", json_boolean(inspection->has_image));
    if (inspection->has_image)
        add_image_json(inspection, object);
    if (inspection->failure.text[0])
        json_object_set_new(object, "problem", json_string(inspection->failure.text));
    if (inspection->slot_size)
        json_object_set_new(object, "slot_size", json_integer(inspection->slot_size));
    if (inspection->has_trailer)
        json_object_set_new(object, "trailer",
                            trailer_json(&inspection->trailer, inspection->max_align));
    return object;
}

void json_print(json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    printf("\n");
    json_decref(value);
}
