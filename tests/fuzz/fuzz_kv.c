/* Any bytes on flash: the store opens, reads only inside of its area, and works from there.
 * The first byte chooses the geometry, the rest is what lies on flash. */
#include <stdlib.h>
#include <string.h>

#include "store/kv.h"

#define SECTOR      512u
#define SECTORS_MAX 4u

static uint8_t memory[SECTORS_MAX * SECTOR];
static struct flash flash;

static otter_status read_memory(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    if (offset > flash.size || length > flash.size - offset)
        abort();
    memcpy(data, memory + offset, length);
    return OTTER_OK;
}

static otter_status program_memory(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    for (uint32_t i = 0; i < length; i++) {
        if (memory[offset + i] != flash.erased_value)
            abort(); /* programmed twice */
        memory[offset + i] = ((const uint8_t *)data)[i];
    }
    return OTTER_OK;
}

static otter_status erase_memory(void *ctx, uint32_t offset)
{
    (void)ctx;
    memset(memory + offset, flash.erased_value, SECTOR);
    return OTTER_OK;
}

static struct flash_sector sector_of_memory(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset - offset % SECTOR, SECTOR};
}

static const struct flash_ops ops = {read_memory, program_memory, erase_memory, sector_of_memory};

static int see_key(void *context, const char *key, uint32_t length)
{
    static uint8_t value[KV_VALUE_MAX];
    uint32_t found;
    if (kv_get(context, key, value, sizeof value, &found) != OTTER_OK || found != length)
        abort();
    return 0;
}

static void assert_value(struct kv *kv, uint8_t expected)
{
    uint8_t value = (uint8_t)~expected;
    uint32_t length;
    if (kv_get(kv, "fuzz", &value, 1, &length) != OTTER_OK || length != 1 || value != expected)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const uint32_t sectors = 2 + data[0] % 3;
    flash = (struct flash){&ops, NULL, sectors * SECTOR, 1u << (data[0] >> 2) % 6,
                           (data[0] & 0x80) != 0 ? 0x00 : 0xff};
    const struct flash_area area = {&flash, 0, flash.size};
    struct kv kv;
    memset(memory, flash.erased_value, sizeof memory);
    memcpy(memory, data + 1, size - 1 < sizeof memory ? size - 1 : sizeof memory);
    if (kv_open(&kv, &area) != OTTER_OK)
        abort();
    kv_each(&kv, see_key, &kv);
    for (uint8_t i = 0; i < 40; i++) {
        const otter_status status = kv_set(&kv, "fuzz", &i, 1);
        if (status != OTTER_OK && status != OTTER_E_NO_SPACE)
            abort();
        if (status == OTTER_OK)
            assert_value(&kv, i);
    }
    return 0;
}
