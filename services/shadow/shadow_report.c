/* Reports: what the device is, how it is set, and which desired values it did not take. */
#include <stdio.h>
#include <string.h>

#include "codec/crc32.h"
#include "services/shadow/shadow_inner.h"

#define REASON_SIZE 64u

void shadow_value_read(const struct shadow *shadow, const struct shadow_property *property,
                       char text[CONFIG_TEXT_MAX + 1])
{
    if (config_get_text(shadow->config.kv, property->setting, text, CONFIG_TEXT_MAX + 1) !=
        OTTER_OK)
        text[0] = '\0';
}

uint32_t shadow_value_sum(const char *text, size_t length, uint32_t kind)
{
    const uint32_t sum = crc32_update(kind, text, length);
    return sum != 0 ? sum : 1;
}

static void write_value(struct json_writer *w, const struct shadow *shadow,
                        const struct shadow_property *property)
{
    char text[CONFIG_TEXT_MAX + 1];
    shadow_value_read(shadow, property, text);
    if (text[0] == '\0')
        json_write_null(w, property->name);
    else if (config_is_number(property->setting)) /* kept as typed: 007 is no JSON */
        json_write_int(w, property->name,
                       (int64_t)config_get_u64(shadow->config.kv, property->setting));
    else
        json_write_string(w, property->name, text);
}

static void write_values(struct json_writer *w, const struct shadow *shadow,
                         const struct shadow_document *document, unsigned bits)
{
    for (unsigned i = 0; i < document->property_count; i++) {
        if (bits & 1u << i)
            write_value(w, shadow, &document->properties[i]);
    }
}

static void write_refusal(struct json_writer *w, const struct shadow_property *property)
{
    const struct config_setting *setting = property->setting;
    char reason[REASON_SIZE];
    snprintf(reason, sizeof reason, "takes %u to %lu%s", setting->min, (unsigned long)setting->max,
             config_range_text(setting));
    json_write_string(w, property->name, reason);
}

/* null takes away what an earlier report said. */
static void write_refusals(struct json_writer *w, const struct shadow_document *document)
{
    json_write_object(w, "notTaken");
    for (unsigned i = 0; i < document->property_count; i++) {
        if (document->refused & 1u << i)
            write_refusal(w, &document->properties[i]);
        else if (document->dirty & 1u << i)
            json_write_null(w, document->properties[i].name);
    }
    json_write_object_end(w);
}

static void write_reported(struct json_writer *w, const struct shadow *shadow,
                           const struct shadow_document *document)
{
    json_write_object(w, "reported");
    for (unsigned i = 0; document->whole && i < document->fact_count; i++)
        json_write_string(w, document->facts[i].name, document->facts[i].value);
    write_values(w, shadow, document, document->dirty);
    write_refusals(w, document);
    json_write_object_end(w);
}

int shadow_report_write(struct shadow *shadow, const struct shadow_document *document)
{
    char token[16];
    struct json_writer w;
    snprintf(token, sizeof token, "s%lu", (unsigned long)shadow->counter);
    json_writer_init(&w, shadow->report, sizeof shadow->report);
    json_write_object(&w, NULL);
    json_write_object(&w, "state");
    write_reported(&w, shadow, document);
    if (document->claimed != 0) {
        json_write_object(&w, "desired");
        write_values(&w, shadow, document, document->claimed);
        json_write_object_end(&w);
    }
    json_write_object_end(&w);
    if (document->claimed != 0)
        json_write_int(&w, "version", document->version);
    json_write_string(&w, "clientToken", token);
    json_write_object_end(&w);
    return json_written(&w);
}
