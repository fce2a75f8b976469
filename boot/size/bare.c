/* A bootloader with nothing around it, to measure the core: two instructions of start-up, a flash
 * driver without a device. The same was linked for MCUboot's figures. */
#include <string.h>

#include "boot/boot.h"
#include "boot/recovery.h"
#include "image/encrypted.h"

#define FLASH_BASE 0x80000000u
#define SLOT_SIZE  0x73000u

static otter_status bare_read(void *ctx, uint32_t offset, void *data, uint32_t length)
{
    (void)ctx;
    memcpy(data, (const void *)(uintptr_t)(FLASH_BASE + offset), length);
    return OTTER_OK;
}

static otter_status bare_program(void *ctx, uint32_t offset, const void *data, uint32_t length)
{
    (void)ctx;
    *(volatile uint32_t *)(uintptr_t)(FLASH_BASE + offset) = length + *(const uint8_t *)data;
    return OTTER_OK;
}

static otter_status bare_erase(void *ctx, uint32_t offset)
{
    (void)ctx;
    *(volatile uint32_t *)(uintptr_t)(FLASH_BASE + offset) = 0;
    return OTTER_OK;
}

static struct flash_sector bare_sector_at(void *ctx, uint32_t offset)
{
    (void)ctx;
    return (struct flash_sector){offset & ~0xfffu, 0x1000};
}

static const struct flash_ops ops = {bare_read, bare_program, bare_erase, bare_sector_at};
static const struct flash flash = {&ops, NULL, 0x100000, 4, 0xff};
static const struct flash_area primary = {&flash, 0x10000, SLOT_SIZE};
static const struct flash_area secondary = {&flash, 0x83000, SLOT_SIZE};
static const struct flash_area scratch = {&flash, 0xfd000, 0x2000};
static const struct boot_slots slots = {.primary = &primary, .secondary = &secondary};

#ifndef BARE_SCHEME
#define BARE_SCHEME image_ecdsa_p256
#endif
static const uint8_t key[91] = {0x30, 0x59};
const struct image_key image_keys[] = {{key, sizeof key, 0, &BARE_SCHEME}};
const unsigned image_key_count = 1;

#if BOOT_ENCRYPTION
static const uint8_t secret[32] = {1};
static const struct boot_encryption encryption = {secret, image_key_unwrap, image_payload_crypt};
#endif

static const struct boot_config config = {
    .images = &slots,
    .image_count = 1,
    .scratch = &scratch,
    .max_sectors = 115,
    .max_align = 8,
    .policy = {image_keys, 1, 0},
#if BOOT_ENCRYPTION
    .encryption = &encryption,
#endif
};

#ifdef OTTER_BOOT_RECOVERY
/* A console and a clock without devices. */
#define CONSOLE (*(volatile uint8_t *)(uintptr_t)0x40000000u)

otter_ms port_now(void)
{
    return CONSOLE;
}

size_t port_console_read(void *data, size_t size)
{
    *(uint8_t *)data = CONSOLE;
    return size != 0;
}

void port_console_write(const void *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        CONSOLE = ((const uint8_t *)data)[i];
}

void port_idle(otter_ms deadline)
{
    (void)deadline;
}

_Noreturn void port_reset(void)
{
    for (;;)
        CONSOLE = 0;
}
#endif

void reset_handler(void)
{
    struct boot_result result;
    if (boot_go(&config, &result) == OTTER_OK) {
        const uint32_t start = boot_entry(&config, &result, FLASH_BASE);
        ((void (*)(void))(uintptr_t)(start | 1u))();
    }
#ifdef OTTER_BOOT_RECOVERY
    recovery_serve(&config, SLOT_SIZE - 0x1000, OTTER_NEVER);
#endif
    for (;;)
        ;
}
