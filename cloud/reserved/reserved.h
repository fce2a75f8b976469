/* The reserved topics, `$aws/...`: which requests devices may publish there, who answers them, and
 * on which topics; and the topics of what the cloud tells of its own accord.
 *
 * Texts in, texts out: no packets, no connections. The gateway stands in front of it with devices,
 * a simulation with whatever it simulates. What the services do is in cloud/core/; a service more
 * is a few rows more in the table of reserved.c. */
#ifndef OTTER_CLOUD_RESERVED_RESERVED_H
#define OTTER_CLOUD_RESERVED_RESERVED_H

#include "cloud/core/ground/cloud.h"

/* ---- what devices publish ---- */

struct reserved_request {
    const char *topic;
    const void *payload;
    size_t length;
};

/* An answer of many messages, which are made one by one, when there is room for the next. */
struct reserved_blocks;
struct reserved_message { /* valid until the next call for the same blocks */
    const char *topic;
    const void *payload;
    size_t length;
};
/* False when there is none left. */
bool reserved_blocks_next(struct reserved_blocks *blocks, struct reserved_message *message);
void reserved_blocks_free(struct reserved_blocks *blocks); /* NULL is fine */

enum reserved_service {
    RESERVED_JOBS,
    RESERVED_STREAMS,
    RESERVED_SHADOW,
    RESERVED_DEFENDER,
    RESERVED_PROVISIONING,
    RESERVED_INGEST
};

/* Where answers go. All calls but `late` come before reserved_publish returns; texts are the
 * caller's for the time of the call. An answer may tell of a change that is not on the disk yet:
 * whoever sends it on must wait for the commit (db_after_commit). */
struct reserved_answers {
    /* To the connection that asked, whether it has subscribed or not. */
    void (*reply)(void *context, const struct reserved_message *message);
    /* To whoever has subscribed, as an ordinary message. */
    void (*publish)(void *context, const struct reserved_message *message);
    /* Hands over the blocks, to be read and freed; they go to the connection that asked. */
    void (*blocks)(void *context, struct reserved_blocks *blocks);
    /* The request is for what is not there (and is answered so, where the service has rejected
     * topics): a message for a topic rule. `name` is for people. May be NULL. */
    void (*unoffered)(void *context, enum reserved_service service, const char *name);
    /* Who asks, for topic rules; NULL: nobody who speaks MQTT. */
    const char *client_id, *principal;
    void *context;
    /* For an answer that comes later: what it will need in place of the context; NULL: out of
     * memory. Both calls may be NULL; then every answer is made at once, however long it takes. */
    void *(*keep)(void *context);
    /* `reply` to whoever `kept` stands for, if it is still there; message NULL: there is none after
     * all. Called exactly once, and takes `kept`. */
    void (*late)(void *kept, const struct reserved_message *message);
};

/* Answers a PUBLISH to a reserved topic. False, without an answer, when devices may not publish
 * there: on AWS that ends the connection. Whether this device may publish there is not asked. */
bool reserved_publish(struct cloud *cloud, const struct reserved_request *request,
                      const struct reserved_answers *answers);

/* The same for a message whose sender waits for no answers: they go to whoever has subscribed, by
 * cloud_publish. */
bool reserved_publish_alone(struct cloud *cloud, const struct reserved_request *request,
                            const char *principal);

/* ---- what the cloud tells ---- */

/* Publishes at QoS 1 to whoever has subscribed. */
struct reserved_publisher {
    void (*publish)(void *context, const char *topic, const void *payload, size_t length);
    void *context;
};

/* For cloud->notify: puts each notice on its topic and publishes it through the struct
 * reserved_publisher that is the context. */
void reserved_notify(void *publisher, const struct notice *notice);

#endif
