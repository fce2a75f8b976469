/* File streams over MQTT: the topics of blocks, descriptions and refusals. */
#include <stdio.h>
#include <stdlib.h>

#include "cloud/core/streams/streams.h"
#include "cloud/reserved/reserved_internal.h"

struct reserved_blocks {
    struct streams_transfer *transfer;
    const char *format;
    char topic[TOPIC_SIZE];
    char thing[PART_SIZE], stream[PART_SIZE];
};

static enum core_error handle(struct call *call, enum streams_request_kind kind)
{
    struct reserved_blocks *blocks = malloc(sizeof *blocks);
    const struct streams_request request = {
        .kind = kind,
        .format = call->in_cbor ? STREAMS_CBOR : STREAMS_JSON,
        .thing = call->parts[0],
        .stream = call->parts[1],
        .payload = call->request->payload,
        .length = call->request->length,
    };
    if (!blocks)
        return CORE_INTERNAL; /* nobody hears of it; the device asks again */
    blocks->transfer = streams_answer(call->cloud, &request);
    blocks->format = call->in_cbor ? "cbor" : "json";
    snprintf(blocks->thing, sizeof blocks->thing, "%s", call->parts[0]);
    snprintf(blocks->stream, sizeof blocks->stream, "%s", call->parts[1]);
    if (blocks->transfer)
        call->answers->blocks(call->answers->context, blocks);
    else
        free(blocks);
    return CORE_OK;
}

enum core_error handle_streams_get(struct call *call)
{
    return handle(call, STREAMS_GET);
}

enum core_error handle_streams_describe(struct call *call)
{
    return handle(call, STREAMS_DESCRIBE);
}

bool reserved_blocks_next(struct reserved_blocks *blocks, struct reserved_message *message)
{
    static const char *const kinds[] = {[STREAMS_DATA] = "data",
                                        [STREAMS_DESCRIPTION] = "description",
                                        [STREAMS_REJECTED] = "rejected"};
    struct streams_message made;
    if (!streams_transfer_next(blocks->transfer, &made))
        return false;
    snprintf(blocks->topic, sizeof blocks->topic, "$aws/things/%s/streams/%s/%s/%s", blocks->thing,
             blocks->stream, kinds[made.kind], blocks->format);
    *message = (struct reserved_message){blocks->topic, made.payload, made.length};
    return true;
}

void reserved_blocks_free(struct reserved_blocks *blocks)
{
    if (!blocks)
        return;
    streams_transfer_free(blocks->transfer);
    free(blocks);
}
