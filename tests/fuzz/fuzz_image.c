/* Any bytes as an image: opening, walking and checking stay within the area and end. */
#include <string.h>

#include "image/check.h"
#include "port/port.h"

#define AREA_SIZE 4096u

static uint8_t memory[AREA_SIZE];

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
    if (offset > AREA_SIZE || length > AREA_SIZE - offset)
        __builtin_trap();
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static const struct flash_ops ops = {memory_read, NULL, NULL, NULL};
static const struct flash device = {&ops, NULL, AREA_SIZE, 4, 0xff};
static const struct flash_area area = {&device, 0, AREA_SIZE};

/* Hash and signature always fit, so that all that follows them is reached too. */
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

static void walk_tlvs(const struct image *image)
{
    struct image_tlv_walk walk = {0};
    struct image_tlv tlv;
    uint32_t counter = 0;
    for (uint32_t last = 0; image_tlv_next(image, &walk, &tlv) == 1; last = walk.next) {
        if (walk.next <= last || tlv.offset + tlv.length > image->end)
            __builtin_trap();
    }
    image_security_counter(image, &counter);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t spki[91] = {[26] = 4};
    static const struct image_key key = {spki, sizeof spki, 0, &image_ecdsa_p256};
    static const struct image_policy policy = {&key, 1, 0};
    struct image_check check;
    uint8_t buffer[IMAGE_SIGNATURE_MAX];
    uint8_t signature[64];
    memset(memory, 0xff, sizeof memory);
    memcpy(memory, data, size < AREA_SIZE ? size : AREA_SIZE);
    image_ecdsa_signature(data, size, signature);
    otter_status status = image_check_init(&check, &area, AREA_SIZE - 100, &policy);
    if (status != OTTER_OK)
        return 0;
    walk_tlvs(&check.image);
    do
        status = image_check_step(&check, buffer, sizeof buffer);
    while (status == OTTER_E_AGAIN);
    if ((status == OTTER_OK) != (check.verdict == IMAGE_ACCEPTED))
        __builtin_trap();
    return 0;
}
