/* What the bootloader says on its console, event by event; the words are MCUboot's. */
#include "boot/boot_log.h"

#include "port/log.h"

static uint32_t copied;

static void log_progress(uint32_t done, uint32_t total)
{
    static uint32_t tenths;
    copied = done;
    if (total == 0 || done / (total / 10 + 1) == tenths)
        return;
    tenths = done / (total / 10 + 1);
    LOG_PLAIN(LOG_LEVEL_INF, "BOOT", "Swapping: %lu of %lu", (unsigned long)done,
              (unsigned long)total);
}

void boot_log(void *ctx, const struct boot_event *event)
{
    (void)ctx;
    char line[LOG_LINE_MAX / 2];
    if (event->type == BOOT_EVENT_PROGRESS)
        log_progress((uint32_t)event->value, event->total);
    else if (boot_event_text(event, line, sizeof line))
        LOG_PLAIN(LOG_LEVEL_INF, "BOOT", "%s", line);
}

uint32_t boot_log_bytes_copied(void)
{
    return copied;
}
