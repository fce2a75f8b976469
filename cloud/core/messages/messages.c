/* Messages that come by HTTP, and what is known of those that are retained. */
#include "cloud/core/messages/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"
#include "cloud/store/db.h"

#define REPLAY_MS 5000    /* longest way of a message to the broker */
#define ENDED_MS  3600000 /* by then the broker has long saved that nothing is retained */

static enum core_error check_topic(const char *topic, struct answer *answer)
{
    size_t slashes = 0, controls = 0;
    for (const char *c = topic; *c; c++) {
        slashes += *c == '/';
        controls += (unsigned char)*c < 0x20 || *c == 0x7f;
    }
    if (!*topic || strlen(topic) > MESSAGE_TOPIC_MAX || slashes > MESSAGE_SLASHES_MAX)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "A topic has 1..%d bytes and at most %d '/'", MESSAGE_TOPIC_MAX,
                             MESSAGE_SLASHES_MAX);
    if (strpbrk(topic, "#+") || controls)
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "A topic that is published to has no '#', '+' or control characters");
    if (*topic == '$')
        return answer_refuse(answer, CORE_INVALID_REQUEST,
                             "%.100s is not a reserved topic that this cloud takes requests on",
                             topic);
    return CORE_OK;
}

enum core_error message_publish(struct cloud *cloud, const struct message *message,
                                struct answer *answer)
{
    enum core_error error = check_topic(message->topic, answer);
    if (error)
        return error;
    if (message->length > MESSAGE_SIZE_MAX)
        return answer_refuse(answer, CORE_TOO_LARGE, "A message has at most %d bytes",
                             MESSAGE_SIZE_MAX);
    if (message->retain)
        message_retained(cloud, message);
    cloud_publish(cloud, message);
    return CORE_OK;
}

/* ---- retained ---- */

/* One without a payload says that nothing is retained any more, and stays for messages_replay. */
void message_retained(struct cloud *cloud, const struct message *message)
{
    db_run(cloud->db,
           "INSERT INTO retained(topic, payload, qos, modified_ms) VALUES(?, ?, ?, ?)"
           " ON CONFLICT(topic) DO UPDATE SET payload = excluded.payload, qos = excluded.qos,"
           " modified_ms = excluded.modified_ms",
           "sbii", message->topic, message->length > 0 ? message->payload : "", message->length,
           (int64_t)message->qos, cloud_now_ms(cloud));
}

void messages_replay(struct cloud *cloud, int64_t saved_ms)
{
    struct db_rows *rows =
        db_select(cloud->db, "SELECT topic, payload, qos FROM retained WHERE modified_ms > ?", "i",
                  saved_ms - REPLAY_MS);
    while (db_next(rows)) {
        struct message message = {
            .topic = db_text(rows, 0), .qos = (int)db_int(rows, 2), .retain = true};
        message.payload = db_bytes(rows, 1, &message.length);
        cloud_publish(cloud, &message);
    }
    db_done(rows);
}

void messages_sweep(struct cloud *cloud)
{
    db_run(cloud->db, "DELETE FROM retained WHERE length(payload) = 0 AND modified_ms < ?", "i",
           cloud_now_ms(cloud) - ENDED_MS);
}

enum core_error retained_get(struct cloud *cloud, const char *topic, struct answer *answer)
{
    struct db_rows *rows = db_select(
        cloud->db,
        "SELECT payload, qos, modified_ms FROM retained WHERE topic = ? AND length(payload) > 0",
        "s", topic);
    if (db_next(rows)) {
        size_t size;
        const void *bytes = db_bytes(rows, 0, &size);
        char *payload = base64_new(bytes, size);
        answer->body =
            json_pack("{s:s,s:s,s:I,s:I}", "topic", topic, "payload", payload, "qos",
                      (json_int_t)db_int(rows, 1), "lastModifiedTime", (json_int_t)db_int(rows, 2));
        free(payload);
    }
    db_done(rows);
    return answer->body ? CORE_OK
                        : answer_refuse(answer, CORE_NOT_FOUND,
                                        "No message is retained on the topic %.150s", topic);
}

enum core_error retained_list(struct cloud *cloud, size_t begin, size_t most, struct answer *answer)
{
    char next[24];
    json_t *topics = json_array();
    struct db_rows *rows = db_select(cloud->db,
                                     "SELECT topic, length(payload), qos, modified_ms FROM retained"
                                     " WHERE length(payload) > 0 ORDER BY topic LIMIT ? OFFSET ?",
                                     "ii", (int64_t)most + 1, (int64_t)begin);
    bool more = db_next(rows);
    for (; more && json_array_size(topics) < most; more = db_next(rows))
        json_array_append_new(topics, json_pack("{s:s,s:I,s:I,s:I}", "topic", db_text(rows, 0),
                                                "payloadSize", (json_int_t)db_int(rows, 1), "qos",
                                                (json_int_t)db_int(rows, 2), "lastModifiedTime",
                                                (json_int_t)db_int(rows, 3)));
    db_done(rows);
    answer->body = json_pack("{s:o}", "retainedTopics", topics);
    if (more) {
        snprintf(next, sizeof next, "%zu", begin + most);
        json_object_set_new(answer->body, "nextToken", json_string(next));
    }
    return CORE_OK;
}
