/* MCUboot's log lines for the events of boot_go. */
#include <stdio.h>

#include "boot/boot.h"

static const char magic_text[][6] = {"?", "good", "bad", "unset"};
static const char type_text[][7] = {"none", "none", "test", "perm", "revert", "fail"};
static const char source_text[][13] = {"none", "scratch", "primary slot"};
static const char *const fault_text[] = {
    "",
    "more sectors than allowed",
    "slots have non-compatible sectors",
    "not all sectors fit inside scratch",
    "slots are not compatible",
    "slot write sizes are not compatible",
};

static bool trailer_line(const struct boot_event *event, const char *name, char *line,
                         uint32_t size)
{
    const struct trailer *trailer = event->trailer;
    snprintf(line, size, "%s: magic=%s, swap_type=0x%x, copy_done=0x%x, image_ok=0x%x", name,
             magic_text[trailer->magic], (unsigned)trailer->swap_type, (unsigned)trailer->copy_done,
             (unsigned)trailer->image_ok);
    return true;
}

/* Where it can be one call of snprintf, and one copy of what lines have in common. */
bool boot_event_text(const struct boot_event *event, char *line, uint32_t size)
{
    char version[IMAGE_VERSION_TEXT_SIZE];
    const int value = (int)event->value;
    const char *const status = otter_status_text((otter_status)value);
    const char *format = "Image in the %s slot is not valid! (%s)";
    const char *word = status;
    switch (event->type) {
    case BOOT_EVENT_START:
        format = "Starting bootloader";
        break;
    case BOOT_EVENT_PRIMARY:
        return trailer_line(event, "Primary image", line, size);
    case BOOT_EVENT_SECONDARY:
        return trailer_line(event, "Secondary image", line, size);
    case BOOT_EVENT_SCRATCH:
        return trailer_line(event, "Scratch", line, size);
    case BOOT_EVENT_SOURCE:
        format = "Boot source: %s";
        word = source_text[value];
        break;
    case BOOT_EVENT_SWAP_TYPE:
        snprintf(line, size, "Image index: %u, Swap type: %s", event->image, type_text[value]);
        return true;
    case BOOT_EVENT_SWAP_STARTS:
        format = "Starting swap using %s algorithm.";
        word = boot_mode_name;
        break;
    case BOOT_EVENT_PROGRESS:
        return false;
    case BOOT_EVENT_LAYOUT:
        if (BOOT_MAP_IS_CHECKED)
            return false; /* it fits */
        format = "Cannot upgrade: %s";
        word = fault_text[value];
        break;
    case BOOT_EVENT_STALE:
        format = "Swap status ignored, it does not fit the slots (%s)";
        break;
    case BOOT_EVENT_REFUSED:
        word = "secondary";
        break;
    case BOOT_EVENT_GIVEN_UP:
        format = "Update given up (%s)";
        break;
    case BOOT_EVENT_HELD:
        if (BOOT_IMAGES_MAX == 1)
            return false; /* a single image waits for none */
        snprintf(line, size, "Image index: %u, update waits: dependencies are not met",
                 event->image);
        return true;
    case BOOT_EVENT_INVALID:
        word = "primary";
        break;
    case BOOT_EVENT_BOOT:
        image_version_format(&event->header->version, version);
        format = "Image version: v%s";
        word = version;
        break;
    }
    snprintf(line, size, format, word, status);
    return true;
}
