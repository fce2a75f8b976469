/* GetStream requests out, blocks in: CBOR both ways, on the session's topics. */
#include "services/ota/source_stream.h"

#include <stdio.h>
#include <string.h>

#include "codec/cbor.h"
#include "port/log.h"
#include "services/ota/agent.h"
#include "services/ota/job_document.h"

#define STREAMS               "streams/"
#define BLOCK_TIMEOUT_DEFAULT 3000u
#define ASK_AGAIN_MS          10000u
#define REFUSED               "stream refused: "

_Static_assert(MQTT_TOPIC_MAX + OTA_REQUEST_CBOR_MAX + MQTT_OUTPUT_OVERHEAD <= JOBS_MQTT_OUTPUT_MIN,
               "a request for blocks, with the longest topic, is shorter than an update of a job");

/* --- messages --- */

otter_status ota_block_read(const struct ota_file *file, const uint8_t *message, size_t length,
                            struct ota_block *block)
{
    enum { SEEN_FILE = 1, SEEN_NUMBER = 2, SEEN_LENGTH = 4, SEEN_DATA = 8, SEEN_ALL = 15 };
    struct cbor_reader r;
    struct cbor_container map;
    struct cbor_bytes data = {NULL, 0};
    uint64_t file_id = 0, number = 0, stated = 0;
    unsigned seen = 0;
    cbor_reader_init(&r, message, length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (cbor_text_is(key, "f")) {
            file_id = cbor_read_uint(&r, UINT32_MAX);
            seen |= SEEN_FILE;
        } else if (cbor_text_is(key, "i")) {
            number = cbor_read_uint(&r, UINT32_MAX);
            seen |= SEEN_NUMBER;
        } else if (cbor_text_is(key, "l")) {
            stated = cbor_read_uint(&r, UINT32_MAX);
            seen |= SEEN_LENGTH;
        } else if (cbor_text_is(key, "p")) {
            data = cbor_read_bytes(&r);
            seen |= SEEN_DATA;
        } else {
            cbor_skip(&r);
        }
    }
    if (cbor_finish(&r) != OTTER_OK || seen != SEEN_ALL)
        return OTTER_E_MALFORMED;
    if (file_id != file->id || number >= ota_file_blocks(file) || stated != data.length ||
        data.length != ota_file_block_length(file, (uint32_t)number))
        return OTTER_E_REFUSED;
    block->number = (uint32_t)number;
    block->length = (uint32_t)data.length;
    block->data = data.data;
    return OTTER_OK;
}

int ota_request_write(const struct ota_file *file, const uint16_t *blocks, uint32_t count,
                      uint8_t *out, size_t size)
{
    uint8_t bitmap[OTA_BLOCKS_MAX / 8] = {0}; /* bit 0: the first of them */
    const uint32_t span = (uint32_t)blocks[count - 1] - blocks[0] + 1u;
    struct cbor_writer w;
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = (uint32_t)blocks[i] - blocks[0];
        bitmap[at / 8] |= (uint8_t)(1u << (at % 8));
    }
    cbor_writer_init(&w, out, size);
    cbor_write_map(&w, 6);
    cbor_write_text(&w, "c");
    cbor_write_text(&w, "rdy"); /* the token that all device libraries send */
    cbor_write_text(&w, "f");
    cbor_write_uint(&w, file->id);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, file->block_size);
    cbor_write_text(&w, "o");
    cbor_write_uint(&w, blocks[0]);
    cbor_write_text(&w, "b");
    cbor_write_bytes(&w, bitmap, (span + 7u) / 8u);
    cbor_write_text(&w, "n");
    cbor_write_uint(&w, count);
    return cbor_written(&w);
}

static bool is_key(struct cbor_text key, const char *brief, const char *full)
{
    return cbor_text_is(key, brief) || cbor_text_is(key, full);
}

/* What may pass by itself; everything else is an answer about this stream that will not change. */
static bool may_pass(struct cbor_text code)
{
    return code.length == 0 || cbor_text_is(code, "InternalError") ||
           cbor_text_is(code, "RequestThrottled") || cbor_text_is(code, "ThrottlingException");
}

bool ota_stream_refused(const uint8_t *message, size_t length, char *text, size_t size)
{
    struct cbor_reader r;
    struct cbor_container map;
    struct cbor_text code = {"", 0};
    struct cbor_text told = {"", 0};
    cbor_reader_init(&r, message, length);
    cbor_read_map(&r, &map);
    while (cbor_next(&r, &map)) {
        const struct cbor_text key = cbor_read_key(&r);
        if (is_key(key, "o", "code"))
            code = cbor_read_text(&r);
        else if (is_key(key, "m", "message"))
            told = cbor_read_text(&r);
        else
            cbor_skip(&r);
    }
    if (cbor_finish(&r) != OTTER_OK) {
        snprintf(text, size, "an error that cannot be read");
        return false;
    }
    snprintf(text, size, "%.*s: %.*s", (int)(code.length < 40 ? code.length : 40), code.data,
             (int)(told.length < 60 ? told.length : 60), told.data);
    jobs_make_printable(text);
    return !may_pass(code);
}

/* --- in --- */

/* The first one, then ever fewer of many. */
static void refuse_block(struct ota_source *source, otter_status why)
{
    const uint32_t count = ++source->blocks_refused;
    if ((count & (count - 1u)) != 0)
        return;
    LOG_WRN(OTA_TAG, "a block was refused: %s; %lu since the start",
            why == OTTER_E_MALFORMED ? "not the CBOR of a data message"
                                     : "another file, or a wrong number or length",
            (unsigned long)count);
}

static void on_data(struct ota_source_stream *stream, otter_ms now,
                    const struct mqtt_message *message)
{
    struct ota_source *source = &stream->source;
    struct ota_block block;
    const otter_status status =
        ota_block_read(&source->file, message->payload, message->payload_length, &block);
    if (status != OTTER_OK)
        refuse_block(source, status);
    else if (source->on_block(source->ctx, now, &block))
        mqtt_connection_useful(stream->mqtt, &stream->service);
}

static void on_rejected(const struct ota_source *source, otter_ms now,
                        const struct mqtt_message *message)
{
    char text[120] = REFUSED;
    char *const answer = text + sizeof REFUSED - 1;
    const bool for_good = ota_stream_refused(message->payload, message->payload_length, answer,
                                             sizeof text - sizeof REFUSED + 1);
    source->on_refusal(source->ctx, now, for_good, text);
}

static bool topic_is(const struct mqtt_message *message, const char *topic)
{
    return message->topic_length == strlen(topic) &&
           memcmp(message->topic, topic, message->topic_length) == 0;
}

/* What is not of the stream that is open has another topic. */
static void on_message(void *ctx, otter_ms now, const struct mqtt_message *message)
{
    struct ota_source_stream *stream = ctx;
    if (topic_is(message, stream->data_filter))
        on_data(stream, now, message);
    else if (topic_is(message, stream->refusal_filter))
        on_rejected(&stream->source, now, message);
}

/* --- out --- */

static struct ota_source_stream *stream_of(struct ota_source *source)
{
    return (struct ota_source_stream *)source; /* its first member */
}

static void name_topic(const struct ota_source_stream *stream, const char *ending,
                       char topic[OTA_STREAM_TOPIC_MAX + 1])
{
    snprintf(topic, OTA_STREAM_TOPIC_MAX + 1, STREAMS "%s/%s", stream->source.job->stream, ending);
}

/* The session has the filter until it has let go of it. */
static bool let_go(struct ota_source_stream *stream, struct mqtt_subscription *subscription,
                   char *filter)
{
    if (mqtt_unsubscribe(stream->mqtt, subscription) == OTTER_E_AGAIN)
        return false;
    filter[0] = '\0';
    return true;
}

static void hold(struct ota_source_stream *stream, otter_ms now,
                 struct mqtt_subscription *subscription, char *filter, const char *ending)
{
    char wanted[OTA_STREAM_TOPIC_MAX + 1];
    name_topic(stream, ending, wanted);
    if (strcmp(filter, wanted) == 0) {
        if (now >= stream->ask_again_at &&
            mqtt_subscription_status(subscription) == OTTER_E_REFUSED)
            (void)mqtt_subscribe(stream->mqtt, now, &stream->service, subscription);
        return;
    }
    if (!let_go(stream, subscription, filter))
        return;
    *subscription = (struct mqtt_subscription){.filter = memcpy(filter, wanted, sizeof wanted)};
    const otter_status status = mqtt_subscribe(stream->mqtt, now, &stream->service, subscription);
    if (status == OTTER_OK)
        return;
    filter[0] = '\0';
    LOG_ERR(OTA_TAG, "cannot subscribe to the stream: %s", otter_status_text(status));
}

static void open_stream(struct ota_source *source, otter_ms now)
{
    struct ota_source_stream *stream = stream_of(source);
    hold(stream, now, &stream->data, stream->data_filter, "data/cbor");
    hold(stream, now, &stream->refusal, stream->refusal_filter, "rejected/cbor");
    if (now >= stream->ask_again_at)
        stream->ask_again_at = now + ASK_AGAIN_MS;
}

static void close_stream(struct ota_source *source, otter_ms now)
{
    struct ota_source_stream *stream = stream_of(source);
    (void)now;
    (void)let_go(stream, &stream->data, stream->data_filter);
    (void)let_go(stream, &stream->refusal, stream->refusal_filter);
}

/* A request is worth nothing before its answers can come. */
static int request(struct ota_source *source, otter_ms now, const uint16_t *blocks, uint32_t count)
{
    struct ota_source_stream *stream = stream_of(source);
    uint8_t payload[OTA_REQUEST_CBOR_MAX];
    char topic[OTA_STREAM_TOPIC_MAX + 1];
    open_stream(source, now);
    if (mqtt_subscription_status(&stream->data) != OTTER_OK)
        return OTTER_E_AGAIN;
    const int length = ota_request_write(&source->file, blocks, count, payload, sizeof payload);
    if (length < 0)
        return length;
    name_topic(stream, "get/cbor", topic);
    const otter_status status =
        mqtt_publish(stream->mqtt, now, &stream->service, topic, payload, (size_t)length);
    return status == OTTER_OK ? (int)count : (int)status;
}

/* --- configuration and job document --- */

static const char *fault(const struct ota_source *source, uint32_t block_size)
{
    const struct mqtt_session *mqtt = ((const struct ota_source_stream *)source)->mqtt;
    return mqtt_input_max(mqtt) < block_size + OTA_MQTT_INPUT_BESIDE_BLOCK
               ? "mqtt: input buffer smaller than block_size + OTA_MQTT_INPUT_BESIDE_BLOCK"
               : NULL;
}

uint32_t ota_stream_name_max(const char *thing_name)
{
    const size_t around = strlen("$aws/things//" STREAMS "/rejected/cbor") + strlen(thing_name);
    const size_t left = MQTT_TOPIC_MAX - around;
    return left < OTA_STREAM_MAX ? (uint32_t)left : OTA_STREAM_MAX;
}

static bool read_document(struct ota_source *source, const struct json *json, int afr_ota, int file,
                          struct ota_job *job, char reason[OTA_REASON_MAX + 1])
{
    const uint32_t most = ota_stream_name_max(stream_of(source)->thing_name);
    const otter_status status = json_get_string(json, json_find(json, afr_ota, "streamname"),
                                                job->stream, sizeof job->stream);
    const size_t length = status == OTTER_OK ? strlen(job->stream) : 0;
    (void)file;
    if (status == OTTER_E_TOO_LONG || length > most)
        return ota_job_refuse(reason, "job document: streamname is longer than %u characters",
                              (unsigned)most);
    if (status != OTTER_OK || length == 0)
        return ota_job_is_wrong(reason, "streamname is missing or no text");
    if (!jobs_is_name(job->stream))
        return ota_job_refuse(reason,
                              "job document: streamname has characters other than a-z A-Z 0-9 _ -");
    return true;
}

void ota_source_stream_init(struct ota_source_stream *stream, struct mqtt_session *mqtt,
                            const char *thing_name, uint32_t block_timeout_ms)
{
    static const struct ota_source_ops ops = {
        .name = "MQTT",
        .protocol = OTA_PROTOCOL_MQTT,
        .request_max = OTA_REQUEST_MAX,
        .fault = fault,
        .read = read_document,
        .open = open_stream,
        .close = close_stream,
        .request = request,
    };
    memset(stream, 0, sizeof *stream);
    stream->source.ops = &ops;
    stream->source.block_timeout_ms =
        block_timeout_ms == 0 ? BLOCK_TIMEOUT_DEFAULT : block_timeout_ms;
    stream->mqtt = mqtt;
    stream->thing_name = thing_name;
    snprintf(stream->prefix, sizeof stream->prefix, "$aws/things/%s/", thing_name);
    stream->service =
        (struct mqtt_service){.prefix = stream->prefix, .on_message = on_message, .ctx = stream};
    mqtt_register(mqtt, &stream->service);
}
