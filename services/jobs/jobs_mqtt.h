/* Between the files of the Jobs client: messages out, and what the messages in mean. */
#ifndef OTTER_SERVICES_JOBS_JOBS_MQTT_H
#define OTTER_SERVICES_JOBS_JOBS_MQTT_H

#include "services/jobs/jobs.h"
#include "services/jobs/jobs_reply.h"

#ifdef __cplusplus
extern "C" {
#endif

#define JOBS_TAG "JOBS"

/* jobs_mqtt.c. Senders return OTTER_E_AGAIN while an earlier message has still to be taken. */
otter_status jobs_mqtt_register(struct jobs *jobs, otter_ms now);
otter_status jobs_mqtt_ask(struct jobs *jobs, otter_ms now);
otter_status jobs_mqtt_describe(struct jobs *jobs, otter_ms now);

/* jobs.c: what has come in. */
void jobs_on_notified(struct jobs *jobs, otter_ms now);
void jobs_on_next(struct jobs *jobs, otter_ms now, const struct jobs_reply *reply,
                  const struct json *json);
void jobs_on_unreadable(struct jobs *jobs, otter_ms now, uint32_t length);
void jobs_on_event(struct jobs *jobs, otter_ms now, enum jobs_event event);

#ifdef __cplusplus
}
#endif

#endif
