/* A dump as YAML and JSON, laid out as the libraries lay them out that imgtool uses. */
#include <ctype.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "image/trailer.h"
#include "tool/dump.h"
#include "tool/tlv.h"
#include "tool/values.h"

json_t *hex_json(const uint8_t *data, size_t size)
{
    struct bytes text = {0};
    json_t *value;

    for (size_t i = 0; i < size; i++)
        bytes_text(&text, "%02x", data[i]);
    value = json_stringn(text.size ? (const char *)text.data : "", text.size);
    bytes_free(&text);
    return value;
}

static json_t *header_data(const struct image_header *header)
{
    char version[VALUE_VERSION_TEXT_SIZE];

    value_version_text(&header->version, version);
    return json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "magic", (json_int_t)IMAGE_MAGIC, "load_addr",
        (json_int_t)header->load_address, "hdr_size", (json_int_t)header->header_size,
        "protected_tlv_size", (json_int_t)header->protected_size, "img_size",
        (json_int_t)header->payload_size, "flags", (json_int_t)header->flags, "version", version);
}

static json_t *area_head(bool is_protected, uint32_t size)
{
    return json_pack("{s:I, s:I}", "magic",
                     (json_int_t)(is_protected ? TLV_PROTECTED_INFO_MAGIC : TLV_INFO_MAGIC),
                     "tlv_tot", (json_int_t)size);
}

static json_t *area_tlvs(const struct dump *dump, bool is_protected)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    json_t *list = json_array();

    while (image_tlv_next(&dump->view.image, &walk, &tlv) > 0) {
        const char *name = tlv_name(tlv.type);
        if (tlv.is_protected == is_protected)
            json_array_append_new(
                list, json_pack("{s:i, s:s, s:i, s:o}", "type", tlv.type, "type_name",
                                name ? name : "UNKNOWN", "len", tlv.length, "data",
                                hex_json(image_view_tlv(&dump->view, &tlv), tlv.length)));
    }
    return list;
}

static json_t *trailer_data(const struct dump *dump)
{
    json_t *trailer = json_object();
    uint32_t keys = dump_key_field_size(dump);

    if (dump->trailer)
        json_object_set_new(trailer, "magic", hex_json(dump->trailer, TRAILER_MAGIC_SIZE));
    if (dump->max_align > 0) {
        json_object_set_new(trailer, "image_ok", json_integer(dump_flag(dump, TRAILER_IMAGE_OK)));
        json_object_set_new(trailer, "copy_done", json_integer(dump_flag(dump, TRAILER_COPY_DONE)));
        json_object_set_new(trailer, "swap_info", json_integer(dump_flag(dump, TRAILER_SWAP_INFO)));
        json_object_set_new(trailer, "swap_size", json_integer(dump_swap_size(dump)));
    }
    if (keys > 0)
        json_object_set_new(trailer, "key_field_len", json_integer(keys));
    return trailer;
}

/* JSON is UTF-8; a name that is not is shown with question marks. */
static json_t *name_data(const char *name)
{
    json_t *value = json_string(name);
    struct bytes text = {0};

    if (value)
        return value;
    for (; *name; name++)
        bytes_append(&text, (unsigned char)*name < 0x80 ? name : "?", 1);
    value = json_stringn((const char *)text.data, text.size);
    bytes_free(&text);
    return value;
}

static json_t *all_data(const struct dump *dump)
{
    const struct image *image = &dump->view.image;
    uint32_t protected_size = image->header.protected_size;
    json_t *area = json_object();

    json_object_set_new(area, "tlv_hdr_prot",
                        protected_size ? area_head(true, protected_size) : json_object());
    json_object_set_new(area, "tlvs_prot", area_tlvs(dump, true));
    json_object_set_new(area, "tlv_hdr", area_head(false, image->end - image->hashed_end));
    json_object_set_new(area, "tlvs", area_tlvs(dump, false));
    return json_pack("{s:o, s:o, s:o, s:o}", "filename", name_data(dump->name), "header",
                     header_data(&image->header), "tlv_area", area, "trailer", trailer_data(dump));
}

void dump_json(const struct dump *dump, struct bytes *text)
{
    json_t *data = all_data(dump);
    char *dumped = json_dumps(data, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENSURE_ASCII);

    bytes_append(text, dumped, strlen(dumped));
    bytes_text(text, "\n");
    free(dumped);
    json_decref(data);
}

/* --- YAML ------------------------------------------------------------------------------------ */

/* Could it be taken for a number or a date? With two dots, as in versions, it could not. */
static bool looks_like_number(const char *value)
{
    const char *dot = strchr(value, '.');

    return strspn(value, "0123456789abcdefABCDEFxXoOtTzZ_.+-") == strlen(value) &&
           !isalpha((unsigned char)*value) && !(dot && strchr(dot + 1, '.'));
}

static bool needs_quotes(const char *value)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",
                                        "on",   "off",  "y",     "n"};
    size_t length = strlen(value);

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)value[i]) && !strchr("._+-/ ", value[i]))
            return true;
    return length == 0 || strchr("+- ", value[0]) || value[length - 1] == ' ' ||
           looks_like_number(value);
}

static void yaml_string(const char *value, struct bytes *text)
{
    if (!needs_quotes(value)) {
        bytes_append(text, value, strlen(value));
    } else {
        bytes_append(text, "'", 1);
        for (; *value; value++)
            bytes_append(text, *value == '\'' ? "''" : value, *value == '\'' ? 2 : 1);
        bytes_append(text, "'", 1);
    }
    bytes_append(text, "\n", 1);
}

/* Base64 in lines of 76 characters, each 57 bytes. */
static void yaml_binary(const char *hex, int indent, struct bytes *text)
{
    size_t size = strlen(hex) / 2;
    uint8_t *data = memory_new(size);
    unsigned char encoded[80];

    (void)value_hex(hex, data, size); /* made by hex_json() */
    bytes_text(text, size > 0 ? "!!binary |\n" : "!!binary \"\"\n");
    for (size_t done = 0; done < size; done += 57) {
        EVP_EncodeBlock(encoded, data + done, size - done < 57 ? (int)(size - done) : 57);
        bytes_text(text, "%*s%s\n", indent, "", (const char *)encoded);
    }
    free(data);
}

/* Of strings, those named data and magic are binary. */
static bool is_binary(const char *key, const json_t *value)
{
    return json_is_string(value) && (strcmp(key, "data") == 0 || strcmp(key, "magic") == 0);
}

/* Two levels of lists of objects are all that there is; it ends where the data end. */
static void yaml_object(json_t *object, int indent, bool in_list, struct bytes *text);

static void yaml_value(const char *key, json_t *value, int indent, struct bytes *text)
{
    size_t i;
    json_t *entry;

    if (is_binary(key, value)) {
        bytes_text(text, " ");
        yaml_binary(json_string_value(value), indent + 2, text);
    } else if (json_is_string(value)) {
        bytes_text(text, " ");
        yaml_string(json_string_value(value), text);
    } else if (json_is_integer(value)) {
        bytes_text(text, " %lld\n", (long long)json_integer_value(value));
    } else if (json_is_array(value)) {
        bytes_text(text, json_array_size(value) ? "\n" : " []\n");
        json_array_foreach(value, i, entry) yaml_object(entry, indent, true, text);
    } else {
        bytes_text(text, json_object_size(value) ? "\n" : " {}\n");
        yaml_object(value, indent + 2, false, text);
    }
}

static void yaml_object(json_t *object, int indent, bool in_list, struct bytes *text)
{
    const char *key;
    json_t *value;
    bool first = in_list;

    json_object_foreach(object, key, value)
    {
        bytes_text(text, "%*s%s%s:", indent, "", !in_list ? "" : first ? "- " : "  ", key);
        first = false;
        yaml_value(key, value, indent + (in_list ? 2 : 0), text);
    }
}

void dump_yaml(const struct dump *dump, struct bytes *text)
{
    json_t *data = all_data(dump);

    yaml_object(data, 0, false, text);
    json_decref(data);
}
