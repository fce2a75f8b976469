/* Frames of WebSockets; see websocket.h. */
#include "cloud/gateway/websocket.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/core/ground/names.h"

#define FIN      0x80u
#define RESERVED 0x70u
#define MASKED   0x80u

static void wrong(struct websocket_piece *piece, enum websocket_code code, const char *why)
{
    piece->found = WEBSOCKET_WRONG;
    piece->code = code;
    piece->why = why;
}

static unsigned opcode_of(const struct websocket *socket)
{
    return socket->head[0] & 0x0fu;
}

static bool is_control(unsigned opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

/* ---- heads ---- */

/* As far as the bytes at hand say. */
static size_t head_length(const struct websocket *socket)
{
    if (socket->head_size < 2)
        return 2;
    unsigned length = socket->head[1] & 0x7fu;
    return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u) + 4u;
}

static uint64_t payload_length(const struct websocket *socket)
{
    unsigned length = socket->head[1] & 0x7fu;
    size_t bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | socket->head[2 + i];
    return bytes ? value : length;
}

/* RFC 6455, 5.2, 5.4, 5.5 */
static void check_head(const struct websocket *socket, uint64_t length,
                       struct websocket_piece *piece)
{
    const unsigned opcode = opcode_of(socket);
    const bool fin = (socket->head[0] & FIN) != 0;
    if (socket->head[0] & RESERVED)
        wrong(piece, WEBSOCKET_PROTOCOL, "a frame has reserved bits set");
    else if (length >> 63)
        wrong(piece, WEBSOCKET_PROTOCOL, "a frame's length is negative");
    else if (is_control(opcode) && (!fin || length > WEBSOCKET_CONTROL_MAX))
        wrong(piece, WEBSOCKET_PROTOCOL, "a control frame is in parts or too long");
    else if (opcode == WEBSOCKET_TEXT)
        wrong(piece, WEBSOCKET_NOT_TAKEN, "it sent text: MQTT goes in binary frames");
    else if (opcode > WEBSOCKET_PONG || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE))
        wrong(piece, WEBSOCKET_PROTOCOL, "a frame is of no known kind");
    else if (opcode == WEBSOCKET_CONTINUATION && !socket->in_message)
        wrong(piece, WEBSOCKET_PROTOCOL, "a frame goes on with a message that was not begun");
    else if (opcode == WEBSOCKET_BINARY && socket->in_message)
        wrong(piece, WEBSOCKET_PROTOCOL, "a message begins within another");
}

static void begin_frame(struct websocket *socket, struct websocket_piece *piece)
{
    const uint64_t length = payload_length(socket);
    check_head(socket, length, piece);
    if (piece->found == WEBSOCKET_WRONG)
        return;
    if (!is_control(opcode_of(socket)))
        socket->in_message = !(socket->head[0] & FIN);
    socket->in_frame = true;
    socket->left = length;
    socket->masked = 0;
    socket->control_size = 0;
}

/* One byte of the head; what cannot be right is refused as soon as it is seen. */
static void take_head(struct websocket *socket, uint8_t byte, struct websocket_piece *piece)
{
    socket->head[socket->head_size++] = byte;
    if (socket->head_size == 2 && !(byte & MASKED))
        wrong(piece, WEBSOCKET_PROTOCOL, "a frame of a client is not masked");
    else if (socket->head_size == head_length(socket))
        begin_frame(socket, piece);
}

/* ---- payloads ---- */

static void end_frame(struct websocket *socket, struct websocket_piece *piece)
{
    const unsigned opcode = opcode_of(socket);
    socket->in_frame = false;
    socket->head_size = 0;
    if (opcode == WEBSOCKET_CLOSE || opcode == WEBSOCKET_PING) {
        piece->found = opcode == WEBSOCKET_PING ? WEBSOCKET_PINGED : WEBSOCKET_CLOSED;
        piece->bytes = socket->control;
        piece->size = socket->control_size;
    }
}

static size_t take_payload(struct websocket *socket, uint8_t *bytes, size_t size,
                           struct websocket_piece *piece)
{
    const uint8_t *mask = socket->head + socket->head_size - 4;
    const size_t part = size < socket->left ? size : (size_t)socket->left;
    for (size_t i = 0; i < part; i++)
        bytes[i] ^= mask[socket->masked++ & 3];
    socket->left -= part;
    if (is_control(opcode_of(socket))) {
        memcpy(socket->control + socket->control_size, bytes, part);
        socket->control_size = (uint8_t)(socket->control_size + part);
    } else if (part > 0) {
        *piece = (struct websocket_piece){.found = WEBSOCKET_DATA, .bytes = bytes, .size = part};
    }
    if (socket->left == 0)
        end_frame(socket, piece);
    return part;
}

size_t websocket_take(struct websocket *socket, uint8_t *bytes, size_t size,
                      struct websocket_piece *piece)
{
    size_t taken = 0;
    *piece = (struct websocket_piece){.found = WEBSOCKET_NOTHING};
    while (piece->found == WEBSOCKET_NOTHING && (taken < size || socket->in_frame)) {
        if (socket->in_frame && socket->left > 0 && taken == size)
            break;
        if (socket->in_frame)
            taken += take_payload(socket, bytes + taken, size - taken, piece);
        else
            take_head(socket, bytes[taken++], piece);
    }
    return taken;
}

/* ---- the server's side ---- */

size_t websocket_head(uint8_t head[WEBSOCKET_HEAD_MAX], enum websocket_opcode opcode, size_t size)
{
    const size_t bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
    head[0] = (uint8_t)(FIN | (unsigned)opcode);
    head[1] = (uint8_t)(bytes == 0 ? size : bytes == 2 ? 126 : 127);
    for (size_t i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)((uint64_t)size >> 8 * (bytes - 1 - i));
    return 2 + bytes;
}

bool websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; /* RFC 6455, 1.3 */
    unsigned char digest[SHA_DIGEST_LENGTH];
    char text[24 + sizeof guid];
    size_t size = 0;
    void *nonce = strlen(key) == 24 ? base64_bytes(key, &size) : NULL;
    free(nonce);
    if (!nonce || size != 16)
        return false;
    int length = snprintf(text, sizeof text, "%s%s", key, guid);
    SHA1((const unsigned char *)text, (size_t)length, digest);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
    return true;
}
