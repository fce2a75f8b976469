/* The topics of what the cloud tells of its own accord. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/reserved/reserved_internal.h"

void reserved_notify(void *context, const struct notice *notice)
{
    static const char *const topics[] = {
        [NOTICE_JOBS] = "$aws/things/%s/jobs/notify",
        [NOTICE_JOBS_NEXT] = "$aws/things/%s/jobs/notify-next",
    };
    const struct reserved_publisher *publisher = context;
    char topic[TOPIC_SIZE];
    char *text = json_dumps(notice->body, JSON_COMPACT);
    snprintf(topic, sizeof topic, topics[notice->kind], notice->thing);
    if (text)
        publisher->publish(publisher->context, topic, text, strlen(text));
    free(text);
}
