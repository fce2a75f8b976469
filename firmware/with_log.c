/* The log in flash: warnings and errors, and a line for each start. Flash wears: after a burst
 * there is one line in five minutes, and of what was left out the number. With 8 sectors of 4 KiB
 * that is an erase of each in ten hours at the worst. */
#include "firmware/with_log.h"

#include <stdio.h>
#include <string.h>

#include "boards/board.h"
#include "firmware/app.h"
#include "port/handover.h"
#include "port/log.h"
#include "services/log/log_ring.h"

#define BURST          60u
#define REFILL_MS      300000u
#define LINES_PER_TURN 8u /* what the console's buffer takes */

static struct log_ring ring;
static bool open;
static bool writing; /* flash that logs is not heard */
static bool held;
static uint32_t budget;
static otter_ms refilled_at;
static uint32_t left_out;
static bool showing;
static uint32_t place;

static bool may_write(otter_ms now)
{
    while (now - refilled_at >= REFILL_MS && budget < BURST) {
        budget++;
        refilled_at += REFILL_MS;
    }
    if (budget == BURST)
        refilled_at = now;
    if (budget == 0)
        return false;
    budget--;
    return true;
}

static void keep(void *ctx, enum log_level level, const char *line, size_t length)
{
    char note[48];
    (void)ctx;
    (void)level;
    if (writing)
        return;
    if (held || !may_write(port_now())) {
        left_out++;
        return;
    }
    writing = true;
    if (left_out > 0) {
        const int size =
            snprintf(note, sizeof note, "(%lu lines left out)", (unsigned long)left_out);
        (void)log_ring_append(&ring, note, (uint32_t)size);
        left_out = 0;
    }
    (void)log_ring_append(&ring, line, (uint32_t)length);
    writing = false;
}

static struct log_sink sink = {.write = keep, .level = LOG_LEVEL_WRN};

void keep_log(void)
{
    char line[64];
    const struct handover *handover = port_handover();
    budget = BURST;
    refilled_at = port_now();
    left_out = 0;
    showing = false;
    open = board.log.size > 0 && log_ring_open(&ring, &board.log) == OTTER_OK;
    if (!open)
        return;
    const int size = snprintf(line, sizeof line, "---- start, reset reason %lu",
                              (unsigned long)(handover != NULL ? handover->reset_reason : 0));
    keep(NULL, LOG_LEVEL_INF, line, (size_t)size);
    log_add_sink(&sink);
}

const struct log_ring *kept_log(void)
{
    return open ? &ring : NULL;
}

void hold_log(bool hold)
{
    held = hold;
}

bool show_kept_log(struct cli *cli)
{
    if (!open)
        return false;
    showing = true;
    place = 0;
    cli_hold(cli, &showing);
    return true;
}

static void show_some(struct cli *cli)
{
    char text[LOG_RING_TEXT_MAX + 1];
    for (unsigned lines = 0; showing && lines < LINES_PER_TURN;) {
        place = log_ring_read(&ring, place, text);
        showing = place != 0;
        if (text[0] == '\0')
            continue;
        cli_print(cli, text);
        cli_print(cli, "\n");
        lines++;
    }
    if (!showing)
        cli_release(cli);
}

static otter_status start(struct app *app, otter_ms now)
{
    (void)app;
    (void)now;
    return OTTER_OK;
}

static void tick(struct app *app, otter_ms now)
{
    struct cli *cli = &app->shell.console.cli;
    (void)now;
    if (showing && cli->held != &showing) /* by ctrl-C */
        showing = false;
    if (showing)
        show_some(cli);
}

static otter_ms due(const struct app *app, otter_ms now)
{
    (void)app;
    return showing ? now : OTTER_NEVER;
}

const struct activity activity_log = {"log", start, NULL, tick, due};
