/* The bootloader: lets the core (boot/) decide what to start, and starts it. */
#include "boot/boot_log.h"
#include "boot/recovery.h"
#include "firmware/boards/board.h"
#include "firmware/boards/mps2-an505/flash_map.h"
#include "port/log.h"
#include "port/port.h"
#include "ports/mps2-an505/clock.h"
#include "ports/mps2-an505/nor.h"
#include "ports/mps2-an505/system.h"
#include "ports/mps2-an505/uart.h"

void port_log_write(const char *line, size_t length)
{
    uart_write(line, length);
    uart_write("\r\n", 2);
}

/* Nothing may be started, and a line before says why: stay here, where an upload, a debugger or a
 * new flash image can help. Trying again would only wear the flash. */
static _Noreturn void stop(const struct boot_config *config, const struct board *board)
{
#ifdef OTTER_BOOT_RECOVERY
    LOG_ERR("BOOT", "no bootable image: waiting for an upload over the console (otter recover)");
    recovery_serve(config, board->image_size_max, OTTER_NEVER);
#else
    (void)config;
    (void)board;
    LOG_ERR("BOOT", "Unable to find bootable image: program a signed one and reset");
#endif
    for (;;)
        __asm volatile("wfi");
}

int main(void)
{
    struct board board;
    clock_start();
    uart_start();
    board_init(&board, nor_flash());
    const enum reset_reason reason = system_take_reset_reason();
    const struct boot_slots slots = {.primary = &board.primary, .secondary = &board.secondary};
    const struct boot_config config = {
        .images = &slots,
        .image_count = 1,
        .scratch = &board.scratch,
        .max_sectors = board.max_sectors,
        .max_align = board.max_align,
        .refuse_downgrade = true,
        .rescue = true, /* a damaged image gives way to a valid one: see boot.h */
        .policy = {.keys = image_keys, .key_count = image_key_count},
        .hooks = {.report = boot_log},
    };
    struct boot_result result;
    if (boot_go(&config, &result) != OTTER_OK)
        stop(&config, &board);
#if defined OTTER_BOOT_RECOVERY && OTTER_RECOVERY_WINDOW_MS > 0
    recovery_serve(&config, board.image_size_max, port_now() + OTTER_RECOVERY_WINDOW_MS);
#endif
    const struct handover handover = {
        .reset_reason = reason,
        .swap_type = result.swap_type,
        .boot_ms = (uint32_t)port_now(),
        .bytes_copied = boot_log_bytes_copied(),
    };
    system_start_image(&handover, boot_entry(&config, &result, FLASH_MAP_BASE));
}
