/* Desired values: checked by the rules of their settings, committed, or refused once. */
#include <string.h>

#include "port/log.h"
#include "services/shadow/shadow_inner.h"

/* The value as the setting's text. False: it is of another kind, or too long for any. */
static bool text_of(const struct json *json, int value, bool number, char text[CONFIG_TEXT_MAX + 1])
{
    const char *raw;
    size_t length;
    if (!number)
        return json_get_string(json, value, text, CONFIG_TEXT_MAX + 1) == OTTER_OK;
    if (json_type(json, value) != JSON_NUMBER ||
        json_get_raw(json, value, &raw, &length) != OTTER_OK || length > CONFIG_TEXT_MAX)
        return false;
    memcpy(text, raw, length);
    text[length] = '\0';
    return true;
}

/* The rule's words are in the report; here is what was seen. */
static void refuse(struct shadow_document *document, unsigned index, const char *why)
{
    LOG_WRN(SHADOW_TAG, "the desired %s is not taken: %s", document->properties[index].name, why);
    document->refused |= (uint8_t)(1u << index);
}

static void commit(struct shadow *shadow, struct shadow_document *document, unsigned index,
                   const char *text)
{
    const struct shadow_property *property = &document->properties[index];
    const otter_status status = config_set_text(shadow->config.kv, property->setting, text);
    if (status != OTTER_OK) {
        refuse(document, index, otter_status_text(status));
        return;
    }
    document->values[index].known = shadow_value_sum(text, strlen(text), 0);
    LOG_INF(SHADOW_TAG, "Setting %s state to %s.", property->name, text);
    if (shadow->config.changed != NULL)
        shadow->config.changed(shadow->config.ctx, property);
}

static void take(struct shadow *shadow, struct shadow_document *document, unsigned index,
                 const struct json *json, int value)
{
    const struct shadow_property *property = &document->properties[index];
    char text[CONFIG_TEXT_MAX + 1], have[CONFIG_TEXT_MAX + 1];
    document->refused &= (uint8_t) ~(1u << index);
    document->claimed &= (uint8_t) ~(1u << index);
    if (!text_of(json, value, config_is_number(property->setting), text) ||
        config_check(property->setting, text) != OTTER_OK) {
        refuse(document, index, "it breaks the setting's rule");
        return;
    }
    shadow_value_read(shadow, property, have);
    if (strcmp(text, have) != 0)
        commit(shadow, document, index, text);
}

static void look_at(struct shadow *shadow, struct shadow_document *document, unsigned index,
                    const struct json *json, int value)
{
    const char *raw;
    size_t length;
    if (json_get_raw(json, value, &raw, &length) != OTTER_OK)
        return;
    const uint32_t sum = shadow_value_sum(raw, length, (uint32_t)json_type(json, value));
    if (sum == document->values[index].answered)
        return;
    document->values[index].answered = sum;
    document->dirty |= (uint8_t)(1u << index);
    take(shadow, document, index, json, value);
}

void shadow_desired_take(struct shadow *shadow, struct shadow_document *document,
                         const struct json *json)
{
    const int state = json_find(json, 0, "state");
    for (unsigned i = 0; state >= 0 && i < document->property_count; i++) {
        const int value = json_find(json, state, document->properties[i].name);
        if (value >= 0)
            look_at(shadow, document, i, json, value);
    }
}
