/* The bootloader: lets the core (boot/) decide what to start, and starts it. */
#include "boards/board.h"
#include "boards/map.h"
#include "boot/board_config.h"
#include "boot/boot_log.h"
#include "boot/recovery.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"

void port_log_write(const char *line, size_t length)
{
    uart_write(line, length);
    uart_write("\r\n", 2);
}

/* Nothing may be started, and a line before says why: stay here, where an upload, a debugger or a
 * new flash image can help. Trying again would only wear the flash. */
static _Noreturn void stop(const struct boot_config *config)
{
#ifdef OTTER_BOOT_RECOVERY
    LOG_PLAIN(LOG_LEVEL_ERR, "BOOT",
              "no bootable image: waiting for an upload over the console (otter recover)");
    recovery_serve(config, board.image_size_max, OTTER_NEVER);
#else
    (void)config;
    LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "Unable to find bootable image: program one and reset");
#endif
    for (;;)
        __asm volatile("wfi");
}

#if AREA_SIZE(BOARD_SECURE_PRIMARY) > 0
#define STARTED BOARD_SECURE_PRIMARY
#else
#define STARTED BOARD_PRIMARY
#endif

/* The reset handler, behind the initial stack pointer in the vectors. */
static bool is_linked_for(void *ctx, const struct flash_area *slot,
                          const struct image_header *header)
{
    const uint32_t start = BOARD_OF_DEVICE(DEVICE_BASE, AREA_DEVICE(STARTED)) + slot->offset;
    uint32_t entry;
    (void)ctx;
    return flash_read(slot, header->header_size + 4u, &entry, sizeof entry) == OTTER_OK &&
           entry - start < slot->size;
}

int main(void)
{
    clock_start();
    uart_start();
    enum reset_reason reason = system_take_reset_reason();
    struct boot_config config;
    struct boot_result result;
    boot_board_config(&config);
    config.hooks.report = boot_log;
    if (BOARD_UPDATE == UPDATE_BANK_SWAP) {
        chip_settle_banks(reason);
        config.hooks.swap_banks = chip_swap_banks;
        config.hooks.ctx = &reason;
    }
    if (BOARD_UPDATE == UPDATE_DIRECT_XIP)
        config.hooks.is_linked_for = is_linked_for;
    if (boot_go(&config, &result) != OTTER_OK)
        stop(&config);
#if AREA_SIZE(BOARD_SECURE_PRIMARY) > 0
    /* Both images may be signed with one key: the firmware never starts where the secure program
     * does. On trial, the next start takes it back. */
    if (!is_linked_for(NULL, result.slot, &result.header)) {
        LOG_PLAIN(LOG_LEVEL_ERR, "BOOT", "Image 0 is no secure program");
        if (system_may_reset())
            system_reset(RESET_SOFTWARE);
        stop(&config);
    }
    system_forget_resets();
#endif
#if defined OTTER_BOOT_RECOVERY && OTTER_RECOVERY_WINDOW_MS > 0
    recovery_serve(&config, board.image_size_max, port_now() + OTTER_RECOVERY_WINDOW_MS);
#endif
    if (BOARD_UPDATE == UPDATE_BANK_SWAP)
        system_forget_resets();
    const struct handover handover = {
        .reset_reason = reason,
        .swap_type = result.swap_type,
        .boot_ms = (uint32_t)port_now(),
        .bytes_copied = boot_log_bytes_copied(),
        .slot = result.slot == config.images->secondary,
    };
    system_start_image(&handover, boot_entry(&config, &result, config.flash_base));
}
