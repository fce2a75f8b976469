/* Any bytes on the console of a board in recovery: the server stays in its buffers, keeps the
 * flash's rules, and still answers afterwards.
 *
 * The input is records: a byte, then as many bytes. With bit 7 of that byte set the bytes are a
 * packet, which is framed well, so that the commands are reached; else they go in as they are. */
#include <string.h>

#include "boot/recovery.h"

#define SECTOR  512u
#define SECTORS 8u

static uint8_t memory[3 * SECTORS * SECTOR];
static unsigned answers;

otter_ms port_now(void)
{
    return 0;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static otter_status memory_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    if (offset > sizeof memory || length > sizeof memory - offset)
        __builtin_trap();
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status memory_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    if (offset % 4 != 0 || length % 4 != 0 || offset + length > sizeof memory)
        __builtin_trap();
    for (uint32_t i = 0; i < length; i++) {
        if (memory[offset + i] != 0xff)
            __builtin_trap(); /* not erased before */
        memory[offset + i] = ((const uint8_t *)data)[i];
    }
    return OTTER_OK;
}

static otter_status memory_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    if (offset % SECTOR != 0 || offset >= sizeof memory)
        __builtin_trap();
    memset(memory + offset, 0xff, SECTOR);
    return OTTER_OK;
}

static struct flash_sector memory_sector(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR, SECTOR};
}

/* Any hash fits one that is stored as 0x11..., any signature that does not end in 0. */
void image_sha256_init(struct image_sha256 *sha)
{
    (void)sha;
}

void image_sha256_update(struct image_sha256 *sha, const void *data, size_t length)
{
    (void)sha;
    (void)data;
    (void)length;
}

void image_sha256_finish(struct image_sha256 *sha, uint8_t hash[32])
{
    (void)sha;
    memset(hash, 0x11, 32);
}

bool image_p256_verify(const uint8_t point[65], const uint8_t hash[32], const uint8_t signature[64])
{
    return point[0] == 4 && hash[0] == 0x11 && signature[63] != 0;
}

/* Everything that is said is good frames. */
static void hear(void *ctx, const void *data, size_t length)
{
    static uint8_t frame[RECOVERY_ANSWER_MAX];
    static struct smp_receiver receiver = {.frame = frame, .size = sizeof frame};
    const uint8_t *bytes = data;
    (void)ctx;
    if (length > SMP_LINE_MAX)
        __builtin_trap();
    for (size_t i = 0; i < length; i++) {
        const size_t size = smp_receive(&receiver, bytes[i]);
        struct smp_header header;
        if (size > 0 && (!smp_header_read(frame + SMP_FRAME_HEAD, size, &header) ||
                         frame[SMP_FRAME_HEAD + size - 1] != 0xff))
            __builtin_trap();
        answers += size > 0;
    }
}

static void send_packet(struct recovery *recovery, const uint8_t *packet, size_t length)
{
    uint8_t frame[256];
    memcpy(frame + SMP_FRAME_HEAD, packet, length);
    if (length >= SMP_HEADER_SIZE) { /* the payload's length is always right */
        frame[SMP_FRAME_HEAD + 2] = 0;
        frame[SMP_FRAME_HEAD + 3] = (uint8_t)(length - SMP_HEADER_SIZE);
    }
    const size_t size = smp_frame_seal(frame, length);
    for (size_t at = 0; at < size; at += SMP_LINE_DATA) {
        char line[SMP_LINE_MAX + 1];
        recovery_input(recovery, line, smp_frame_line(frame, size, at, line), 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct flash_ops ops = {memory_read, memory_program, memory_erase, memory_sector};
    static const struct flash flash = {&ops, NULL, sizeof memory, 4, 0xff};
    static const struct flash_area areas[] = {{&flash, 0, SECTORS * SECTOR},
                                              {&flash, SECTORS * SECTOR, SECTORS * SECTOR},
                                              {&flash, 2 * SECTORS * SECTOR, SECTORS * SECTOR}};
    static const uint8_t spki[91] = {[26] = 4};
    static const struct image_key key = {spki, sizeof spki, 0, &image_ecdsa_p256};
    static const struct boot_slots slots = {.primary = &areas[0], .secondary = &areas[1]};
    static const struct boot_config boot = {.images = &slots,
                                            .image_count = 1,
                                            .scratch = &areas[2],
                                            .max_sectors = SECTORS,
                                            .max_align = 8,
                                            .policy = {&key, 1, 0}};
    static const struct recovery_config config = {&boot, SECTORS * SECTOR - 100, hear, NULL};
    static const uint8_t parameters[SMP_HEADER_SIZE + 1] = {[7] = SMP_PARAMETERS, [8] = 0xa0};
    struct recovery recovery;
    memset(memory, 0xff, sizeof memory);
    recovery_init(&recovery, &config);
    while (size > 0) {
        const uint8_t control = *data++;
        size_t length = control & 0x7f;
        length = length < --size ? length : size;
        if ((control & 0x80) != 0)
            send_packet(&recovery, data, length);
        else
            recovery_input(&recovery, data, length, 0);
        data += length;
        size -= length;
    }
    answers = 0;
    send_packet(&recovery, parameters, sizeof parameters);
    if (answers != 1)
        __builtin_trap();
    return 0;
}
