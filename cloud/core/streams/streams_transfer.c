/* Answering stream requests: which blocks are wanted, and one message a block. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/cbor_json.h"
#include "cloud/core/ground/names.h"
#include "cloud/core/streams/streams_internal.h"
#include "cloud/core/streams/windows.h"
#include "codec/cbor.h"

#define MESSAGE_OVERHEAD 256u /* of a block's map, token included */

struct streams_transfer {
    struct cloud *cloud;
    enum streams_format format;
    char thing[129], stream[129];
    enum streams_message_kind kind; /* of the last message */
    uint8_t *payload;
    size_t payload_length;

    bool single; /* one message is ready in payload: a description or a refusal */

    struct stream_fields request;
    struct stream_file file;
    uint32_t block_size;
    uint32_t next;        /* block number that is looked at next */
    uint32_t blocks_left; /* that may still be sent */
    uint32_t bytes_left;
    uint8_t *block;
};

/* ---- messages ------------------------------------------------------------------------------- */

/* Makes `body` (stolen) the transfer's only message. */
static void answer_once(struct streams_transfer *transfer, enum streams_message_kind kind,
                        json_t *body)
{
    const size_t size = 16384; /* 50 files and a description fit */
    if (transfer->request.has_token)
        json_object_set_new(body, "c", json_string(transfer->request.token));
    transfer->kind = kind;
    transfer->single = true;
    transfer->payload = malloc(size);
    if (transfer->payload && transfer->format == STREAMS_CBOR) {
        transfer->payload_length = cbor_from_json(body, transfer->payload, size);
    } else if (transfer->payload) {
        size_t length = json_dumpb(body, (char *)transfer->payload, size, JSON_COMPACT);
        transfer->payload_length = length <= size ? length : 0;
    }
    json_decref(body);
}

static void refuse(struct streams_transfer *transfer, enum core_error error,
                   const struct answer *answer)
{
    cloud_log("streams", "%s: stream %s refused: %s, %s", transfer->thing, transfer->stream,
              core_error_text(error), answer->message);
    answer_once(transfer, STREAMS_REJECTED,
                json_pack("{s:s, s:s}", "o", core_error_text(error), "m", answer->message));
}

/* ---- checking a GetStream request ----------------------------------------------------------- */

static bool within(int64_t value, int64_t low, int64_t high)
{
    return value >= low && value <= high;
}

static enum core_error check_fields(enum streams_format format, const struct stream_fields *r,
                                    struct answer *answer)
{
    if (!r->has_file || !within(r->file, 0, 255))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "'f' (file id) must be 0..255");
    if (!r->has_size)
        return answer_refuse(answer, CORE_INVALID_REQUEST, "'l' (block size) is missing");
    if (!within(r->size, STREAMS_BLOCK_MIN, STREAMS_BLOCK_MAX))
        return answer_refuse(answer, CORE_BLOCK_SIZE, "'l' (block size) must be %u..%u",
                             STREAMS_BLOCK_MIN, STREAMS_BLOCK_MAX);
    if (format == STREAMS_JSON && r->size > STREAMS_JSON_BLOCK_MAX)
        return answer_refuse(answer, CORE_BLOCK_SIZE,
                             "'l' (block size) must be at most %u in JSON: a message has 128 KiB, "
                             "and base64 makes 4 bytes of 3",
                             STREAMS_JSON_BLOCK_MAX);
    if (r->has_offset && !within(r->offset, 0, STREAMS_BLOCKS_MAX))
        return answer_refuse(answer, CORE_BLOCK_OFFSET, "'o' (block offset) must be 0..%u",
                             STREAMS_BLOCKS_MAX);
    if (r->has_count && !within(r->count, 0, STREAMS_BLOCKS_MAX))
        return answer_refuse(answer, CORE_BLOCK_COUNT, "'n' (blocks) must be 0..%u",
                             STREAMS_BLOCKS_MAX);
    if (r->has_bitmap && r->bitmap_length >= STREAMS_BITMAP_MAX)
        return answer_refuse(answer, CORE_BLOCK_BITMAP, "'b' (bitmap) must be below %u bytes",
                             STREAMS_BITMAP_MAX);
    if (r->has_version && !within(r->version, 0, 65535))
        return answer_refuse(answer, CORE_INVALID_REQUEST, "'s' (version) must be 0..65535");
    return CORE_OK;
}

static enum core_error check_file(struct streams_transfer *transfer, struct answer *answer)
{
    const struct stream_fields *r = &transfer->request;
    enum core_error error =
        stream_file_find(transfer->cloud, transfer->stream, (int)r->file, &transfer->file, answer);
    if (error != CORE_OK)
        return error;
    if (r->has_version && r->version != transfer->file.stream_version)
        return answer_refuse(answer, CORE_VERSION_MISMATCH, "the stream's version is %lld",
                             (long long)transfer->file.stream_version);
    if (r->offset * r->size >= transfer->file.size)
        return answer_refuse(answer, CORE_BLOCK_OFFSET, "block %lld is past the end of the file",
                             (long long)r->offset);
    return CORE_OK;
}

static void begin_blocks(struct streams_transfer *transfer)
{
    const struct stream_fields *r = &transfer->request;
    transfer->block_size = (uint32_t)r->size;
    transfer->next = (uint32_t)r->offset;
    transfer->bytes_left = STREAMS_REQUEST_MAX;
    transfer->blocks_left = r->has_count ? (uint32_t)r->count : STREAMS_BLOCKS_MAX;
    transfer->kind = STREAMS_DATA;
    if (r->offset == 0)
        cloud_log("streams", "%s reads stream %s, file %d (%lld bytes) in blocks of %u",
                  transfer->thing, transfer->stream, (int)r->file, (long long)transfer->file.size,
                  transfer->block_size);
}

static enum core_error begin_get(struct streams_transfer *transfer, struct answer *answer)
{
    enum core_error error = check_fields(transfer->format, &transfer->request, answer);
    if (error == CORE_OK)
        error = check_file(transfer, answer);
    if (error != CORE_OK)
        return error;
    transfer->block = malloc((size_t)transfer->request.size);
    if (!transfer->block)
        return answer_refuse(answer, CORE_INTERNAL, "out of memory");
    begin_blocks(transfer);
    return CORE_OK;
}

static enum core_error begin_describe(struct streams_transfer *transfer, struct answer *answer)
{
    json_t *summary = NULL;
    enum core_error error = stream_summary(transfer->cloud, transfer->stream, &summary, answer);
    if (error == CORE_OK)
        answer_once(transfer, STREAMS_DESCRIPTION, summary);
    return error;
}

/* ---- the blocks ----------------------------------------------------------------------------- */

/* Bit k of the bitmap stands for block offset + k; without one, every block is wanted. */
static bool wanted(const struct streams_transfer *transfer, uint32_t block)
{
    const struct stream_fields *r = &transfer->request;
    size_t bit = block - (size_t)r->offset;
    if (!r->has_bitmap)
        return true;
    return bit / 8 < r->bitmap_length && (r->bitmap[bit / 8] >> (bit % 8) & 1);
}

/* Finds the next wanted block; *size is what the file has of it. False: none is left. */
static bool next_block(struct streams_transfer *transfer, uint32_t *block, size_t *size)
{
    int64_t at = (int64_t)transfer->next * transfer->block_size;
    while (transfer->blocks_left > 0 && at < transfer->file.size) {
        *block = transfer->next++;
        int64_t rest = transfer->file.size - at;
        *size = rest < transfer->block_size ? (size_t)rest : transfer->block_size;
        at += transfer->block_size;
        if (!wanted(transfer, *block))
            continue;
        if (*size > transfer->bytes_left)
            return false; /* the rest must be asked for again */
        transfer->blocks_left--;
        transfer->bytes_left -= (uint32_t)*size;
        return true;
    }
    return false;
}

static void encode_cbor(struct streams_transfer *transfer, uint32_t block, size_t size)
{
    const struct stream_fields *r = &transfer->request;
    struct cbor_writer w;
    cbor_writer_init(&w, transfer->payload, transfer->block_size + MESSAGE_OVERHEAD);
    cbor_write_map(&w, r->has_token ? 5 : 4);
    if (r->has_token) {
        cbor_write_text(&w, "c");
        cbor_write_text(&w, r->token);
    }
    cbor_write_text(&w, "f");
    cbor_write_int(&w, r->file);
    cbor_write_text(&w, "i");
    cbor_write_uint(&w, block);
    cbor_write_text(&w, "l");
    cbor_write_uint(&w, size);
    cbor_write_text(&w, "p");
    cbor_write_bytes(&w, transfer->block, size);
    transfer->payload_length = (size_t)cbor_written(&w);
}

static void encode_json(struct streams_transfer *transfer, uint32_t block, size_t size)
{
    const struct stream_fields *r = &transfer->request;
    char *data = base64_new(transfer->block, size);
    json_t *body = json_pack("{s:I, s:I, s:I, s:s}", "f", (json_int_t)r->file, "i",
                             (json_int_t)block, "l", (json_int_t)size, "p", data);
    if (r->has_token)
        json_object_set_new(body, "c", json_string(r->token));
    free(transfer->payload);
    transfer->payload = (uint8_t *)json_dumps(body, JSON_COMPACT);
    transfer->payload_length = transfer->payload ? strlen((char *)transfer->payload) : 0;
    json_decref(body);
    free(data);
}

static bool encode_block(struct streams_transfer *transfer, uint32_t block, size_t size)
{
    if (transfer->format == STREAMS_JSON) {
        encode_json(transfer, block, size);
    } else {
        if (!transfer->payload)
            transfer->payload = malloc(transfer->block_size + MESSAGE_OVERHEAD);
        if (transfer->payload)
            encode_cbor(transfer, block, size);
    }
    return transfer->payload != NULL;
}

static void show(const struct streams_transfer *transfer, struct streams_message *message)
{
    *message =
        (struct streams_message){transfer->kind, transfer->payload, transfer->payload_length};
}

bool streams_transfer_next(struct streams_transfer *transfer, struct streams_message *message)
{
    uint32_t block;
    size_t size;
    if (transfer->single) {
        transfer->single = false;
        show(transfer, message);
        return transfer->payload != NULL;
    }
    if (!transfer->block || !next_block(transfer, &block, &size))
        return false;
    size_t offset = (size_t)block * transfer->block_size;
    if (!windows_read(transfer->cloud, transfer->file.object, transfer->file.size, offset,
                      transfer->block, size)) {
        struct answer answer = ANSWER_INIT;
        answer_refuse(&answer, CORE_NOT_FOUND, "the object was deleted while it was read");
        free(transfer->payload);
        transfer->blocks_left = 0;
        refuse(transfer, CORE_NOT_FOUND, &answer);
        return streams_transfer_next(transfer, message);
    }
    if (!encode_block(transfer, block, size))
        return false;
    show(transfer, message);
    return true;
}

void streams_transfer_free(struct streams_transfer *transfer)
{
    if (!transfer)
        return;
    stream_fields_free(&transfer->request);
    free(transfer->block);
    free(transfer->payload);
    free(transfer);
}

/* ---- the request ---------------------------------------------------------------------------- */

struct streams_transfer *streams_answer(struct cloud *cloud, const struct streams_request *request)
{
    struct answer answer = ANSWER_INIT;
    struct streams_transfer *transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return NULL;
    transfer->cloud = cloud;
    transfer->format = request->format;
    snprintf(transfer->thing, sizeof transfer->thing, "%s", request->thing);
    snprintf(transfer->stream, sizeof transfer->stream, "%s", request->stream);
    enum core_error error = stream_fields_read(request->format, request->payload, request->length,
                                               &transfer->request, &answer);
    if (error == CORE_OK)
        error = request->kind == STREAMS_GET ? begin_get(transfer, &answer)
                                             : begin_describe(transfer, &answer);
    if (error != CORE_OK)
        refuse(transfer, error, &answer);
    answer_free(&answer);
    return transfer;
}
