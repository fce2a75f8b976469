/* The device's settings; see config.h. */
#include "store/config.h"

#include <stdbool.h>
#include <string.h>

enum rule { RULE_THING_NAME, RULE_HOST_NAME, RULE_PORT, RULE_PRINTABLE, RULE_SECONDS };

struct setting {
    const char *key; /* in the store; the name follows the slash */
    const char *rule_text;
    const char *fallback; /* NULL: none */
    uint8_t rule;
    uint8_t length_max;
};

#define KEY_PREFIX "conf/"

/* Lengths: thing name as in AWS's CreateThing; SSID and passphrase as in IEEE 802.11. */
static const struct setting settings[CONFIG_KEYS] = {
    [CONFIG_THING_NAME] = {KEY_PREFIX "thing_name", "1 to 128 of a-z A-Z 0-9 : _ -", NULL,
                           RULE_THING_NAME, CONFIG_TEXT_MAX},
    [CONFIG_MQTT_ENDPOINT] = {KEY_PREFIX "mqtt_endpoint",
                              "a host name or address, 1 to 128 of a-z A-Z 0-9 . : -", NULL,
                              RULE_HOST_NAME, CONFIG_TEXT_MAX},
    [CONFIG_MQTT_PORT] = {KEY_PREFIX "mqtt_port", "1 to 65535", "8883", RULE_PORT, 5},
    [CONFIG_WIFI_SSID] = {KEY_PREFIX "wifi_ssid", "1 to 32 printable characters", NULL,
                          RULE_PRINTABLE, 32},
    [CONFIG_WIFI_CREDENTIAL] = {KEY_PREFIX "wifi_credential", "1 to 64 printable characters", NULL,
                                RULE_PRINTABLE, 64},
    [CONFIG_CONNECT_SPREAD] = {KEY_PREFIX "connect_spread_s", "0 to 9999 seconds", NULL,
                               RULE_SECONDS, 4},
    [CONFIG_TIME_HWM] = {KEY_PREFIX "time_hwm", "seconds since 1970, at most 12 digits", NULL,
                         RULE_SECONDS, 12},
};

const char *config_name(enum config_key key)
{
    return settings[key].key + sizeof KEY_PREFIX - 1;
}

const char *config_rule(enum config_key key)
{
    return settings[key].rule_text;
}

enum config_key config_find(const char *name)
{
    unsigned key = 0;
    while (key < CONFIG_KEYS && strcmp(config_name((enum config_key)key), name) != 0)
        key++;
    return (enum config_key)key;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool allows(uint8_t rule, char c)
{
    switch (rule) {
    case RULE_THING_NAME:
        return is_letter(c) || is_digit(c) || c == ':' || c == '_' || c == '-';
    case RULE_HOST_NAME:
        return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == ':';
    case RULE_PRINTABLE:
        return (unsigned char)c >= ' ' && c != 0x7f;
    default:
        return is_digit(c);
    }
}

/* Text of at most 12 digits, as config_check lets pass. */
static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; is_digit(*text); text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

otter_status config_check(enum config_key key, const char *value)
{
    const struct setting *setting = &settings[key];
    const size_t length = strlen(value);
    if (length == 0 || length > setting->length_max)
        return OTTER_E_ARGUMENT;
    for (size_t i = 0; i < length; i++) {
        if (!allows(setting->rule, value[i]))
            return OTTER_E_ARGUMENT;
    }
    if (setting->rule == RULE_PORT && (number_of(value) == 0 || number_of(value) > UINT16_MAX))
        return OTTER_E_ARGUMENT;
    return OTTER_OK;
}

otter_status config_get_text(struct kv *kv, enum config_key key, char *text, size_t size)
{
    const struct setting *setting = &settings[key];
    uint32_t length = 0;
    if (size == 0)
        return OTTER_E_TOO_LONG;
    otter_status status = kv_get(kv, setting->key, text, (uint32_t)size - 1, &length);
    if (status == OTTER_E_NOT_FOUND && setting->fallback != NULL) {
        length = (uint32_t)strlen(setting->fallback);
        status = length < size ? OTTER_OK : OTTER_E_TOO_LONG;
        if (status == OTTER_OK)
            memcpy(text, setting->fallback, length);
    }
    text[status == OTTER_OK ? length : 0] = '\0';
    return status;
}

uint64_t config_get_u64(struct kv *kv, enum config_key key)
{
    char text[CONFIG_TEXT_MAX + 1];
    return config_get_text(kv, key, text, sizeof text) == OTTER_OK ? number_of(text) : 0;
}

uint16_t config_get_u16(struct kv *kv, enum config_key key)
{
    const uint64_t number = config_get_u64(kv, key);
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

otter_status config_set_text(struct kv *kv, enum config_key key, const char *value)
{
    const otter_status status = config_check(key, value);
    if (status != OTTER_OK)
        return status;
    return kv_set(kv, settings[key].key, value, (uint32_t)strlen(value));
}

/* Each key has its own place in the stage, as long as its longest value. */
static size_t place_of(enum config_key key)
{
    size_t place = 0;
    for (unsigned before = 0; before < key; before++)
        place += settings[before].length_max + 1u;
    return place;
}

const char *config_stage_get(const struct config_stage *stage, enum config_key key)
{
    return stage->staged >> key & 1 ? stage->text + place_of(key) : NULL;
}

otter_status config_stage_set(struct config_stage *stage, enum config_key key, const char *value)
{
    const otter_status status = value[0] == '\0' ? OTTER_OK : config_check(key, value);
    if (status != OTTER_OK)
        return status;
    memcpy(stage->text + place_of(key), value, strlen(value) + 1);
    stage->staged |= (uint8_t)(1u << key);
    return OTTER_OK;
}

otter_status config_stage_commit(struct config_stage *stage, struct kv *kv)
{
    struct kv_item items[CONFIG_KEYS];
    uint32_t count = 0;
    for (unsigned key = 0; key < CONFIG_KEYS; key++) {
        const char *value = config_stage_get(stage, (enum config_key)key);
        if (value == NULL)
            continue;
        const uint32_t length = (uint32_t)strlen(value);
        items[count++] = (struct kv_item){settings[key].key, length > 0 ? value : NULL, length};
    }
    const otter_status status = kv_set_all(kv, items, count);
    if (status == OTTER_OK)
        *stage = (struct config_stage){0};
    return status;
}
