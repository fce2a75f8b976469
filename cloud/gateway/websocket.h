/* The frames of a WebSocket (RFC 6455), the server's side, for MQTT: binary messages are a stream
 * of bytes whose frames mean nothing. No connection and no memory of its own. */
#ifndef OTTER_CLOUD_GATEWAY_WEBSOCKET_H
#define OTTER_CLOUD_GATEWAY_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBSOCKET_CONTROL_MAX 125
#define WEBSOCKET_HEAD_MAX    10 /* that a server writes */
#define WEBSOCKET_ACCEPT_SIZE 29 /* with its NUL */

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10
};

/* Codes of a close frame. */
enum websocket_code {
    WEBSOCKET_NORMAL = 1000,
    WEBSOCKET_PROTOCOL = 1002,
    WEBSOCKET_NOT_TAKEN = 1003,
    WEBSOCKET_TOO_LARGE = 1009
};

/* All 0 in the beginning. */
struct websocket {
    uint8_t head[14], head_size;
    uint8_t control[WEBSOCKET_CONTROL_MAX], control_size;
    uint64_t left; /* of the present frame's payload */
    unsigned masked;
    bool in_frame, in_message;
};

enum websocket_found {
    WEBSOCKET_NOTHING, /* all was taken: more must come */
    WEBSOCKET_DATA,    /* `bytes` of a binary message */
    WEBSOCKET_PINGED,  /* `bytes` go back in a pong */
    WEBSOCKET_CLOSED,  /* by a close frame */
    WEBSOCKET_WRONG    /* `code`, and why: the connection is at its end */
};

struct websocket_piece {
    enum websocket_found found;
    const uint8_t *bytes;
    size_t size;
    enum websocket_code code;
    const char *why;
};

/* Takes the next of `size` bytes as they come from the client, unmasking them where they lie; gives
 * how many were taken. Called again, with what is left, until it finds nothing. */
size_t websocket_take(struct websocket *socket, uint8_t *bytes, size_t size,
                      struct websocket_piece *piece);

/* The head of a frame of `size` bytes, unmasked and whole; its length. */
size_t websocket_head(uint8_t head[WEBSOCKET_HEAD_MAX], enum websocket_opcode opcode, size_t size);

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key; false when that is none (16 bytes in Base64). */
bool websocket_accept(const char *key, char accept[WEBSOCKET_ACCEPT_SIZE]);

#endif
