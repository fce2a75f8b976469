/* The modem's model in a twin's loop; see line.h. */
#include "twin/modem/line.h"

#include <stdio.h>
#include <stdlib.h>

#include "twin/modem/radio.h"
#include "twin/private.h"

#define BAUD       115200u
#define LOOK_AGAIN TWIN_MS /* for what the network brings, while bytes are on the line */
#define LINE_AHEAD 64u     /* bytes handed to the line at once */

struct modem_line {
    struct serial serial;
    struct esp8266_model model;
    struct radio radio;
    struct twin *twin;
    struct twin_timer due;
    struct poller poller;
    bool in_reset;
    bool told; /* that the fault has come */
};

static uint64_t now_ms(const struct modem_line *line)
{
    return twin_now(line->twin) / TWIN_MS;
}

/* What the module wants to say goes to the line, a little ahead of the line's rate. */
static void turn(struct modem_line *line)
{
    uint8_t bytes[LINE_AHEAD];
    if (line->in_reset)
        return;
    esp8266_model_tick(&line->model, now_ms(line));
    const size_t length = esp8266_model_output(&line->model, bytes, sizeof bytes);
    twin_ns next = LOOK_AGAIN;
    if (length > 0) {
        (void)serial_give(&line->serial, bytes, (uint32_t)length);
        next = length * 10u * 1000000000ull / BAUD;
    } else {
        const uint64_t deadline = esp8266_model_deadline(&line->model);
        if (deadline == UINT64_MAX)
            next = TWIN_NEVER;
        else if (deadline > now_ms(line))
            next = (deadline - now_ms(line)) * TWIN_MS;
    }
    twin_timer_set(line->twin, &line->due,
                   next == TWIN_NEVER ? TWIN_NEVER : twin_now(line->twin) + next);
}

static void on_due(void *ctx)
{
    turn(ctx);
}

static void tell_fault(struct modem_line *line)
{
    const struct model_config *config = &line->model.config;
    if (line->told || config->fault == MODEL_SOUND || !esp8266_model_has_struck(&line->model))
        return;
    line->told = true;
    fprintf(stderr, "\notter twin: the modem goes wrong: %s\n",
            esp8266_model_faults[config->fault]);
}

static void take(void *ctx, uint8_t byte)
{
    struct modem_line *line = ctx;
    if (line->in_reset)
        return;
    esp8266_model_input(&line->model, now_ms(line), &byte, 1);
    tell_fault(line);
    if (!line->due.queued)
        twin_timer_set(line->twin, &line->due, twin_now(line->twin));
}

static nfds_t fill(void *ctx, struct pollfd *polls, nfds_t max, int *wait_ms)
{
    struct modem_line *line = ctx;
    struct pollfd links[MODEL_LINKS];
    (void)wait_ms;
    const nfds_t count = radio_poll(&line->radio, &line->model, links);
    for (nfds_t i = 0; i < count && i < max; i++)
        polls[i] = links[i];
    return count < max ? count : max;
}

static void done(void *ctx, const struct pollfd *polls, nfds_t count)
{
    struct modem_line *line = ctx;
    bool ready = false;
    for (nfds_t i = 0; i < count; i++)
        ready = ready || polls[i].revents != 0;
    if (ready)
        turn(line);
}

struct modem_line *modem_line_new(struct twin *twin, const struct model_config *config)
{
    struct modem_line *line = calloc(1, sizeof *line);
    if (!line)
        return NULL;
    line->twin = twin;
    line->serial = (struct serial){.name = "the modem",
                                   .baud = BAUD,
                                   .take = take,
                                   .ctx = line,
                                   .clear_to_send = true,
                                   .honours_rts = true};
    line->due = (struct twin_timer){.run = on_due, .ctx = line};
    line->poller = (struct poller){.fill = fill, .done = done, .ctx = line};
    radio_open(&line->radio);
    esp8266_model_init(&line->model, config, &line->radio.network, now_ms(line));
    host_add_poller(twin, &line->poller);
    twin_timer_set(twin, &line->due, twin_now(twin));
    return line;
}

void modem_line_free(struct modem_line *line)
{
    if (!line)
        return;
    host_remove_poller(line->twin, &line->poller);
    radio_close(&line->radio);
    free(line);
}

struct serial *modem_line_serial(struct modem_line *line)
{
    return &line->serial;
}

void modem_line_air(struct modem_line *line, bool on)
{
    esp8266_model_air(&line->model, on, now_ms(line));
    turn(line);
}

void modem_line_reset(struct modem_line *line, bool level)
{
    if (!level)
        line->in_reset = true;
    else if (line->in_reset) {
        line->in_reset = false;
        esp8266_model_reset(&line->model, now_ms(line));
        turn(line);
    }
}
