/* The topics of what the cloud tells of its own accord. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/reserved/reserved_internal.h"

static const char *const topics[] = {
    [NOTICE_JOBS] = "jobs/notify",
    [NOTICE_JOBS_NEXT] = "jobs/notify-next",
    [NOTICE_SHADOW_UPDATED] = "shadow%s/update/accepted",
    [NOTICE_SHADOW_DOCUMENTS] = "shadow%s/update/documents",
    [NOTICE_SHADOW_DELTA] = "shadow%s/update/delta",
    [NOTICE_SHADOW_DELETED] = "shadow%s/delete/accepted",
};

/* `shadow` or `shadow/name/NAME`, for %s what the name adds; of an authority an event. */
static void make_topic(const struct notice *notice, char topic[TOPIC_SIZE])
{
    if (notice->kind == NOTICE_CERTIFICATE_REGISTERED) {
        snprintf(topic, TOPIC_SIZE, "$aws/events/certificates/registered/%s", notice->thing);
        return;
    }
    if (notice->kind == NOTICE_JOB_EVENT || notice->kind == NOTICE_EXECUTION_EVENT) {
        snprintf(topic, TOPIC_SIZE, "$aws/events/%s/%s/%s",
                 notice->kind == NOTICE_JOB_EVENT ? "job" : "jobExecution", notice->thing,
                 notice->name);
        return;
    }
    const char *format = topics[notice->kind], *place = strstr(format, "%s");
    const int before = place ? (int)(place - format) : (int)strlen(format);
    snprintf(topic, TOPIC_SIZE, "$aws/things/%s/%.*s%s%s%s", notice->thing, before, format,
             notice->name ? "/name/" : "", notice->name ? notice->name : "",
             place ? place + strlen("%s") : "");
}

void reserved_notify(void *context, const struct notice *notice)
{
    const struct reserved_publisher *publisher = context;
    char topic[TOPIC_SIZE];
    char *text = json_dumps(notice->body, JSON_COMPACT);
    make_topic(notice, topic);
    if (text)
        publisher->publish(publisher->context, topic, text, strlen(text));
    free(text);
}
