/* Recovery on the port's console. Apart from recovery.c, which does no input and output. */
#include "boot/recovery.h"

static void write_console(void *ctx, const void *data, size_t length)
{
    (void)ctx;
    port_console_write(data, length);
}

void recovery_serve(const struct boot_config *boot, uint32_t image_size_max, otter_ms deadline)
{
    static struct recovery recovery;
    const struct recovery_config config = {boot, image_size_max, write_console, NULL};
    recovery_init(&recovery, &config);
    while (recovery.heard || port_now() < deadline) {
        uint8_t bytes[32];
        const size_t length = port_console_read(bytes, sizeof bytes);
        const otter_ms now = port_now();
        recovery_input(&recovery, bytes, length, now);
        if (recovery_reset_due(&recovery, now))
            port_reset();
        if (boot->hooks.feed != NULL)
            boot->hooks.feed(boot->hooks.ctx);
        if (length == 0)
            port_idle(recovery.heard ? now + RECOVERY_RESET_DELAY_MS : deadline);
    }
}
