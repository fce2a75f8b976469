/* What leaves the cloud leaves after the commit that it tells of: messages, and the output of
 * connections. A change that is rolled back, or that the disk refuses, is told to nobody. */
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cloud/core/broker.h"
#include "cloud/core/cloud.h"
#include "cloud/core/cloud_internal.h"
#include "cloud/store/db.h"

/* ---- groups of commits ---- */

static void on_turn_end(evutil_socket_t fd, short what, void *context)
{
    struct cloud *cloud = context;
    (void)fd, (void)what;
    if (db_flush(cloud->db) != OTTER_OK)
        cloud_log("store", "changes were lost, and nobody was told otherwise: %s",
                  db_error(cloud->db));
}

/* The first write of a turn: the commit goes to the end of what the loop does in this turn. */
static void on_group(void *context)
{
    event_active(context, EV_TIMEOUT, 0);
}

bool outbox_start(struct cloud *cloud)
{
    cloud->turn_end = event_new(cloud->base, -1, EV_PERSIST, on_turn_end, cloud);
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
