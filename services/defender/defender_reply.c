/* An answer's members, from JSON or CBOR. */
#include <string.h>

#include "codec/document.h"
#include "services/defender/defender.h"

/* Cuts what is too long, and makes the rest fit for a log. */
static void keep_text(char *to, size_t size, const char *from, size_t length)
{
    const size_t kept = length < size ? length : size - 1;
    for (size_t i = 0; i < kept; i++)
        to[i] = from[i] < ' ' || from[i] > '~' ? '?' : from[i];
    to[kept] = '\0';
}

static void read_text(const struct document *doc, const char *path, char *to, size_t size)
{
    const char *text;
    size_t length;
    if (document_raw_text(doc, path, &text, &length) == OTTER_OK)
        keep_text(to, size, text, length);
}

otter_status defender_reply_read(struct defender_reply *reply, bool json, const uint8_t *data,
                                 size_t length, jsmntok_t *tokens, size_t token_count)
{
    struct document doc;
    memset(reply, 0, sizeof *reply);
    if (document_read(&doc, !json, data, length, tokens, token_count) != OTTER_OK)
        return OTTER_E_MALFORMED;
    const uint64_t id = document_number(&doc, "reportId");
    reply->id = id <= UINT32_MAX ? (uint32_t)id : 0;
    reply->timestamp_ms = document_number(&doc, "timestamp");
    read_text(&doc, "statusDetails.ErrorCode", reply->code, sizeof reply->code);
    read_text(&doc, "statusDetails.ErrorMessage", reply->message, sizeof reply->message);
    return OTTER_OK;
}
