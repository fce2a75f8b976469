/* What a running cloud counts, as Prometheus reads it. Counters of the process, touched from the
 * loop's thread only; they cost an addition. */
#ifndef OTTER_CLOUD_LOOP_METRICS_H
#define OTTER_CLOUD_LOOP_METRICS_H

#include <stdint.h>

struct evbuffer;

/* X(name of the enum value, name for Prometheus, labels or "", what it says). Those of one name
 * follow each other, and the first says it for them. */
#define METRICS(X)                                                                                 \
    X(METRIC_CONNECTED, "otter_cloud_connects_total", "", "Devices that came on line")             \
    X(METRIC_DISCONNECTED, "otter_cloud_disconnects_total", "",                                    \
      "Devices that were on line and went")                                                        \
    X(METRIC_STRANGERS_ENDED, "otter_cloud_refused_total", "",                                     \
      "Connections that ended before they were on line")                                           \
    X(METRIC_MESSAGES_IN, "otter_cloud_messages_total", "{direction=\"in\"}",                      \
      "Messages from and to devices")                                                              \
    X(METRIC_MESSAGES_OUT, "otter_cloud_messages_total", "{direction=\"out\"}", NULL)              \
    X(METRIC_API_2XX, "otter_cloud_api_responses_total", "{class=\"2xx\"}",                        \
      "Answers of the HTTP APIs")                                                                  \
    X(METRIC_API_3XX, "otter_cloud_api_responses_total", "{class=\"3xx\"}", NULL)                  \
    X(METRIC_API_4XX, "otter_cloud_api_responses_total", "{class=\"4xx\"}", NULL)                  \
    X(METRIC_API_5XX, "otter_cloud_api_responses_total", "{class=\"5xx\"}", NULL)                  \
    X(METRIC_COMMITS, "otter_cloud_commits_total", "", "Groups of changes brought to the disk")    \
    X(METRIC_COMMITS_FAILED, "otter_cloud_commit_failures_total", "",                              \
      "Groups of changes that the disk did not take")

#define METRIC_ENUM(id, name, labels, help) id,
enum metric { METRICS(METRIC_ENUM) METRIC_COUNT };
#undef METRIC_ENUM

void metric_add(enum metric metric);
uint64_t metric_of(enum metric metric);

/* One value of a gauge; with its # HELP and # TYPE where `help` is not NULL. */
void metrics_gauge(struct evbuffer *to, const char *name, const char *labels, double value,
                   const char *help);
/* All of the above, and the process's own: memory, files, processor. */
void metrics_write(struct evbuffer *to);

#endif
