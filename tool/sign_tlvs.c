/* The options of `otter sign` whose values become protected TLVs. */
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "tool/file.h"
#include "tool/sign.h"
#include "tool/tlv.h"
#include "tool/values.h"

/* --- dependencies ---------------------------------------------------------------------------- */

int sign_take_dependencies(struct image_spec *spec, const char *text)
{
    int count = value_dependencies(text, spec->dependencies, IMAGE_SPEC_DEPENDENCY_MAX);

    if (count >= 0 && count <= IMAGE_SPEC_DEPENDENCY_MAX) {
        spec->dependency_count = count;
        return ARGUMENTS_END;
    }
    if (count < 0)
        usage_wrong(&sign_usage,
                    "--dependencies wants \"(IMAGE, VERSION), ...\" with images 0 to 255 and "
                    "versions up to 255.255.65535+4294967295, not '%s'",
                    text);
    else
        usage_wrong(&sign_usage, "--dependencies names %d images; %d are the most", count,
                    IMAGE_SPEC_DEPENDENCY_MAX);
    return ARGUMENTS_WRONG;
}

/* --- vendor and class ids -------------------------------------------------------------------- */

/* A UUID with something behind it is a slip, not a name. */
static bool begins_with_uuid(const char *text)
{
    char head[37];
    uint8_t uuid[16];

    for (size_t length = 32; length <= 36; length += 4) {
        snprintf(head, length + 1, "%s", text);
        if (value_uuid(head, uuid))
            return true;
    }
    return false;
}

static int take_id(const char *option, const char *text, const uint8_t space[16], uint8_t id[16])
{
    if (value_uuid(text, id))
        return ARGUMENTS_END;
    if (begins_with_uuid(text)) {
        usage_wrong(&sign_usage, "%s %s is a UUID with something behind it", option, text);
        return ARGUMENTS_WRONG;
    }
    if (!space) {
        usage_wrong(&sign_usage, "%s %s is a name, which needs --vid to be under", option, text);
        return ARGUMENTS_WRONG;
    }
    value_name_uuid(space, text, id);
    return ARGUMENTS_END;
}

int sign_take_ids(struct sign_request *request)
{
    struct image_spec *spec = &request->spec;
    int got = ARGUMENTS_END;

    if (request->vendor) {
        got = take_id("--vid", request->vendor, value_uuid_dns, request->vendor_id);
        spec->vendor_id = request->vendor_id;
    }
    if (got == ARGUMENTS_END && request->class) {
        got = take_id("--cid", request->class, spec->vendor_id, request->class_id);
        spec->class_id = request->class_id;
    }
    return got;
}

/* --- custom TLVs ----------------------------------------------------------------------------- */

static bool custom_tag_is_free(const struct image_spec *spec, uint32_t tag)
{
    if (tlv_name((uint16_t)tag)) {
        usage_wrong(&sign_usage, "custom TLV 0x%04x is %s in the format; take a number like 0x00a0",
                    tag, tlv_name((uint16_t)tag));
        return false;
    }
    for (int i = 0; i < spec->custom_count; i++) {
        if (spec->custom[i].type == tag) {
            usage_wrong(&sign_usage, "custom TLV 0x%04x is given twice", tag);
            return false;
        }
    }
    return true;
}

/* Room for one more at `place`, or NULL: said why. */
static struct custom_tlv *new_custom(struct image_spec *spec, int place, const char *text)
{
    struct custom_tlv *custom = &spec->custom[place];
    uint32_t tag;
    bool number = value_number(text, TLV_CUSTOM_LAST, &tag);

    if (number && !custom_tag_is_free(spec, tag))
        return NULL;
    if (!number || tag < TLV_CUSTOM_FIRST) {
        usage_wrong(&sign_usage, "a custom TLV's TAG is 0x%04x to 0x%04x, not '%s'",
                    TLV_CUSTOM_FIRST, TLV_CUSTOM_LAST, text);
        return NULL;
    }
    if (spec->custom_count == IMAGE_SPEC_CUSTOM_MAX) {
        usage_wrong(&sign_usage, "there are more than %d custom TLVs, which are the most",
                    IMAGE_SPEC_CUSTOM_MAX);
        return NULL;
    }
    memmove(custom + 1, custom, (size_t)(spec->custom_count - place) * sizeof *custom);
    *custom = (struct custom_tlv){.type = (uint16_t)tag};
    spec->custom_count++;
    return custom;
}

/* imgtool writes those of --custom-tlv before those of --custom-tlv-file, whatever the order. */
int sign_take_custom(struct sign_request *request, const char *tag, const char *value)
{
    struct custom_tlv *custom = new_custom(&request->spec, request->custom_text_count, tag);

    if (!custom)
        return ARGUMENTS_WRONG;
    request->custom_text_count++;
    if (value_bytes(value, &custom->value))
        return ARGUMENTS_END;
    usage_wrong(&sign_usage, "--custom-tlv wants pairs of hex digits after 0x, not '%s'", value);
    return ARGUMENTS_WRONG;
}

int sign_take_custom_file(struct sign_request *request, const char *tag, const char *path)
{
    struct custom_tlv *custom = new_custom(&request->spec, request->spec.custom_count, tag);
    struct failure failure;

    if (!custom)
        return ARGUMENTS_WRONG;
    if (file_read(path, &custom->value, &failure) == OTTER_OK)
        return ARGUMENTS_END;
    usage_wrong(&sign_usage, "--custom-tlv-file: %s", failure.text);
    return ARGUMENTS_WRONG;
}
