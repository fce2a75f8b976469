/* MCUboot's log lines for the events of boot_go. */
#include <stdio.h>

#include "boot/boot.h"

static const char *const magic_text[] = {"?", "good", "bad", "unset"};
static const char *const type_text[] = {"none", "none", "test", "perm", "revert", "fail"};
static const char *const source_text[] = {"none", "scratch", "primary slot"};
static const char *const fault_text[] = {
    "",
    "more sectors than allowed",
    "slots have non-compatible sectors",
    "not all sectors fit inside scratch",
    "slots are not compatible",
    "slot write sizes are not compatible",
};

static int trailer_line(const struct boot_event *event, const char *name, char *line, uint32_t size)
{
    const struct trailer *trailer = event->trailer;
    return snprintf(line, size, "%s: magic=%s, swap_type=0x%x, copy_done=0x%x, image_ok=0x%x", name,
                    magic_text[trailer->magic], (unsigned)trailer->swap_type,
                    (unsigned)trailer->copy_done, (unsigned)trailer->image_ok);
}

static int boot_line(const struct boot_event *event, char *line, uint32_t size)
{
    char version[IMAGE_VERSION_TEXT_SIZE];
    image_version_format(&event->header->version, version);
    return snprintf(line, size, "Image version: v%s", version);
}

bool boot_event_text(const struct boot_event *event, char *line, uint32_t size)
{
    const int value = (int)event->value;
    switch (event->type) {
    case BOOT_EVENT_START:
        return snprintf(line, size, "Starting bootloader") > 0;
    case BOOT_EVENT_PRIMARY:
        return trailer_line(event, "Primary image", line, size) > 0;
    case BOOT_EVENT_SECONDARY:
        return trailer_line(event, "Secondary image", line, size) > 0;
    case BOOT_EVENT_SCRATCH:
        return trailer_line(event, "Scratch", line, size) > 0;
    case BOOT_EVENT_SOURCE:
        return snprintf(line, size, "Boot source: %s", source_text[value]) > 0;
    case BOOT_EVENT_SWAP_TYPE:
        return snprintf(line, size, "Image index: %u, Swap type: %s", event->image,
                        type_text[value]) > 0;
    case BOOT_EVENT_SWAP_STARTS:
        return snprintf(line, size, "Starting swap using %s algorithm.", boot_mode_name) > 0;
    case BOOT_EVENT_PROGRESS:
        return false;
    case BOOT_EVENT_LAYOUT:
        return snprintf(line, size, "Cannot upgrade: %s", fault_text[value]) > 0;
    case BOOT_EVENT_STALE:
        return snprintf(line, size, "Swap status ignored, it does not fit the slots (%s)",
                        otter_status_text((otter_status)value)) > 0;
    case BOOT_EVENT_REFUSED:
        return snprintf(line, size, "Image in the secondary slot is not valid! (%s)",
                        otter_status_text((otter_status)value)) > 0;
    case BOOT_EVENT_GIVEN_UP:
        return snprintf(line, size, "Update given up (%s)",
                        otter_status_text((otter_status)value)) > 0;
    case BOOT_EVENT_HELD:
        return snprintf(line, size, "Image index: %u, update waits: dependencies are not met",
                        event->image) > 0;
    case BOOT_EVENT_INVALID:
        return snprintf(line, size, "Image in the primary slot is not valid! (%s)",
                        otter_status_text((otter_status)value)) > 0;
    case BOOT_EVENT_BOOT:
        return boot_line(event, line, size) > 0;
    }
    return false;
}
