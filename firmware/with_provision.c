/* Provisioning for development, at the first boot: what a person would type at the console lies
 * behind the image in the running slot (firmware/provision_section.h; `otter provision --to-image`
 * puts it there), and is typed by the firmware itself, once, on a device that has no identity.
 *
 * For development only: a private key that lies in an image is known to everybody who has the
 * image. The section is no part of what the image's signature covers, so it is only heard on a
 * device that whoever flashes it owns anyway; updates bring none.
 *
 * A power cut before the end leaves a device without an identity, or without the mark: it begins
 * again, and each line replaces what was there. */
#include <string.h>

#include "codec/crc32.h"
#include "firmware/app.h"
#include "firmware/provision_section.h"
#include "image/image.h"
#include "port/log.h"

#define TAG  "PROVISION"
#define MARK "provision" /* in the store: it has been done */

static struct {
    struct cli *cli;
    bool answering; /* else what comes is the echo of what is typed, keys and passphrases too */
    uint8_t length;
    char line[80]; /* of an answer */
} typist;

/* In the place of the terminal: answers go to the log, line by line. */
static void take_output(void *context, const char *text, size_t length)
{
    (void)context;
    for (size_t i = 0; i < length && typist.answering; i++) {
        if (text[i] >= ' ' && typist.length < sizeof typist.line - 1)
            typist.line[typist.length++] = text[i];
        if (text[i] != '\n' || typist.length == 0)
            continue;
        typist.line[typist.length] = '\0';
        typist.length = 0;
        typist.answering = false; /* the console makes way for the log */
        LOG_INF(TAG, "%s", typist.line);
        typist.answering = true;
    }
}

static void type(struct app *app, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        typist.answering = text[i] == '\n';
        console_input(&app->shell.console, text + i, 1);
        typist.length = 0; /* of the prompt */
    }
    typist.answering = false;
}

/* Where the section's text begins in the slot; 0: there is none. */
static uint32_t find_section(const struct app *app, uint32_t *length)
{
    struct image image;
    struct provision_section head;
    uint8_t piece[64];
    uint32_t crc = 0;
    if (image_open(&image, app->running, app->running->size) != OTTER_OK)
        return 0;
    const uint32_t at = PROVISION_SECTION_AT(image.end), text = at + (uint32_t)sizeof head;
    if (flash_read(app->running, at, &head, sizeof head) != OTTER_OK ||
        memcmp(head.magic, PROVISION_SECTION_MAGIC, sizeof head.magic) != 0 ||
        head.length > PROVISION_SECTION_MAX)
        return 0;
    for (uint32_t done = 0, size; done < head.length; done += size) {
        size = head.length - done < sizeof piece ? head.length - done : (uint32_t)sizeof piece;
        if (flash_read(app->running, text + done, piece, size) != OTTER_OK)
            return 0;
        crc = crc32_update(crc, piece, size);
    }
    *length = head.length;
    return crc == head.crc ? text : 0;
}

static void type_section(struct app *app, uint32_t at, uint32_t length)
{
    struct cli *cli = &app->shell.console.cli;
    void (*const write)(void *, const char *, size_t) = cli->write;
    struct cli_editor *const editor = cli->editor;
    char piece[64];
    cli->write = take_output;
    cli->editor = NULL; /* which would remember the lines */
    for (uint32_t done = 0, size; done < length; done += size) {
        size = length - done < sizeof piece ? length - done : (uint32_t)sizeof piece;
        if (flash_read(app->running, at + done, piece, size) == OTTER_OK)
            type(app, piece, size);
        port_watchdog_feed();
    }
    cli->write = write;
    cli->editor = editor;
}

/* Behind all services, whose settings may be among the lines. */
static otter_status start(struct app *app, otter_ms now)
{
    uint32_t length, mark;
    (void)now;
    const uint32_t at = find_section(app, &length);
    if (at == 0)
        return OTTER_OK;
    if (kv_get(&app->kv, MARK, NULL, 0, &mark) != OTTER_E_NOT_FOUND || app->provisioned) {
        LOG_INF(TAG, "the image has settings for development: provisioned already, skip");
        return OTTER_OK;
    }
    LOG_WRN(TAG, "not provisioned yet: taking the settings in the image; for development only");
    type_section(app, at, length);
    const otter_status status = kv_set(&app->kv, MARK, "1", 1);
    if (status != OTTER_OK) {
        LOG_ERR(TAG, "the store does not take it: %s", otter_status_text(status));
        return status;
    }
    app_reset(app, "provisioned for development");
    return OTTER_OK;
}

const struct activity activity_provision = {"provision", start, NULL, NULL, NULL};
