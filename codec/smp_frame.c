/* SMP frames. */
#include "codec/smp_frame.h"

#include "codec/base64.h"

/* The two bytes that begin a line of a frame; neither pair occurs in text. */
enum { START_1 = 0x06, START_2 = 0x09, CONTINUE_1 = 0x04, CONTINUE_2 = 0x14 };

#define LINE_TEXT (BASE64_LENGTH(SMP_LINE_DATA))

static uint16_t get_be16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static void put_be16(uint8_t *bytes, size_t value)
{
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
}

bool smp_header_read(const uint8_t *packet, size_t size, struct smp_header *header)
{
    if (size < SMP_HEADER_SIZE)
        return false;
    *header = (struct smp_header){.op = packet[0] & 7,
                                  .version = packet[0] >> 3 & 3,
                                  .length = get_be16(packet + 2),
                                  .group = get_be16(packet + 4),
                                  .sequence = packet[6],
                                  .command = packet[7]};
    return header->length == size - SMP_HEADER_SIZE;
}

void smp_header_write(uint8_t packet[SMP_HEADER_SIZE], const struct smp_header *header)
{
    packet[0] = (uint8_t)(header->op | header->version << 3);
    packet[1] = 0;
    put_be16(packet + 2, header->length);
    put_be16(packet + 4, header->group);
    packet[6] = header->sequence;
    packet[7] = header->command;
}

uint16_t smp_crc16(uint16_t crc, const void *data, size_t length)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < length; i++) {
        crc ^= (uint16_t)(bytes[i] << 8);
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc << 1 ^ (crc & 0x8000 ? 0x1021 : 0));
    }
    return crc;
}

size_t smp_frame_seal(uint8_t *frame, size_t packet_size)
{
    uint8_t *packet = frame + SMP_FRAME_HEAD;
    put_be16(frame, packet_size + 2);
    put_be16(packet + packet_size, smp_crc16(0, packet, packet_size));
    return packet_size + SMP_FRAME_OVERHEAD;
}

size_t smp_frame_line(const uint8_t *frame, size_t size, size_t at, char line[SMP_LINE_MAX + 1])
{
    const size_t length = size - at < SMP_LINE_DATA ? size - at : SMP_LINE_DATA;
    line[0] = at == 0 ? START_1 : CONTINUE_1;
    line[1] = at == 0 ? START_2 : CONTINUE_2;
    const int text = base64_encode(line + 2, SMP_LINE_MAX - 1, frame + at, length);
    line[2 + text] = '\n'; /* in place of the NUL */
    return (size_t)text + 3;
}

void smp_receiver_init(struct smp_receiver *receiver, uint8_t *frame, uint16_t size)
{
    *receiver = (struct smp_receiver){.frame = frame, .size = size, .broken = true};
}

static void begin_line(struct smp_receiver *receiver)
{
    receiver->in_line = true;
    receiver->line_length = 0;
}

/* Keeps the character; each fourth one is decoded with the three before it. */
static void take_character(struct smp_receiver *receiver, uint8_t byte)
{
    receiver->group[receiver->line_length++ % 4] = byte;
    if (receiver->line_length > LINE_TEXT)
        receiver->broken = true;
    if (receiver->line_length % 4 != 0 || receiver->broken)
        return;
    const int decoded =
        base64_decode(receiver->frame + receiver->length, (size_t)receiver->size - receiver->length,
                      (const char *)receiver->group, sizeof receiver->group);
    if (decoded < 0)
        receiver->broken = true;
    else
        receiver->length = (uint16_t)(receiver->length + decoded);
}

/* At the end of a line: is the frame complete, and good? */
static size_t end_line(struct smp_receiver *receiver)
{
    receiver->in_line = false;
    if (receiver->line_length % 4 != 0)
        receiver->broken = true;
    if (receiver->broken || receiver->length < SMP_FRAME_OVERHEAD)
        return 0;
    const size_t packet_and_crc = get_be16(receiver->frame);
    if (receiver->length < SMP_FRAME_HEAD + packet_and_crc)
        return 0;
    receiver->broken = true; /* nothing may be added to it */
    if (receiver->length > SMP_FRAME_HEAD + packet_and_crc ||
        smp_crc16(0, receiver->frame + SMP_FRAME_HEAD, packet_and_crc) != 0)
        return 0;
    return packet_and_crc - 2;
}

size_t smp_receive(struct smp_receiver *receiver, uint8_t byte)
{
    const uint8_t mark = receiver->mark;
    receiver->mark = 0;
    if (byte == START_1 || byte == CONTINUE_1) {
        receiver->mark = byte;
        if (receiver->in_line) /* the line that should have ended here */
            receiver->broken = true;
        receiver->in_line = false;
    } else if (mark == START_1 && byte == START_2) {
        receiver->length = 0;
        receiver->broken = false;
        begin_line(receiver);
    } else if (mark == CONTINUE_1 && byte == CONTINUE_2) {
        begin_line(receiver);
    } else if (receiver->in_line && byte == '\n') {
        return end_line(receiver);
    } else if (receiver->in_line && byte != '\r') {
        take_character(receiver, byte);
    }
    return 0;
}
