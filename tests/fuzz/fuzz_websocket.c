/* What a stranger sends on the port for WebSockets: a head of a request, then frames. However the
 * frames are split, the same comes out of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/gateway/request.h"
#include "cloud/gateway/websocket.h"

/* Bytes of data, and one mark for each other thing found; gives how many. */
static size_t read_all(const uint8_t *data, size_t size, size_t step, uint8_t *out)
{
    struct websocket socket = {.left = 0};
    struct websocket_piece piece;
    uint8_t *copy = malloc(size + 1);
    size_t used = 0;
    memcpy(copy, data, size);
    for (size_t at = 0; at < size;) {
        size_t end = size - at < step ? size : at + step;
        do {
            at += websocket_take(&socket, copy + at, end - at, &piece);
            if (at > end || piece.size > size)
                abort();
            if (piece.found == WEBSOCKET_DATA || piece.found == WEBSOCKET_PINGED) {
                memcpy(out + used, piece.bytes, piece.size);
                used += piece.size;
            } else if (piece.found != WEBSOCKET_NOTHING) {
                out[used++] = (uint8_t)piece.found;
            }
            if (piece.found == WEBSOCKET_WRONG)
                end = at = size;
        } while (piece.found != WEBSOCKET_NOTHING && piece.found != WEBSOCKET_WRONG);
    }
    free(copy);
    return used;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct request request;
    size_t head = request_head_size((const char *)data, size);
    if (head > 0 && !request_read(&request, (const char *)data, head)) {
        request_names(&request, "Connection", "upgrade");
        request_free(&request);
    }
    data += head;
    size -= head;
    uint8_t *whole = malloc(2 * size + 1), *parts = malloc(2 * size + 1);
    size_t length = read_all(data, size, size + 1, whole);
    if (read_all(data, size, 1, parts) != length || memcmp(whole, parts, length) != 0)
        abort();
    free(whole);
    free(parts);
    return 0;
}
