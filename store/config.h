/* The device's settings: what they are called, what is allowed, and where they are kept.
 *
 * A setting is text under "conf/<name>" in the key-value store; numbers are decimal text. Reading
 * gives what was committed. Changes are staged in a `struct config_stage` in RAM, checked one by
 * one, and committed together as one atomic change. */
#ifndef OTTER_STORE_CONFIG_H
#define OTTER_STORE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "store/kv.h"

#ifdef __cplusplus
extern "C" {
#endif

enum config_key {
    CONFIG_THING_NAME,
    CONFIG_MQTT_ENDPOINT,
    CONFIG_MQTT_PORT,
    CONFIG_WIFI_SSID,
    CONFIG_WIFI_CREDENTIAL,
    CONFIG_CONNECT_SPREAD, /* seconds within which the first connection after power-on comes */
    CONFIG_TIME_HWM, /* latest time known, seconds since 1970: a floor for a device with no clock */
    CONFIG_KEYS
};

#define CONFIG_TEXT_MAX          128u /* longest setting, without the NUL */
#define CONFIG_MQTT_PORT_DEFAULT 8883u

const char *config_name(enum config_key key);
/* What a valid value looks like, for messages: "1 to 128 of a-z A-Z 0-9 : _ -". */
const char *config_rule(enum config_key key);
/* CONFIG_KEYS for a name that is none. */
enum config_key config_find(const char *name);
/* OTTER_E_ARGUMENT when the value breaks the rule. */
otter_status config_check(enum config_key key, const char *value);

/* The committed value or the default, with a NUL. OTTER_E_NOT_FOUND (and "") when there is neither;
 * OTTER_E_TOO_LONG when `size` is too small. */
otter_status config_get_text(struct kv *kv, enum config_key key, char *text, size_t size);
/* 0 when there is neither value nor default. */
uint16_t config_get_u16(struct kv *kv, enum config_key key);
uint64_t config_get_u64(struct kv *kv, enum config_key key);
/* Checks and commits one setting at once. */
otter_status config_set_text(struct kv *kv, enum config_key key, const char *value);

#define CONFIG_STAGE_SIZE 380u /* the longest value of each key, with its NUL */

/* Zero at first. */
struct config_stage {
    uint8_t staged; /* bit for each key */
    char text[CONFIG_STAGE_SIZE];
};

/* An empty value unsets. OTTER_E_ARGUMENT when the value breaks the rule. */
otter_status config_stage_set(struct config_stage *stage, enum config_key key, const char *value);
/* NULL when nothing is staged for the key. */
const char *config_stage_get(const struct config_stage *stage, enum config_key key);
/* All staged values become the committed ones, or none; the stage is then empty. */
otter_status config_stage_commit(struct config_stage *stage, struct kv *kv);

#ifdef __cplusplus
}
#endif

#endif
