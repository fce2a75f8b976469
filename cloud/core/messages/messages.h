/* Ordinary messages as users of the APIs see them: publishing one, and what is retained.
 *
 * The broker keeps retained messages and hands them to subscribers; here is kept what AWS's
 * GetRetainedMessage and ListRetainedMessages say of them, written when one passes the gateway or
 * comes by HTTP, and said to a broker again that has lost it. A will that is retained passes
 * neither: it is not listed, and is the broker's alone. */
#ifndef OTTER_CLOUD_CORE_MESSAGES_MESSAGES_H
#define OTTER_CLOUD_CORE_MESSAGES_MESSAGES_H

#include "cloud/core/ground/cloud.h"

#define MESSAGE_TOPIC_MAX   256
#define MESSAGE_SLASHES_MAX 7
#define MESSAGE_SIZE_MAX    131072
#define MESSAGES_PAGE_MAX   200

/* Publishes to whoever has subscribed, after the commit of what is retained. CORE_INVALID_REQUEST
 * for a topic with wildcards, control characters, above the limits, or below `$`; CORE_TOO_LARGE.
 */
enum core_error message_publish(struct cloud *cloud, const struct message *message,
                                struct answer *answer);

/* A retained message is on its way to the broker, whoever published it; an empty one ends what was
 * retained on its topic. */
void message_retained(struct cloud *cloud, const struct message *message);

/* Publishes again what was retained, or ended, since the broker's state was saved (ms since 1970;
 * 0: never), and some seconds before: what is older it has. */
void messages_replay(struct cloud *cloud, int64_t saved_ms);
/* Forgets what ended long ago. Called by core_tend. */
void messages_sweep(struct cloud *cloud);

/* {"topic","payload" (base64),"qos","lastModifiedTime" (ms)}; CORE_NOT_FOUND. */
enum core_error retained_get(struct cloud *cloud, const char *topic, struct answer *answer);
/* {"retainedTopics":[{"topic","payloadSize","qos","lastModifiedTime"}...],"nextToken"?} by topic */
enum core_error retained_list(struct cloud *cloud, size_t begin, size_t most,
                              struct answer *answer);

#endif
