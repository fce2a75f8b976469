/* The cloud's own core at the other end of a device in a test, apart from it: the two speak of JSON
 * by headers that do not go together. */
#ifndef TEST_SHADOW_CLOUD_END_H
#define TEST_SHADOW_CLOUD_END_H

#include <stddef.h>
#include <stdint.h>

struct cloud_end_hooks {
    int64_t (*now_ms)(void *context);
    /* A message for whoever has subscribed. */
    void (*publish)(void *context, const char *topic, const void *payload, size_t length);
};

/* 0, or what CMocka takes for a failure of the set-up. */
int cloud_end_start(const struct cloud_end_hooks *hooks);
int cloud_end_stop(void);
/* A request on a reserved topic. */
void cloud_end_ask(const char *topic, const void *payload, size_t length);
/* A section of the shadow's state ("reported"), by its `get` topic: keys in order, ' for "; "" when
 * there is none. */
void cloud_end_section(const char *get, const char *section, char *text, size_t size);

#endif
