/* The device's settings; see config.h. */
#include "store/config.h"

#include <string.h>

/* Lengths: thing name as in AWS's CreateThing; SSID and passphrase as in IEEE 802.11. */
const struct config_setting device_setting[] = {
    {.key = CONFIG_KEY_PREFIX "thing_name",
     .help = "what the cloud knows this device as",
     .kind = CONFIG_NAME,
     .min = 1,
     .max = CONFIG_TEXT_MAX},
    {.key = CONFIG_KEY_PREFIX "wifi_ssid",
     .help = "name of the wireless network",
     .kind = CONFIG_TEXT,
     .min = 1,
     .max = 32},
    {.key = CONFIG_KEY_PREFIX "wifi_credential",
     .help = "its passphrase",
     .kind = CONFIG_TEXT,
     .min = 1,
     .max = 64,
     .secret = true},
    {.key = CONFIG_KEY_PREFIX "time_hwm",
     .help = "the latest time known",
     .kind = CONFIG_TIME,
     .min = 1,
     .max = 12},
};
const struct config_table device_settings = {device_setting,
                                             sizeof device_setting / sizeof *device_setting};

/* Beside digits, which all kinds take. */
static const struct {
    const char *range;
    const char *marks; /* with letters; NULL: no letters */
} kinds[] = {
    [CONFIG_NAME] = {" of a-z A-Z 0-9 : _ -", ":_-"},
    [CONFIG_HOST] = {" of a-z A-Z 0-9 . : -", ".-:"},
    [CONFIG_TEXT] = {" printable characters", ""},
    [CONFIG_NUMBER] = {"", NULL},
    [CONFIG_TIME] = {" digits", NULL},
};

const char *config_name(const struct config_setting *setting)
{
    return setting->key + sizeof CONFIG_KEY_PREFIX - 1;
}

const char *config_range_text(const struct config_setting *setting)
{
    return kinds[setting->kind].range;
}

bool config_is_number(const struct config_setting *setting)
{
    return kinds[setting->kind].marks == NULL;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool allows(const struct config_setting *setting, char c)
{
    const char *marks = kinds[setting->kind].marks;
    if (setting->kind == CONFIG_TEXT)
        return (unsigned char)c >= ' ' && c != 0x7f;
    return is_digit(c) || (marks != NULL && (is_letter(c) || strchr(marks, c) != NULL));
}

/* Text of at most 12 digits, as config_check lets pass. */
static uint64_t number_of(const char *text)
{
    uint64_t number = 0;
    for (; is_digit(*text); text++)
        number = number * 10 + (uint64_t)(*text - '0');
    return number;
}

#define DIGITS_MAX 10u /* of a 32-bit number */

otter_status config_check(const struct config_setting *setting, const char *value)
{
    const size_t length = strlen(value);
    const bool is_number = setting->kind == CONFIG_NUMBER;
    if (length == 0 || (is_number && length > DIGITS_MAX))
        return OTTER_E_ARGUMENT;
    for (size_t i = 0; i < length; i++) {
        if (!allows(setting, value[i]))
            return OTTER_E_ARGUMENT;
    }
    const uint64_t size = is_number ? number_of(value) : length;
    return size >= setting->min && size <= setting->max ? OTTER_OK : OTTER_E_ARGUMENT;
}

otter_status config_get_text(struct kv *kv, const struct config_setting *setting, char *text,
                             size_t size)
{
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

uint64_t config_get_u64(struct kv *kv, const struct config_setting *setting)
{
    char text[CONFIG_TEXT_MAX + 1];
    return config_get_text(kv, setting, text, sizeof text) == OTTER_OK ? number_of(text) : 0;
}

uint16_t config_get_u16(struct kv *kv, const struct config_setting *setting)
{
    const uint64_t number = config_get_u64(kv, setting);
    return number <= UINT16_MAX ? (uint16_t)number : 0;
}

otter_status config_set_text(struct kv *kv, const struct config_setting *setting, const char *value)
{
    const otter_status status = config_check(setting, value);
    if (status != OTTER_OK)
        return status;
    return kv_set(kv, setting->key, value, (uint32_t)strlen(value));
}

const struct config_setting *config_at(const struct config *config, unsigned index)
{
    for (const struct config_part *part = config->parts; part != NULL; part = part->next) {
        if (index < part->table->count)
            return &part->table->settings[index];
        index -= (unsigned)part->table->count;
    }
    return NULL;
}

const struct config_setting *config_find(const struct config *config, const char *name)
{
    const struct config_setting *setting;
    for (unsigned i = 0; (setting = config_at(config, i)) != NULL; i++) {
        if (strcmp(config_name(setting), name) == 0)
            break;
    }
    return setting;
}

/* Of one that is in the list. */
static bool can_be_kept(const struct config *config, const struct config_setting *setting)
{
    return strncmp(setting->key, CONFIG_KEY_PREFIX, sizeof CONFIG_KEY_PREFIX - 1) == 0 &&
           strlen(setting->key) <= KV_KEY_MAX &&
           (setting->kind == CONFIG_NUMBER || setting->max <= CONFIG_TEXT_MAX) &&
           config_find(config, config_name(setting)) == setting;
}

otter_status config_add(struct config *config, struct config_part *part,
                        const struct config_table *table)
{
    struct config_part **end = &config->parts;
    while (*end != NULL && *end != part)
        end = &(*end)->next;
    if (*end == part)
        return OTTER_OK;
    *part = (struct config_part){.table = table};
    *end = part;
    for (size_t i = 0; i < table->count; i++) {
        if (can_be_kept(config, &table->settings[i]))
            continue;
        *end = NULL;
        return OTTER_E_ARGUMENT;
    }
    return OTTER_OK;
}

/* The next change behind that at `at`. */
static size_t behind(const struct config *config, size_t at)
{
    return at + 1 + strlen(config->staged + at + 1) + 1;
}

static const struct config_setting *setting_at(const struct config *config, size_t at)
{
    return config_at(config, (uint8_t)config->staged[at]);
}

/* Where the change of the setting lies; `used` when there is none. */
static size_t place_of(const struct config *config, const struct config_setting *setting)
{
    size_t at = 0;
    while (at < config->used && setting_at(config, at) != setting)
        at = behind(config, at);
    return at;
}

static unsigned count_staged(const struct config *config)
{
    unsigned count = 0;
    for (size_t at = 0; at < config->used; at = behind(config, at))
        count++;
    return count;
}

const char *config_staged(const struct config *config, const struct config_setting *setting)
{
    const size_t at = place_of(config, setting);
    return at < config->used ? config->staged + at + 1 : NULL;
}

bool config_has_staged(const struct config *config)
{
    return config->used > 0;
}

otter_status config_stage(struct config *config, const struct config_setting *setting,
                          const char *value)
{
    const size_t size = strlen(value) + 1;
    const otter_status status = size == 1 ? OTTER_OK : config_check(setting, value);
    if (status != OTTER_OK)
        return status;
    unsigned index = 0;
    while (config_at(config, index) != setting)
        index++;
    const size_t at = place_of(config, setting);
    const size_t old = at < config->used ? behind(config, at) - at : 0;
    if (config->used - old + 1 + size > sizeof config->staged ||
        (old == 0 && count_staged(config) == KV_BATCH_MAX))
        return OTTER_E_NO_SPACE;
    memmove(config->staged + at, config->staged + at + old, config->used - at - old);
    config->used = (uint16_t)(config->used - old);
    config->staged[config->used] = (char)index;
    memcpy(config->staged + config->used + 1, value, size);
    config->used = (uint16_t)(config->used + 1 + size);
    return OTTER_OK;
}

otter_status config_commit(struct config *config, struct kv *kv)
{
    struct kv_item items[KV_BATCH_MAX];
    uint32_t count = 0;
    for (size_t at = 0; at < config->used; at = behind(config, at)) {
        const char *value = config->staged + at + 1;
        const uint32_t length = (uint32_t)strlen(value);
        items[count++] =
            (struct kv_item){setting_at(config, at)->key, length > 0 ? value : NULL, length};
    }
    const otter_status status = kv_set_all(kv, items, count);
    if (status == OTTER_OK)
        config->used = 0;
    return status;
}
