/* The device's settings: what they are called, what is allowed, and where they are kept.
 *
 * A setting is text under "conf/<name>" in the key-value store; numbers are decimal text. Each part
 * of the firmware brings a const table of its own, and reads a setting by its row:
 *
 *   config_get_u16(&kv, CONFIG_MQTT_PORT)
 *
 * `struct config` is where all tables are known, so that the console and others find a setting by
 * its name. Changes are staged there in RAM, checked one by one, and committed together as one
 * atomic change. */
#ifndef OTTER_STORE_CONFIG_H
#define OTTER_STORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CONFIG_TEXT_MAX 128u /* longest setting, without the NUL */

enum config_kind {
    CONFIG_NAME,   /* a-z A-Z 0-9 : _ - */
    CONFIG_HOST,   /* a-z A-Z 0-9 . : - */
    CONFIG_TEXT,   /* printable characters */
    CONFIG_NUMBER, /* decimal digits */
    CONFIG_TIME    /* the same, seconds since 1970 */
};

#define CONFIG_KEY_PREFIX "conf/"

struct config_setting {
    const char *key;      /* in the store: CONFIG_KEY_PREFIX "name", at most KV_KEY_MAX */
    const char *help;     /* one line, for `conf help` */
    const char *fallback; /* NULL: none */
    uint32_t max;         /* a number's value, or the length, to CONFIG_TEXT_MAX, of all else */
    uint16_t min;
    uint8_t kind; /* enum config_kind */
    bool secret;  /* never shown */
};

struct config_table {
    const struct config_setting *settings;
    size_t count;
};

/* The device's own. */
extern const struct config_table device_settings;
extern const struct config_setting device_setting[];
#define CONFIG_THING_NAME      (&device_setting[0])
#define CONFIG_WIFI_SSID       (&device_setting[1])
#define CONFIG_WIFI_CREDENTIAL (&device_setting[2])
#define CONFIG_TIME_HWM        (&device_setting[3]) /* latest time known: a floor without a clock */

const char *config_name(const struct config_setting *setting);
/* What follows "<min> to <max>" for users: " of a-z A-Z 0-9 : _ -". */
const char *config_range_text(const struct config_setting *setting);
bool config_is_number(const struct config_setting *setting);
/* OTTER_E_ARGUMENT when the value is none of its kind or beyond its range. */
otter_status config_check(const struct config_setting *setting, const char *value);

/* The committed value or the default, with a NUL. OTTER_E_NOT_FOUND (and "") when there is neither;
 * OTTER_E_TOO_LONG when `size` is too small. */
otter_status config_get_text(struct kv *kv, const struct config_setting *setting, char *text,
                             size_t size);
/* 0 when there is neither value nor default. */
uint16_t config_get_u16(struct kv *kv, const struct config_setting *setting);
uint64_t config_get_u64(struct kv *kv, const struct config_setting *setting);
/* Checks and commits one setting at once. */
otter_status config_set_text(struct kv *kv, const struct config_setting *setting,
                             const char *value);

/* A table's place in a device's list. */
struct config_part {
    const struct config_table *table;
    struct config_part *next;
};

/* The longest value of seven settings, each with its index and a NUL. */
#define CONFIG_STAGE_SIZE 388u

/* Zero at first. All fields are private. */
struct config {
    struct config_part *parts;
    uint16_t used; /* of `staged` */
    /* Changes, one after the other: the setting's index, its value, a NUL. */
    char staged[CONFIG_STAGE_SIZE];
};

/* `part` and `table` must outlive `config`, and `part` is used for nothing else. Nothing is staged
 * yet. At most 256 settings altogether. OTTER_E_ARGUMENT, and the whole table is left out, when a
 * setting could not be kept: its key or `max` breaks the rule above, or the name is taken. Again
 * does nothing. */
otter_status config_add(struct config *config, struct config_part *part,
                        const struct config_table *table);

/* All settings, in the order of their tables: NULL behind the last. */
const struct config_setting *config_at(const struct config *config, unsigned index);
/* NULL for a name that is none. */
const struct config_setting *config_find(const struct config *config, const char *name);

/* An empty value unsets. OTTER_E_ARGUMENT when the value breaks the rule, OTTER_E_NO_SPACE when no
 * more can be staged before a commit: that takes KV_BATCH_MAX settings. */
otter_status config_stage(struct config *config, const struct config_setting *setting,
                          const char *value);
/* NULL when nothing is staged for the setting. */
const char *config_staged(const struct config *config, const struct config_setting *setting);
bool config_has_staged(const struct config *config);
/* All staged values become the committed ones, or none; nothing is staged then. */
otter_status config_commit(struct config *config, struct kv *kv);

#ifdef __cplusplus
}
#endif

#endif
