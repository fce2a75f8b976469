/* SMP over a serial line: how MCUboot's recovery and mcumgr put packets on a console that also
 * carries text. (docs/formats.md sections 7.1 and 7.2)
 *
 *   frame: | length u16 | packet: 8 bytes of header, CBOR | CRC u16 |      big-endian
 *   lines: 06 09 base64 0a, and 04 14 base64 0a for each one that follows; at most 127 bytes
 *
 * `length` counts packet and CRC; the CRC is CRC-16/XMODEM over the packet. Used by both ends: the
 * bootloader (boot/recovery.h) and `otter recover`. */
#ifndef OTTER_CODEC_SMP_FRAME_H
#define OTTER_CODEC_SMP_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SMP_HEADER_SIZE    8u
#define SMP_FRAME_HEAD     2u /* bytes before the packet in a frame */
#define SMP_FRAME_OVERHEAD 4u /* what a frame is longer than its packet */
#define SMP_LINE_MAX       127u
#define SMP_LINE_DATA      93u /* bytes of a frame in one line */

enum smp_op { SMP_READ = 0, SMP_READ_ANSWER = 1, SMP_WRITE = 2, SMP_WRITE_ANSWER = 3 };

enum smp_group { SMP_GROUP_SYSTEM = 0, SMP_GROUP_IMAGE = 1 };

/* Commands of each group, as far as they are spoken here. */
enum smp_system_command { SMP_ECHO = 0, SMP_CONSOLE_ECHO = 1, SMP_RESET = 5, SMP_PARAMETERS = 6 };
enum smp_image_command { SMP_IMAGE_STATE = 0, SMP_IMAGE_UPLOAD = 1, SMP_SLOT_INFO = 6 };

/* "rc" in an answer. */
enum smp_error {
    SMP_OK = 0,
    SMP_E_UNKNOWN = 1,
    SMP_E_MEMORY = 2,
    SMP_E_INVALID = 3,
    SMP_E_NO_ENTRY = 5,
    SMP_E_UNSUPPORTED = 8,
    SMP_E_BUSY = 10
};

struct smp_header {
    uint8_t op;      /* enum smp_op, in bits 0-2 */
    uint8_t version; /* 0 or 1, in bits 3-4 */
    uint16_t length; /* of the payload */
    uint16_t group;
    uint8_t sequence;
    uint8_t command;
};

/* False unless the packet holds a header and exactly the payload that it announces. */
bool smp_header_read(const uint8_t *packet, size_t size, struct smp_header *header);
void smp_header_write(uint8_t packet[SMP_HEADER_SIZE], const struct smp_header *header);

/* Polynomial 0x1021, start with 0; feed the result back for further pieces. */
uint16_t smp_crc16(uint16_t crc, const void *data, size_t length);

/* --- sending: the packet lies at frame + SMP_FRAME_HEAD, with two bytes of room behind it -------
 *
 *   size = smp_frame_seal(frame, packet_size);
 *   for (at = 0; at < size; at += SMP_LINE_DATA)
 *       write(line, smp_frame_line(frame, size, at, line)); */

/* Puts length and CRC around the packet; returns the size of the frame. A packet has at most
 * 65533 bytes. */
size_t smp_frame_seal(uint8_t *frame, size_t packet_size);
/* The line that begins with the frame's byte `at`, not NUL-terminated; returns its length. */
size_t smp_frame_line(const uint8_t *frame, size_t size, size_t at, char line[SMP_LINE_MAX + 1]);

/* --- receiving, byte by byte -------------------------------------------------------------------
 *
 * Text between lines is passed over. A line that is too long, not base64 or not expected drops the
 * frame that it belongs to; the next start line begins anew, whatever came before it. */
struct smp_receiver {
    uint8_t *frame; /* the caller's */
    uint16_t size;
    uint16_t length;     /* decoded so far */
    uint8_t line_length; /* characters of this line */
    uint8_t group[4];    /* the last of them, until they can be decoded */
    uint8_t mark;        /* first of the two mark bytes, when it has just come in */
    bool in_line;
    bool broken; /* the frame, if there is one, cannot be completed any more */
};

void smp_receiver_init(struct smp_receiver *receiver, uint8_t *frame, uint16_t size);

/* The size of the packet at receiver->frame + SMP_FRAME_HEAD when this byte completes one, else 0.
 * The packet stays until the next call. */
size_t smp_receive(struct smp_receiver *receiver, uint8_t byte);

#ifdef __cplusplus
}
#endif

#endif
