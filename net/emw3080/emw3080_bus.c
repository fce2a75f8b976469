/* Transactions with the module: NSS low, FLOW rises, headers of 8 bytes both ways, FLOW rises
 * again, as many bytes as the longer of the two packets has, NSS high. There is no checksum. A
 * transaction that fails is begun again a little later with the same packet; many in a row end in a
 * reset. */
#include <string.h>

#include "net/emw3080/emw3080_private.h"
#include "port/log.h"

#define HEADER_SIZE   8u
#define HEADER_HOST   0x0au
#define HEADER_MODULE 0x0bu
#define PACKET_MAX    4096u
#define FLOW_MS       100u /* 10 ms elsewhere, where a thread waits for it */
#define RETRY_MS      5u
#define RETRY_MS_MAX  160u
#define ERRORS_MAX    10u
#define IN_FLIGHT_MAX 4u

enum bus { BUS_IDLE, BUS_HEADER, BUS_PAYLOAD };
enum outgoing { OUT_NOTHING, OUT_COMMAND, OUT_FRAME };

_Static_assert(IPC_FRAME <= EMW3080_PIECE_MAX && HEADER_SIZE <= EMW3080_PIECE_MAX,
               "a header goes out in one piece");

static void end(struct emw3080 *module)
{
    emw3080_select(false);
    module->bus = BUS_IDLE;
}

void emw3080_bus_stop(struct emw3080 *module)
{
    end(module);
    module->errors = 0;
    module->in_flight = 0;
    module->handed_over = false;
}

static void fail(struct emw3080 *module, otter_ms now, otter_status why, const char *what)
{
    const uint32_t pause = RETRY_MS << module->errors;
    end(module);
    if (module->errors == 0)
        LOG_WRN(TAG, "%s: trying again", what);
    module->retry_at = now + (pause < RETRY_MS_MAX ? pause : RETRY_MS_MAX);
    if (module->errors < ERRORS_MAX)
        module->errors++;
    else if (module->state > STATE_VERSION) /* which tells by itself that nobody is there */
        emw3080_reset_later(module, now, why);
}

/* ---- What goes out --------------------------------------------------------------------------- */

static bool command_waits(const struct emw3080 *module)
{
    return emw3080_api(module) != 0 && !module->handed_over;
}

static bool frame_waits(const struct emw3080 *module)
{
    return module->state >= STATE_UP && module->in_flight < IN_FLIGHT_MAX &&
           emw3080_frame_length() > 0;
}

static void choose(struct emw3080 *module)
{
    uint8_t packet[COMMAND_MAX];
    module->outgoing = OUT_NOTHING;
    module->out_length = 0;
    if (command_waits(module)) {
        module->outgoing = OUT_COMMAND;
        module->out_state = module->state;
        module->out_id = module->command_id;
        module->out_length = (uint16_t)emw3080_command(module, packet);
    } else if (frame_waits(module)) {
        module->outgoing = OUT_FRAME;
        module->out_id = FRAME_ID | module->last_id;
        module->out_length = (uint16_t)(IPC_FRAME + emw3080_frame_length());
    }
}

/* What comes before the frame: request, api, i32 interface (0: station), 16 unused bytes, length.
 */
static void frame_header(const struct emw3080 *module, uint8_t packet[COMMAND_MAX])
{
    memset(packet, 0, IPC_FRAME);
    emw3080_put32(packet, module->out_id);
    emw3080_put16(packet + 4, API_BYPASS_OUT);
    emw3080_put16(packet + 26, module->out_length - IPC_FRAME);
}

static void handed_over(struct emw3080 *module, otter_ms now)
{
    if (module->outgoing == OUT_COMMAND) {
        emw3080_command_handed_over(module, now);
    } else if (module->outgoing == OUT_FRAME) {
        emw3080_frame_sent();
        module->last_id++;
        module->in_flight++;
        module->answer_by = now + FRAME_ANSWER_MS;
    }
}

/* ---- What comes in --------------------------------------------------------------------------- */

/* The length of the frame in a packet of the module that begins so; 0: it is none, or none of ours.
 */
static size_t frame_in(const struct emw3080 *module, const uint8_t head[IPC_FRAME])
{
    const size_t length = head[26] | (size_t)head[27] << 8;
    const bool station = emw3080_get32(head + IPC_HEADER) == 0;
    if (module->in_length < IPC_FRAME || (head[4] | head[5] << 8) != API_BYPASS_IN || !station ||
        module->state < STATE_UP)
        return 0;
    const bool fits = length >= EMW3080_FRAME_MIN && length <= EMW3080_FRAME_MAX &&
                      length <= module->in_length - IPC_FRAME;
    return fits ? length : 0;
}

/* Both packets at once, the first piece up to where a frame starts. Surplus bytes mean nothing. */
static bool exchange_packets(struct emw3080 *module, uint8_t head[IPC_FRAME], size_t *frame)
{
    uint8_t packet[COMMAND_MAX], out[EMW3080_PIECE_MAX], in[EMW3080_PIECE_MAX];
    const size_t total =
        module->out_length > module->in_length ? module->out_length : module->in_length;
    if (module->outgoing == OUT_COMMAND)
        emw3080_command(module, packet);
    else
        frame_header(module, packet);
    size_t part = IPC_FRAME;
    for (size_t offset = 0; offset < total; offset += part) {
        part = offset == 0 ? IPC_FRAME : EMW3080_PIECE_MAX;
        part = part < total - offset ? part : total - offset;
        memset(out, 0, sizeof out);
        if (offset < module->out_length) {
            const size_t left = module->out_length - offset;
            const size_t take = part < left ? part : left;
            if (module->outgoing == OUT_COMMAND || offset == 0)
                memcpy(out, packet + offset, take);
            else
                emw3080_frame_read(offset - IPC_FRAME, out, take);
        }
        if (!emw3080_exchange(out, in, part))
            return false;
        if (offset == 0) {
            memcpy(head, in, part);
            *frame = frame_in(module, head);
        } else if (offset - IPC_FRAME < *frame) {
            const size_t left = *frame - (offset - IPC_FRAME);
            emw3080_frame_write(offset - IPC_FRAME, in, part < left ? part : left);
        }
    }
    return true;
}

static void on_head(struct emw3080 *module, otter_ms now, const uint8_t head[IPC_FRAME])
{
    const size_t length = module->in_length < IPC_FRAME ? module->in_length : IPC_FRAME;
    if (length < IPC_HEADER || (head[4] | head[5] << 8) == API_BYPASS_IN)
        return;
    emw3080_on_packet(module, now, head, length);
}

/* ---- One after the other --------------------------------------------------------------------- */

static bool begin(struct emw3080 *module, otter_ms now)
{
    if (!emw3080_has_work(module, now))
        return false;
    choose(module);
    emw3080_forget_flow();
    emw3080_select(true);
    module->bus = BUS_HEADER;
    module->flow_by = now + FLOW_MS;
    return true;
}

static bool exchange_headers(struct emw3080 *module, otter_ms now)
{
    uint8_t out[HEADER_SIZE] = {HEADER_HOST}, in[HEADER_SIZE];
    emw3080_put16(out + 1, module->out_length);
    emw3080_put16(out + 3, ~(uint32_t)module->out_length);
    emw3080_forget_flow();
    if (!emw3080_exchange(out, in, sizeof in)) {
        fail(module, now, OTTER_E_IO, "SPI failed");
        return true;
    }
    const uint32_t length = in[1] | (uint32_t)in[2] << 8, inverse = in[3] | (uint32_t)in[4] << 8;
    if (in[0] != HEADER_MODULE || (length ^ inverse) != 0xffffu || length >= PACKET_MAX) {
        fail(module, now, OTTER_E_IO, "its header makes no sense");
        return true;
    }
    module->in_length = (uint16_t)length;
    if (length == 0 && module->out_length == 0) { /* though NOTIFY is high */
        end(module);
        module->retry_at = now + RETRY_MS;
        return true;
    }
    module->bus = BUS_PAYLOAD;
    module->flow_by = now + FLOW_MS;
    return true;
}

static bool exchange_payload(struct emw3080 *module, otter_ms now)
{
    uint8_t head[IPC_FRAME];
    size_t frame = 0;
    const bool good = exchange_packets(module, head, &frame);
    if (!good) {
        fail(module, now, OTTER_E_IO, "SPI failed");
        return true;
    }
    end(module);
    module->errors = 0;
    handed_over(module, now);
    if (frame > 0)
        emw3080_frame_received(frame);
    else
        on_head(module, now, head);
    return true;
}

bool emw3080_bus_step(struct emw3080 *module, otter_ms now)
{
    if (module->bus == BUS_IDLE)
        return begin(module, now);
    if (emw3080_flow())
        return module->bus == BUS_HEADER ? exchange_headers(module, now)
                                         : exchange_payload(module, now);
    if (now >= module->flow_by)
        fail(module, now, OTTER_E_TIMEOUT, "FLOW does not rise");
    return false;
}

bool emw3080_has_work(const struct emw3080 *module, otter_ms now)
{
    if (module->bus != BUS_IDLE)
        return emw3080_flow();
    if (module->state <= STATE_BOOT || now < module->retry_at)
        return false;
    return (command_waits(module) || frame_waits(module) || emw3080_notify()) &&
           emw3080_frame_room();
}

bool emw3080_bus_rests(const struct emw3080 *module, otter_ms now)
{
    return module->bus == BUS_IDLE && !emw3080_has_work(module, now);
}
