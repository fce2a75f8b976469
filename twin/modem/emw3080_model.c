/* The EMW3080's pins and transactions; see the header. What packets mean is in emw3080_commands.c.
 */
#include "twin/modem/emw3080_model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NEVER UINT64_MAX
#define US    1000ull
#define MS    EMW3080_MS

#define HELD_MIN  (99u * MS) /* 100 ms, by the host's clock of whole ones */
#define BOOT      (1000u * MS)
#define FLOW_1    (120u * US)
#define FLOW_2    (80u * US)
#define FLOW_LATE (15u * MS)
#define FLOW_HIGH (5u * US)
#define HOLD_BACK (60u * MS)
#define ON_AIR    (200u * US)

#define FROM_HOST   0x0au
#define FROM_MODULE 0x0bu
#define LENGTH_MAX  4096u
#define RESERVED    8u /* places that frames leave to responses */

#define REBOOT_EVENT 0x8001u
#define BYPASS_IN    0x8102u

const char *const emw3080_model_faults[] = {
    [EMW3080_SOUND] = "none",
    [EMW3080_FLOW_LATE] = "flow-late",
    [EMW3080_FLOW_NEVER] = "flow-never",
    [EMW3080_FLOW_ONCE] = "flow-once",
    [EMW3080_BAD_HEADER] = "bad-header",
    [EMW3080_HANGS] = "hangs",
    [EMW3080_MUTE] = "mute",
    [EMW3080_DROPS] = "drops",
    [EMW3080_BLINKS] = "blinks",
    [EMW3080_RESTARTS] = "restarts",
    [EMW3080_REJECTS] = "rejects",
    [EMW3080_EVENT] = "event",
    [EMW3080_REORDERS] = "reorders",
    [EMW3080_FAULTS] = NULL,
};

void emw3080_complain(struct emw3080_model *model, const char *format, ...)
{
    char text[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    model->world.complain(model->world.ctx, text);
}

/* At the n-th occasion, or the next one that it fits; once. */
static bool strikes(struct emw3080_model *model, enum emw3080_fault fault)
{
    const unsigned at = model->config.fault_at;
    if (model->config.fault != fault || at == 0 || model->transactions < at)
        return false;
    model->config.fault_at = 0;
    return true;
}

static bool is_ready(const struct emw3080_model *model)
{
    return model->held_since == NEVER && model->now >= model->ready_at;
}

/* ---- what waits for the host ---- */

static int free_place(const struct emw3080_model *model, unsigned reserved)
{
    int place = -1;
    unsigned count = 0;
    for (int i = (int)EMW3080_QUEUE - 1; i >= 0; i--)
        if (!model->queued[i]) {
            place = i;
            count++;
        }
    return count > reserved ? place : -1;
}

/* The packet that is to go next, of those that are due; -1: none. */
static int next_packet(const struct emw3080_model *model)
{
    int best = -1;
    for (int i = 0; i < (int)EMW3080_QUEUE; i++) {
        if (!model->queued[i] || model->queue[i].due > model->now)
            continue;
        if (best < 0 || model->queue[i].due < model->queue[best].due ||
            (model->queue[i].due == model->queue[best].due && model->order[i] < model->order[best]))
            best = i;
    }
    return best;
}

static void put_16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void put_32(uint8_t *at, uint32_t value)
{
    put_16(at, value);
    put_16(at + 2, value >> 16);
}

/* Of the response that EMW3080_REORDERS holds back: it goes right behind the next. */
static void let_go(struct emw3080_model *model, uint64_t due)
{
    if (model->held_back >= 0)
        model->queue[model->held_back].due = due + 1u;
    model->held_back = -1;
}

static void place_packet(struct emw3080_model *model, int place, uint32_t request, uint16_t api,
                         uint64_t due)
{
    struct emw3080_packet *packet = &model->queue[place];
    model->queued[place] = true;
    model->order[place] = model->next_order++;
    packet->due = due;
    put_32(packet->bytes, request);
    put_16(packet->bytes + 4, api);
}

bool emw3080_queue(struct emw3080_model *model, uint32_t request, uint16_t api, const void *data,
                   uint32_t length, uint64_t due)
{
    const int place = free_place(model, 0);
    if (place < 0 || length > EMW3080_PACKET_MAX - 6u)
        return false;
    place_packet(model, place, request, api, due);
    model->queue[place].length = 6u + length;
    if (length > 0)
        memcpy(model->queue[place].bytes + 6, data, length);
    if (request == 0)
        return true;
    let_go(model, due);
    if (model->config.fault == EMW3080_REORDERS && model->config.fault_at != 0 &&
        model->commands >= model->config.fault_at) {
        model->config.fault_at = 0;
        model->held_back = place;
        model->queue[place].due = due + HOLD_BACK;
    }
    return true;
}

void emw3080_model_frame(struct emw3080_model *model, const uint8_t *frame, uint32_t length,
                         uint64_t now)
{
    emw3080_model_tick(model, now);
    const int place = free_place(model, RESERVED);
    if (!is_ready(model) || !model->joined || !model->bypass || place < 0 || length < 14 ||
        length > EMW3080_FRAME_MAX)
        return;
    struct emw3080_packet *packet = &model->queue[place];
    place_packet(model, place, 0, BYPASS_IN, now + ON_AIR);
    memset(packet->bytes + 6, 0, 20);
    put_16(packet->bytes + 26, length);
    memcpy(packet->bytes + 28, frame, length);
    packet->length = 28u + length;
}

/* ---- power ---- */

static void forget(struct emw3080_model *model)
{
    memset(model->queued, 0, sizeof model->queued);
    model->held_back = model->out = -1;
    model->flow = model->joined = model->bypass = model->hangs = false;
    model->flow_up_at = model->flow_down_at = NEVER;
    model->join_at = model->rejoin_at = NEVER;
}

void emw3080_model_init(struct emw3080_model *model, const struct emw3080_config *config,
                        const struct emw3080_world *world, uint64_t now)
{
    memset(model, 0, sizeof *model);
    model->config = *config;
    model->world = *world;
    model->now = now;
    model->air = true;
    model->held_since = model->air_at = NEVER;
    model->ready_at = now + BOOT;
    forget(model);
}

void emw3080_restart(struct emw3080_model *model)
{
    forget(model);
    model->surprised = true;
    model->ready_at = model->now + BOOT;
}

void emw3080_model_reset(struct emw3080_model *model, bool level, uint64_t now)
{
    emw3080_model_tick(model, now);
    if (level == (model->held_since == NEVER))
        return;
    if (!level) {
        forget(model);
        model->state = EMW3080_IDLE;
        model->held_since = now;
        return;
    }
    if (now - model->held_since < HELD_MIN)
        emw3080_complain(model, "the modem's reset ends after %u ms; it takes 100",
                         (unsigned)((now - model->held_since) / MS));
    model->held_since = NEVER;
    model->surprised = false;
    model->ready_at = now + BOOT;
}

void emw3080_model_release(struct emw3080_model *model, uint64_t now)
{
    if (model->held_since != NEVER && now - model->held_since < HELD_MIN)
        model->held_since = now - HELD_MIN;
    emw3080_model_reset(model, true, now);
}

/* ---- a transaction ---- */

static void begin(struct emw3080_model *model)
{
    model->state = EMW3080_WAITING;
    model->count = 0;
    model->out = -1;
    model->flow = model->flow_is_late = false;
    model->flow_up_at = model->flow_down_at = NEVER;
    model->transactions++;
    if (strikes(model, EMW3080_HANGS))
        model->hangs = true;
    if (model->hangs || !is_ready(model) || strikes(model, EMW3080_FLOW_NEVER))
        return;
    model->flow_is_late = strikes(model, EMW3080_FLOW_LATE);
    model->flow_up_at = model->now + (model->flow_is_late ? FLOW_LATE : FLOW_1);
}

static uint32_t payload_length(const struct emw3080_model *model)
{
    return model->in_length > model->out_length ? model->in_length : model->out_length;
}

static void end(struct emw3080_model *model, bool by_host)
{
    const uint32_t wanted = model->state == EMW3080_HEADER    ? 8u
                            : model->state == EMW3080_PAYLOAD ? payload_length(model)
                                                              : 0;
    if (by_host && model->count > 0 && model->count < wanted)
        emw3080_complain(model, "the modem's NSS goes high after %u of %u bytes", model->count,
                         wanted);
    if (!model->flow_is_late)
        model->flow_up_at = NEVER;
    model->state = EMW3080_IDLE;
    model->out = -1;
}

void emw3080_model_select(struct emw3080_model *model, bool selected, uint64_t now)
{
    emw3080_model_tick(model, now);
    if (selected == model->selected)
        return;
    model->selected = selected;
    if (!selected)
        end(model, true);
    else if (model->held_since != NEVER)
        emw3080_complain(model, "the modem is selected while it is held in reset");
    else if (!is_ready(model) && !model->surprised)
        emw3080_complain(model, "the modem is selected %u ms before it has started",
                         (unsigned)((model->ready_at - now + MS - 1u) / MS));
    else
        begin(model);
}

void emw3080_model_drop(struct emw3080_model *model, uint64_t now)
{
    emw3080_model_tick(model, now);
    if (model->selected)
        end(model, false);
    model->selected = false;
}

static void open_header(struct emw3080_model *model)
{
    model->out = next_packet(model);
    model->out_length = model->out < 0 ? 0 : model->queue[model->out].length;
    memset(model->header_out, 0, sizeof model->header_out);
    model->header_out[0] = FROM_MODULE;
    put_16(model->header_out + 1, model->out_length);
    put_16(model->header_out + 3, ~model->out_length);
    if (strikes(model, EMW3080_BAD_HEADER)) {
        model->header_out[3] ^= 0x10u;
        model->out = -2; /* nothing sensible can follow */
    }
    model->state = EMW3080_HEADER;
}

static const char *what_is_wrong(const uint8_t header[8])
{
    const unsigned length = header[1] | (unsigned)header[2] << 8;
    const unsigned inverse = header[3] | (unsigned)header[4] << 8;
    if (header[0] != FROM_HOST)
        return "does not begin with 0x0a";
    if ((length ^ inverse) != 0xffffu)
        return "has lengths that do not fit";
    if (length >= LENGTH_MAX)
        return "has a length of 4096 or more";
    return header[5] | header[6] | header[7] ? "does not end with zeros" : NULL;
}

static void close_header(struct emw3080_model *model)
{
    const char *wrong = what_is_wrong(model->header_in);
    if (wrong)
        emw3080_complain(model, "the header that the modem gets %s", wrong);
    model->in_length = model->header_in[1] | (uint32_t)model->header_in[2] << 8;
    model->count = 0;
    if (wrong || model->out == -2 || payload_length(model) == 0) {
        model->state = EMW3080_DONE;
        return;
    }
    model->state = EMW3080_WAITING_AGAIN;
    model->flow_up_at = strikes(model, EMW3080_FLOW_ONCE) ? NEVER : model->now + FLOW_2;
}

static void close_payload(struct emw3080_model *model)
{
    if (model->out >= 0)
        model->queued[model->out] = false;
    model->out = -1;
    model->state = EMW3080_DONE;
    if (model->in_length > 0)
        emw3080_command(model, model->in, model->in_length);
}

static uint8_t exchange_payload(struct emw3080_model *model, uint8_t in)
{
    const uint32_t at = model->count++;
    const uint8_t out = at < model->out_length ? model->queue[model->out].bytes[at] : 0;
    if (at < model->in_length)
        model->in[at] = in;
    if (model->count == payload_length(model))
        close_payload(model);
    return out;
}

uint8_t emw3080_model_exchange(struct emw3080_model *model, uint8_t in, uint64_t now)
{
    uint8_t out = 0;
    emw3080_model_tick(model, now);
    if (!model->selected) {
        emw3080_complain(model, "the modem gets a byte while NSS is high");
    } else if (model->state == EMW3080_HEADER) {
        out = model->header_out[model->count];
        model->header_in[model->count++] = in;
        if (model->count == 8)
            close_header(model);
    } else if (model->state == EMW3080_PAYLOAD) {
        out = exchange_payload(model, in);
    } else if (model->state == EMW3080_DONE) {
        emw3080_complain(model, "the modem gets a byte behind the end of the transaction");
    } else {
        emw3080_complain(model, "the modem gets a byte before FLOW has risen");
    }
    return out;
}

/* ---- pins and time ---- */

bool emw3080_model_flow(const struct emw3080_model *model)
{
    return model->flow;
}

bool emw3080_model_notify(const struct emw3080_model *model)
{
    return is_ready(model) && next_packet(model) >= 0;
}

static void raise_flow(struct emw3080_model *model)
{
    model->flow = true;
    model->flow_is_late = false;
    model->flow_up_at = NEVER;
    model->flow_down_at = model->now + FLOW_HIGH;
    if (model->state == EMW3080_WAITING)
        open_header(model);
    else if (model->state == EMW3080_WAITING_AGAIN)
        model->state = EMW3080_PAYLOAD;
}

static void lose_air(struct emw3080_model *model)
{
    if (model->joined)
        emw3080_status_event(model, 1, model->now);
    model->air = model->joined = false;
}

void emw3080_air_lost(struct emw3080_model *model)
{
    lose_air(model);
    model->air_at = model->now + 3000u * MS;
}

void emw3080_model_air(struct emw3080_model *model, bool on, uint64_t now)
{
    emw3080_model_tick(model, now);
    model->air_at = NEVER;
    if (!on)
        lose_air(model);
    model->air = on;
}

static bool is_due(struct emw3080_model *model, uint64_t *at)
{
    if (*at > model->now)
        return false;
    *at = NEVER;
    return true;
}

void emw3080_model_tick(struct emw3080_model *model, uint64_t now)
{
    if (now > model->now)
        model->now = now;
    if (is_due(model, &model->flow_down_at))
        model->flow = false;
    if (model->flow_up_at <= model->now)
        raise_flow(model);
    if (model->surprised && is_ready(model)) {
        model->surprised = false;
        (void)emw3080_queue(model, 0, REBOOT_EVENT, NULL, 0, model->now);
    }
    if (is_due(model, &model->air_at))
        model->air = true;
    if (is_due(model, &model->join_at))
        emw3080_join_ends(model);
    if (is_due(model, &model->rejoin_at))
        emw3080_join_ends(model);
}

static void take_earlier(uint64_t *deadline, uint64_t at)
{
    if (at < *deadline)
        *deadline = at;
}

uint64_t emw3080_model_deadline(const struct emw3080_model *model)
{
    uint64_t deadline = NEVER;
    take_earlier(&deadline, model->flow_up_at);
    take_earlier(&deadline, model->flow_down_at);
    take_earlier(&deadline, model->air_at);
    take_earlier(&deadline, model->join_at);
    take_earlier(&deadline, model->rejoin_at);
    if (model->held_since == NEVER && model->ready_at > model->now)
        take_earlier(&deadline, model->ready_at);
    for (unsigned i = 0; i < EMW3080_QUEUE; i++)
        if (model->queued[i] && model->queue[i].due > model->now)
            take_earlier(&deadline, model->queue[i].due);
    return deadline;
}
