/* The cloud's own core, with its reserved topics. */
#include "cloud_end.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/core/core.h"
#include "cloud/reserved/reserved.h"

static struct {
    struct cloud cloud;
    char dir[40];
    struct cloud_end_hooks hooks;
    struct reserved_publisher publisher;
    char shown[8192]; /* the last answer to a `get` */
} end;

int cloud_end_start(const struct cloud_end_hooks *hooks)
{
    end.hooks = *hooks;
    strcpy(end.dir, "/tmp/otter-shadow-XXXXXX");
    if (!mkdtemp(end.dir) ||
        core_start(&end.cloud, &(struct cloud_config){.dir = end.dir, .now_ms = hooks->now_ms}) !=
            OTTER_OK)
        return -1;
    end.publisher = (struct reserved_publisher){hooks->publish, NULL};
    end.cloud.notify = (struct notify){reserved_notify, &end.publisher};
    return 0;
}

int cloud_end_stop(void)
{
    char command[64];
    core_stop(&end.cloud);
    snprintf(command, sizeof command, "rm -rf %s", end.dir);
    return system(command);
}

static void answer(void *context, const struct reserved_message *message)
{
    if (strstr(message->topic, "/get/accepted"))
        snprintf(end.shown, sizeof end.shown, "%.*s", (int)message->length,
                 (const char *)message->payload);
    end.hooks.publish(context, message->topic, message->payload, message->length);
}

void cloud_end_ask(const char *topic, const void *payload, size_t length)
{
    const struct reserved_answers answers = {.reply = answer, .publish = answer};
    if (!reserved_publish(&end.cloud, &(struct reserved_request){topic, payload, length}, &answers))
        abort();
}

void cloud_end_section(const char *get, const char *section, char *text, size_t size)
{
    end.shown[0] = '\0';
    cloud_end_ask(get, "", 0);
    json_t *json = json_loads(end.shown, 0, NULL);
    json_t *have = json_object_get(json_object_get(json, "state"), section);
    char *dump = have ? json_dumps(have, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    snprintf(text, size, "%s", dump ? dump : "");
    for (char *c = text; *c; c++)
        *c = *c == '"' ? '\'' : *c;
    free(dump);
    json_decref(json);
}
