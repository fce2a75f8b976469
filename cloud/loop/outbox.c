/* What leaves the cloud leaves after the commit that it tells of: messages, and the output of
 * connections. A change that is rolled back, or that the disk refuses, is told to nobody. */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cloud/broker/broker.h"
#include "cloud/core/ground/cloud.h"
#include "cloud/core/ground/cloud_internal.h"
#include "cloud/store/db.h"

/* ---- groups of commits ---- */

#define PATIENCE_MS 3 /* about what a sync of the disk takes */

/* Whether callers are still to come who came together with these before. */
static bool is_early(const struct cloud *cloud)
{
    return cloud->callers.now > 0 && cloud->callers.now < cloud->callers.before;
}

/* At the end of the turn, and, where that was too early, once more when the patience has ended. */
static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
    struct cloud *cloud = context;
    struct timeval patience = {cloud->callers.patience_ms / 1000,
                               cloud->callers.patience_ms % 1000 * 1000L};
    (void)fd;
    if (is_early(cloud) && !(what & EV_TIMEOUT)) {
        if (!event_pending(cloud->turn_end, EV_TIMEOUT, NULL))
            event_add(cloud->turn_end, &patience);
        return;
    }
    event_del(cloud->turn_end);
    if (cloud->callers.now > 0) /* one that stays away is not waited for again and again */
        cloud->callers.before = cloud->callers.now >= cloud->callers.before
                                    ? cloud->callers.now
                                    : cloud->callers.before - 1;
    cloud->callers.now = 0;
    if (db_flush(cloud->db) != OTTER_OK)
        cloud_log("store", "changes were lost, and nobody was told otherwise: %s",
                  db_error(cloud->db));
}

/* The first write of a turn: the commit goes to the end of what the loop does in this turn. */
static void on_group(void *context)
{
    event_active(context, EV_WRITE, 0);
}

void cloud_answer_after_commit(struct cloud *cloud,
                               void (*settled)(void *context, otter_status status), void *context)
{
    if (cloud->turn_end && db_dirty(cloud->db)) {
        cloud->callers.now++;
        event_active(cloud->turn_end, EV_WRITE, 0);
    }
    db_after_commit(cloud->db, settled, context);
}

bool outbox_start(struct cloud *cloud)
{
    cloud->callers.patience_ms = PATIENCE_MS;
    cloud->turn_end = event_new(cloud->base, -1, 0, on_turn_end, cloud);
    if (cloud->turn_end)
        db_group(cloud->db, on_group, cloud->turn_end);
    return cloud->turn_end != NULL;
}

void outbox_stop(struct cloud *cloud)
{
    if (cloud->db)
        db_flush(cloud->db);
    if (cloud->turn_end)
        event_free(cloud->turn_end);
    cloud->turn_end = NULL;
}

/* ---- messages ---- */

struct message {
    struct cloud *cloud;
    char *topic;
    size_t length;
    char payload[];
};

static void send_message(struct cloud *cloud, const char *topic, const void *payload, size_t length)
{
    if (cloud->publish)
        cloud->publish(cloud->publish_context, topic, payload, length);
    else if (cloud->broker)
        broker_publish(cloud->broker, topic, payload, length);
}

static void on_message_settled(void *context, otter_status status)
{
    struct message *message = context;
    if (status == OTTER_OK)
        send_message(message->cloud, message->topic, message->payload, message->length);
    free(message->topic);
    free(message);
}

void cloud_publish(struct cloud *cloud, const char *topic, const void *payload, size_t length)
{
    if (!db_dirty(cloud->db)) {
        send_message(cloud, topic, payload, length);
        return;
    }
    struct message *message = malloc(sizeof *message + length);
    if (!message)
        abort(); /* nothing sensible can follow on the host */
    message->cloud = cloud;
    message->topic = strdup(topic);
    message->length = length;
    memcpy(message->payload, payload, length);
    db_after_commit(cloud->db, on_message_settled, message);
}

void cloud_publish_json(struct cloud *cloud, const char *topic, const json_t *body)
{
    char *text = json_dumps(body, JSON_COMPACT);
    if (text)
        cloud_publish(cloud, topic, text, strlen(text));
    free(text);
}

/* ---- connections ---- */

static void on_output_settled(void *context, otter_status status)
{
    struct bufferevent *connection = context;
    if (status != OTTER_OK) /* what lies there claims what is not so: it must not leave */
        shutdown(bufferevent_getfd(connection), SHUT_RDWR);
    bufferevent_enable(connection, EV_WRITE);
    bufferevent_decref(connection);
}

void cloud_hold_output(struct cloud *cloud, struct bufferevent *connection)
{
    if (!db_dirty(cloud->db))
        return;
    bufferevent_incref(connection);
    bufferevent_disable(connection, EV_WRITE);
    db_after_commit(cloud->db, on_output_settled, connection);
}
