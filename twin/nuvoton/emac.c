/* EMAC of the M487: PHY management, frames by descriptors in RAM, at the speed of the wire. The
 * other side of the wire is `emac_connect`'s. */
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define CAMCTL  0x000u
#define CAMEN   0x004u
#define CAM     0x008u /* CAMnM, CAMnL in turn */
#define TXDSA   0x088u
#define RXDSA   0x08cu
#define CTL     0x090u
#define MIIMDAT 0x094u
#define MIIMCTL 0x098u
#define TXST    0x0a0u
#define RXST    0x0a4u
#define MRFL    0x0a8u
#define INTEN   0x0acu
#define INTSTS  0x0b0u
#define GENSTS  0x0b4u
#define MPCNT   0x0b8u
#define CTXDSA  0x0ccu
#define CTXBSA  0x0d0u
#define CRXDSA  0x0d4u
#define CRXBSA  0x0d8u

#define RXON     0x000001u
#define STRIPCRC 0x000020u
#define TXON     0x000100u
#define FUDUP    0x040000u
#define OPMODE   0x100000u
#define RMIIEN   0x400000u
#define RST      0x1000000u

#define WRITE  0x10000u
#define BUSY   0x20000u
#define MDCON  0x80000u
#define MDC_HZ 2500000u

#define MFLEIF 0x000100u
#define RXGDIF 0x000010u
#define RDUIF  0x000400u
#define RXBEIF 0x000800u
#define TXCPIF 0x040000u
#define TDUIF  0x800000u
#define TXBEIF 0x1000000u

#define RXHALT 0x002u
#define TXHALT 0x800u

#define OWN     0x80000000u
#define TTSEN   8u
#define INTEN_D 4u /* of a descriptor */
#define CRCAPP  2u
#define PADEN   1u
#define TXINTR  0x00010000u
#define TXCP    0x00080000u
#define RXINTR  0x00010000u
#define RXGD    0x00100000u

#define TX_IRQ 66u
#define RX_IRQ 67u

#define FRAME_MAX 1514u
#define WIRE      64u /* frames on their way to the board */

static const struct reg emac_regs[] = {
    {"CAMCTL", CAMCTL, 0x1f, 0, 0, 0, 0},
    {"CAMEN", CAMEN, 0xffff, 0, 0, 0, 0},
    {"CAM", CAM, 0xffffffff, 0, 0, 30, 0},
    {"TXDSA", TXDSA, 0xffffffff, 0, 0xfffffffc, 0, 0},
    {"RXDSA", RXDSA, 0xffffffff, 0, 0xfffffffc, 0, 0},
    {"CTL", CTL, 0x015f037f, 0, 0x00400000, 0, 0},
    {"MIIMDAT", MIIMDAT, 0xffff, 0, 0, 0, 0},
    {"MIIMCTL", MIIMCTL, 0x000f1f1f, 0, 0, 0, 0},
    {"FIFOCTL", 0x09c, 0x00300303, 0, 0x00100101, 0, 0},
    {"TXST", TXST, 0, 0, 0, 0, 0},
    {"RXST", RXST, 0, 0, 0, 0, 0},
    {"MRFL", MRFL, 0xffff, 0, 0x800, 0, 0},
    {"INTEN", INTEN, 0x11ffcfff, 0, 0, 0, 0},
    {"INTSTS", INTSTS, 0, 0x11fecffe, 0, 0, 0},
    {"GENSTS", GENSTS, 0, 0x1f7f, 0, 0, 0},
    {"MPCNT", MPCNT, 0xffff, 0, 0x7fff, 0, 0},
    {"RPCNT", 0x0bc, 0, 0, 0, 0, 0},
    {"FRSTS", 0x0c8, 0, 0xffff, 0, 0, 0},
    {"CTXDSA", CTXDSA, 0, 0, 0, 4, 0},
};

struct frame {
    uint32_t length;
    uint8_t bytes[FRAME_MAX];
};

enum fault { FAULT_NONE, FAULT_RX_BUS, FAULT_TX_BUS, FAULT_TX_STUCK };
const char *const emac_faults[] = {"none", "rx-bus-error", "tx-bus-error", "tx-stuck", NULL};

struct emac {
    struct device device;
    struct nuvoton *soc;
    struct twin_timer managed, sent, came, reset_done;
    uint32_t tx_descriptor, rx_descriptor;
    bool tx_runs, rx_runs; /* else it waits for TXST, RXST */
    bool tx_dead, rx_dead; /* since a fault, until a reset */
    enum fault fault;      /* that strikes once */
    unsigned fault_in;     /* frames of its direction */
    struct frame out;
    struct frame wire[WIRE];
    unsigned wire_start, wire_count;
    void (*send)(void *ctx, const uint8_t *frame, uint32_t length);
    void *ctx;
};

static uint32_t *reg_of(struct emac *emac, uint32_t offset)
{
    return device_reg(&emac->device, offset);
}

/* RXIF and TXIF sum up what is enabled of their halves. */
static uint32_t flags_of(struct emac *emac)
{
    const uint32_t flags = *reg_of(emac, INTSTS), wanted = flags & *reg_of(emac, INTEN);
    return flags | (uint32_t)((wanted & 0xcffeu) != 0) |
           (uint32_t)((wanted & 0x11fe0000u) != 0) << 16;
}

static void update(struct emac *emac)
{
    const uint32_t flags = flags_of(emac) & *reg_of(emac, INTEN);
    twin_irq(emac->soc->twin, RX_IRQ, flags & 1u);
    twin_irq(emac->soc->twin, TX_IRQ, flags >> 16 & 1u);
}

static void raise_flag(struct emac *emac, uint32_t flags)
{
    *reg_of(emac, INTSTS) |= flags;
    update(emac);
}

static bool link_is_up(struct emac *emac)
{
    return emac->soc->phy && phy_link_is_up(emac->soc->phy);
}

static bool speed_matches(struct emac *emac)
{
    const uint32_t control = *reg_of(emac, CTL);
    return phy_is_fast(emac->soc->phy) == !!(control & OPMODE) &&
           phy_is_full_duplex(emac->soc->phy) == !!(control & FUDUP);
}

/* On silicon such frames would reach nobody. */
static bool speed_is_right(struct emac *emac)
{
    const uint32_t control = *reg_of(emac, CTL);
    if (speed_matches(emac))
        return true;
    twin_fault(emac->soc->twin,
               "EMAC sends with CTL.OPMODE %u and FUDUP %u; the PHY has negotiated %u and %u",
               !!(control & OPMODE), !!(control & FUDUP), phy_is_fast(emac->soc->phy),
               phy_is_full_duplex(emac->soc->phy));
    return false;
}

static twin_ns frame_ns(struct emac *emac, uint32_t length)
{
    const uint32_t bytes = (length < 60 ? 60 : length) + 4u + 8u + 12u; /* CRC, preamble, gap */
    return (twin_ns)bytes * (*reg_of(emac, CTL) & OPMODE ? 80u : 800u);
}

/* ---- descriptors ---- */

static bool load(struct emac *emac, uint32_t address, uint32_t words[4])
{
    if (address % 4u == 0 && twin_read_memory(emac->soc->twin, address, words, 16))
        return true;
    twin_fault(emac->soc->twin, "EMAC's descriptor at 0x%08x is not aligned or not in RAM",
               address);
    return false;
}

static void store_word(struct emac *emac, uint32_t address, uint32_t word)
{
    if (!twin_write_memory(emac->soc->twin, address, &word, sizeof word))
        twin_fault(emac->soc->twin, "EMAC's descriptor at 0x%08x is not in RAM", address);
}

static bool strikes(struct emac *emac, enum fault fault)
{
    if (emac->fault != fault || --emac->fault_in > 0)
        return false;
    emac->fault = FAULT_NONE;
    return true;
}

void emac_spoil(struct nuvoton *soc, unsigned fault, unsigned at)
{
    soc->emac->fault = (enum fault)fault;
    soc->emac->fault_in = at;
}

/* ---- out ---- */

static const char *what_is_wrong(const uint32_t words[4])
{
    const uint32_t length = words[2] & 0xffffu;
    if (words[0] & TTSEN)
        return "asks for a time stamp (TTSEN), which overwrites it";
    if (!(words[0] & CRCAPP))
        return "sends without a checksum (CRCAPP is 0)";
    if (length < 60 && !(words[0] & PADEN))
        return "is shorter than 60 bytes without PADEN";
    if (length < 14 || length > FRAME_MAX)
        return "has a length that no frame has";
    return NULL;
}

static void send_next(struct emac *emac)
{
    uint32_t words[4];
    if (emac->sent.queued || emac->tx_dead || !emac->tx_runs || !(*reg_of(emac, CTL) & TXON) ||
        !load(emac, emac->tx_descriptor, words))
        return;
    *reg_of(emac, CTXDSA) = emac->tx_descriptor;
    if (!(words[0] & OWN)) {
        emac->tx_runs = false;
        *reg_of(emac, GENSTS) |= TXHALT;
        raise_flag(emac, TDUIF);
        return;
    }
    const char *wrong = what_is_wrong(words);
    if (wrong) {
        twin_fault(emac->soc->twin, "the frame at 0x%08x %s", emac->tx_descriptor, wrong);
        return;
    }
    emac->out.length = words[2] & 0xffffu;
    *reg_of(emac, CTXBSA) = words[1];
    if (!twin_read_memory(emac->soc->twin, words[1], emac->out.bytes, emac->out.length)) {
        twin_fault(emac->soc->twin, "EMAC sends from 0x%08x, where nothing is", words[1]);
        return;
    }
    twin_timer_set(emac->soc->twin, &emac->sent,
                   twin_now(emac->soc->twin) + frame_ns(emac, emac->out.length));
}

static void on_sent(void *ctx)
{
    struct emac *emac = ctx;
    uint32_t words[4];
    const bool bus = strikes(emac, FAULT_TX_BUS);
    if (bus || strikes(emac, FAULT_TX_STUCK)) {
        emac->tx_dead = true;
        raise_flag(emac, bus ? TXBEIF : 0);
        return;
    }
    if (!load(emac, emac->tx_descriptor, words))
        return;
    if (link_is_up(emac) && speed_is_right(emac) && emac->send) {
        const uint32_t length = emac->out.length;
        if (length < 60)
            memset(emac->out.bytes + length, 0, 60 - length);
        emac->send(emac->ctx, emac->out.bytes, length < 60 ? 60 : length);
    }
    const uint32_t done = TXCP | (words[0] & INTEN_D ? TXINTR : 0);
    store_word(emac, emac->tx_descriptor + 8u, (words[2] & 0xffffu) | done);
    store_word(emac, emac->tx_descriptor, words[0] & ~OWN);
    emac->tx_descriptor = words[3];
    raise_flag(emac, TXCPIF);
    send_next(emac);
}

/* ---- in ---- */

static bool put_frame(struct emac *emac, uint32_t buffer, const struct frame *frame, uint32_t *size)
{
    uint8_t bytes[FRAME_MAX + 4];
    const uint32_t crc = emac_crc(frame->bytes, frame->length);
    memcpy(bytes, frame->bytes, frame->length);
    memcpy(bytes + frame->length, &crc, 4);
    *size = frame->length + (*reg_of(emac, CTL) & STRIPCRC ? 0 : 4u);
    *reg_of(emac, CRXBSA) = buffer;
    if (twin_write_memory(emac->soc->twin, buffer, bytes, *size))
        return true;
    twin_fault(emac->soc->twin, "EMAC receives to 0x%08x, where no RAM is", buffer);
    return false;
}

static void take_frame(struct emac *emac, const struct frame *frame)
{
    uint32_t words[4], size = 0;
    if (emac->rx_dead || !(*reg_of(emac, CTL) & RXON) ||
        !emac_accepts(&emac->device, frame->bytes) || !speed_matches(emac))
        return;
    if (frame->length + 4u > *reg_of(emac, MRFL)) {
        raise_flag(emac, MFLEIF);
        return;
    }
    *reg_of(emac, CRXDSA) = emac->rx_descriptor;
    if (!emac->rx_runs || !load(emac, emac->rx_descriptor, words) || !(words[0] & OWN)) {
        emac->rx_runs = false;
        *reg_of(emac, GENSTS) |= RXHALT;
        *reg_of(emac, MPCNT) += 1u;
        raise_flag(emac, RDUIF);
        return;
    }
    if (strikes(emac, FAULT_RX_BUS)) {
        emac->rx_dead = true;
        raise_flag(emac, RXBEIF);
        return;
    }
    if (!put_frame(emac, words[1], frame, &size))
        return;
    store_word(emac, emac->rx_descriptor, size | RXGD | RXINTR);
    emac->rx_descriptor = words[3];
    raise_flag(emac, RXGDIF);
}

static void receive_next(struct emac *emac)
{
    if (emac->wire_count == 0 || emac->came.queued)
        return;
    twin_timer_set(emac->soc->twin, &emac->came,
                   twin_now(emac->soc->twin) + frame_ns(emac, emac->wire[emac->wire_start].length));
}

static void on_came(void *ctx)
{
    struct emac *emac = ctx;
    const struct frame *frame = &emac->wire[emac->wire_start];
    if (link_is_up(emac))
        take_frame(emac, frame);
    emac->wire_start = (emac->wire_start + 1u) % WIRE;
    emac->wire_count--;
    receive_next(emac);
}

void emac_receive(struct nuvoton *soc, const uint8_t *bytes, uint32_t length)
{
    struct emac *emac = soc->emac;
    if (length < 14 || length > FRAME_MAX || emac->wire_count == WIRE || !link_is_up(emac))
        return; /* lost, as on a wire */
    struct frame *frame = &emac->wire[(emac->wire_start + emac->wire_count++) % WIRE];
    memset(frame->bytes, 0, 60);
    memcpy(frame->bytes, bytes, length);
    frame->length = length < 60 ? 60 : length;
    receive_next(emac);
}

void emac_connect(struct nuvoton *soc,
                  void (*send)(void *ctx, const uint8_t *frame, uint32_t length), void *ctx)
{
    soc->emac->send = send;
    soc->emac->ctx = ctx;
}

/* ---- management of the PHY ---- */

static bool pins_are_right(struct emac *emac, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        const struct nuvoton_pin *pin = &emac->soc->rmii_pins[i];
        const unsigned function = pin_function(emac->soc, pin->port, pin->pin);
        if (function == pin->function)
            continue;
        twin_fault(emac->soc->twin, "EMAC works, but P%c%u has function %u, not %u",
                   'A' + (char)pin->port, pin->pin, function, pin->function);
        return false;
    }
    return true;
}

static void manage(struct emac *emac, uint32_t value)
{
    static const struct nuvoton_field divider = {0x02c, 16, 8};
    struct twin *twin = emac->soc->twin;
    const uint32_t hz = twin_hz(twin) / (clock_field(emac->soc, divider) + 1u);
    if (hz > MDC_HZ)
        twin_fault(twin, "EMAC's MDC runs at %u Hz (CLKDIV3.EMACDIV); a PHY takes %u", hz, MDC_HZ);
    else if (!(value & MDCON))
        twin_fault(twin, "EMAC's management starts without its clock (MIIMCTL.MDCON is 0)");
    else if (pins_are_right(emac, 0, 2))
        twin_timer_set(twin, &emac->managed, twin_now(twin) + 64u * 1000000000ull / hz);
}

static void on_managed(void *ctx)
{
    struct emac *emac = ctx;
    uint32_t *control = reg_of(emac, MIIMCTL), *data = reg_of(emac, MIIMDAT);
    const unsigned reg = *control & 0x1fu, address = *control >> 8 & 0x1fu;
    *control &= ~BUSY;
    if (*control & WRITE)
        phy_write(emac->soc->phy, address, reg, (uint16_t)*data);
    else
        *data = phy_read(emac->soc->phy, address, reg);
}

/* ---- registers ---- */

static bool emac_allow(struct device *device, const struct reg *reg, uint32_t value)
{
    struct emac *emac = (struct emac *)device;
    const uint32_t on = *reg_of(emac, CTL);
    (void)value;
    if (emac->reset_done.queued)
        twin_fault(device->twin, "the program writes EMAC.%s while CTL.RST is 1", reg->name);
    else if (emac->managed.queued && (reg->offset == MIIMCTL || reg->offset == MIIMDAT))
        twin_fault(device->twin, "the program writes EMAC.%s while MIIMCTL.BUSY is 1", reg->name);
    else if ((reg->offset == TXDSA && on & TXON) || (reg->offset == RXDSA && on & RXON))
        twin_fault(device->twin, "the program writes EMAC.%s while the ring is in use", reg->name);
    else
        return true;
    return false;
}

static uint32_t emac_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct emac *emac = (struct emac *)device;
    if (offset == MIIMDAT && emac->managed.queued)
        twin_fault(device->twin, "the program reads EMAC.MIIMDAT while MIIMCTL.BUSY is 1");
    return offset == INTSTS ? flags_of(emac) : value;
}

static bool outputs_are_fast(struct emac *emac)
{
    for (unsigned i = 2; i < 5; i++) {
        const struct nuvoton_pin *pin = &emac->soc->rmii_pins[i];
        if (pin_slew(emac->soc, pin->port, pin->pin) != 0)
            continue;
        twin_fault(emac->soc->twin,
                   "RMII drives P%c%u with normal slew (GPIO.SLEWCTL); it needs high",
                   'A' + (char)pin->port, pin->pin);
        return false;
    }
    return true;
}

static void switch_on(struct emac *emac, uint32_t turned_on)
{
    if (!(*reg_of(emac, CTL) & RMIIEN)) {
        twin_fault(emac->soc->twin, "EMAC starts without RMIIEN; the board has RMII");
        return;
    }
    if (!pins_are_right(emac, 0, 10) || !outputs_are_fast(emac))
        return;
    if (turned_on & TXON) {
        emac->tx_descriptor = *reg_of(emac, TXDSA);
        emac->tx_runs = true;
    }
    if (turned_on & RXON) {
        emac->rx_descriptor = *reg_of(emac, RXDSA);
        emac->rx_runs = false; /* until RXST */
    }
}

static void clear(struct emac *emac)
{
    twin_timer_set(emac->soc->twin, &emac->managed, TWIN_NEVER);
    twin_timer_set(emac->soc->twin, &emac->sent, TWIN_NEVER);
    emac->tx_runs = emac->rx_runs = emac->tx_dead = emac->rx_dead = false;
    update(emac);
}

static void on_reset_done(void *ctx)
{
    struct emac *emac = ctx;
    *reg_of(emac, CTL) &= ~RST;
}

static void write_control(struct emac *emac, uint32_t old)
{
    const uint32_t control = *reg_of(emac, CTL), turned_on = control & ~old & (TXON | RXON);
    if (control & RST) {
        device_reset(&emac->device, TWIN_RESET_POWER);
        *reg_of(emac, CTL) |= RST;
        twin_timer_set(emac->soc->twin, &emac->reset_done, twin_now(emac->soc->twin) + 500u);
    } else if (turned_on) {
        switch_on(emac, turned_on);
    }
}

static void emac_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct emac *emac = (struct emac *)device;
    if (offset == CTL) {
        write_control(emac, old);
    } else if (offset == MIIMCTL && value & BUSY) {
        manage(emac, value);
    } else if (offset == TXST) {
        emac->tx_runs = true;
        send_next(emac);
    } else if (offset == RXST) {
        emac->rx_runs = true;
    }
    update(emac);
}

static void emac_reset(struct device *device, enum twin_reset reset)
{
    struct emac *emac = (struct emac *)device;
    (void)reset;
    twin_timer_set(device->twin, &emac->reset_done, TWIN_NEVER);
    clear(emac);
}

static const char *emac_deaf(struct device *device)
{
    const struct nuvoton_bit gate = {0x004, 5};
    return module_deaf(((struct emac *)device)->soc, device, gate);
}

void emac_start(struct nuvoton *soc)
{
    struct emac *emac = soc->emac = chip_alloc(soc, sizeof *emac);
    emac->soc = soc;
    emac->managed = (struct twin_timer){.run = on_managed, .ctx = emac};
    emac->sent = (struct twin_timer){.run = on_sent, .ctx = emac};
    emac->came = (struct twin_timer){.run = on_came, .ctx = emac};
    emac->reset_done = (struct twin_timer){.run = on_reset_done, .ctx = emac};
    emac->device = (struct device){.name = "EMAC",
                                   .base = 0x4000b000u,
                                   .size = 0x1000u,
                                   .regs = emac_regs,
                                   .reg_count = sizeof emac_regs / sizeof *emac_regs,
                                   .read = emac_read,
                                   .write = emac_write,
                                   .allow = emac_allow,
                                   .reset = emac_reset,
                                   .deaf = emac_deaf};
    module_add(soc, &emac->device, (struct nuvoton_bit){0x008, 5});
}
