/* USART1: bytes take their time on the line, FIFOs of 8 overrun, an overrun blocks the receiver
 * until it is cleared. Bytes come in by the line's clock also while the core waits for the bus.
 *
 * The wrong pins or the wrong rate are faults here: on silicon the other end would see garbage. */
#include <string.h>

#include "twin/stm32/stm32.h"

#define CR1   0x00u
#define CR2   0x04u
#define CR3   0x08u
#define BRR   0x0cu
#define RQR   0x18u
#define ISR   0x1cu
#define ICR   0x20u
#define RDR   0x24u
#define TDR   0x28u
#define PRESC 0x2cu

#define UE     (1u << 0)
#define RE     (1u << 2)
#define TE     (1u << 3)
#define IDLEIE (1u << 4)
#define RXNEIE (1u << 5)
#define TCIE   (1u << 6)
#define TXEIE  (1u << 7)
#define OVER8  (1u << 15)
#define FIFOEN (1u << 29)
/* What may change only while UE is 0. */
#define CR1_FIXED (FIFOEN | OVER8 | 1u << 28 | 1u << 12 | 1u << 10 | 1u << 9)
#define CR1_FRAME (1u << 28 | 1u << 12 | 1u << 10) /* M1, M0, PCE: all 0 is 8N1 */

#define EIE    (1u << 0)
#define OVRDIS (1u << 12)
#define DMA    (1u << 6 | 1u << 7)

#define ORE   (1u << 3)
#define IDLE  (1u << 4)
#define RXNE  (1u << 5)
#define TC    (1u << 6)
#define TXE   (1u << 7)
#define TEACK (1u << 21)
#define REACK (1u << 22)
#define RXFT  (1u << 26)
#define TXFT  (1u << 27)

#define RXFRQ (1u << 3)
#define TXFRQ (1u << 4)

#define CLEARABLE 0x5fu

static const struct reg usart_regs[] = {
    {"CR1", CR1, 0xf000d7ff, 0, 0, 0, 0},
    {"CR2", CR2, 0x000cb000, 0, 0, 0, 0},
    {"CR3", CR3, 0xfe8013c9, 0, 0, 0, 0},
    {"BRR", BRR, 0xffff, 0, 0, 0, 0},
    {"RQR", RQR, 0, 0, 0, 0, 0},
    {"ISR", ISR, 0, 0, 0, 0, 0}, /* holds the flags that ICR clears */
    {"ICR", ICR, 0, 0, 0, 0, 0},
    {"RDR", RDR, 0, 0, 0, 0, 0},
    {"TDR", TDR, 0x1ff, 0, 0, 0, 0},
    {"PRESC", PRESC, 0xf, 0, 0, 0, 0},
};

static uint32_t reg(const struct stm32_usart *usart, uint32_t offset)
{
    return usart->module.device.values[offset / 4u];
}

static struct twin *twin_of(const struct stm32_usart *usart)
{
    return usart->module.soc->twin;
}

static unsigned depth_of(const struct stm32_usart *usart)
{
    return reg(usart, CR1) & FIFOEN ? STM32_FIFO : 1u;
}

/* ---- rate ---- */

static uint32_t source_hz(struct stm32_usart *usart)
{
    static const int8_t u5[] = {STM32_PCLK2, STM32_SYSCLK, STM32_HSI, STM32_LSE, -1, -1, -1, -1};
    static const int8_t h5[] = {STM32_PCLK2, -1, -1, STM32_HSI, -1, STM32_LSE, -1, -1};
    static const uint8_t dividers[] = {1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 255};
    struct stm32 *soc = usart->module.soc;
    const bool is_u5 = soc->part->family == STM32_U5;
    const uint32_t select = is_u5 ? stm32_rcc(soc, 0x0e0) & 3u : stm32_rcc(soc, 0x0d8) & 7u;
    const int8_t clock = (is_u5 ? u5 : h5)[select];
    const uint32_t presc = reg(usart, PRESC);
    if (clock < 0 || presc >= sizeof dividers)
        return 0;
    return stm32_clock_hz(soc, (enum stm32_clock)clock) / dividers[presc];
}

static uint32_t rate_of(struct stm32_usart *usart)
{
    const uint32_t divisor = reg(usart, BRR);
    const uint32_t hz = source_hz(usart);
    if (reg(usart, CR1) & OVER8)
        return 2u * hz / ((divisor & 0xfff0u) | (divisor & 7u) << 1 | 1u);
    return divisor < 16 ? 0 : hz / divisor;
}

static uint32_t line_rate(const struct stm32_usart *usart)
{
    return usart->peer ? usart->peer->baud : 115200u;
}

static twin_ns byte_time(const struct stm32_usart *usart)
{
    return 10u * 1000000000ull / line_rate(usart);
}

/* The line works: rate within 2 percent, 8N1. */
static bool line_is_right(struct stm32_usart *usart)
{
    const uint32_t rate = rate_of(usart), wanted = line_rate(usart);
    if (rate < wanted - wanted / 50u || rate > wanted + wanted / 50u)
        twin_fault(twin_of(usart), "USART1 runs at %u bit/s; the other end, %s, at %u", rate,
                   usart->peer ? usart->peer->name : "nobody", wanted);
    else if (reg(usart, CR1) & CR1_FRAME || reg(usart, CR2))
        twin_fault(twin_of(usart), "USART1 does not send 8N1: CR1 is 0x%08x, CR2 0x%08x",
                   reg(usart, CR1), reg(usart, CR2));
    else
        return true;
    return false;
}

/* ---- flags ---- */

static bool is_on(const struct stm32_usart *usart, uint32_t direction)
{
    return (reg(usart, CR1) & (UE | direction)) == (UE | direction);
}

static bool is_acknowledged(const struct stm32_usart *usart, uint32_t direction)
{
    return is_on(usart, direction) && twin_now(twin_of(usart)) >= usart->ready_at;
}

static unsigned threshold(uint32_t field)
{
    static const uint8_t eighths[] = {1, 2, 4, 6, 7, 8, 8, 8};
    return eighths[field & 7u];
}

static uint32_t flags_of(const struct stm32_usart *usart)
{
    const uint32_t control = reg(usart, CR3);
    uint32_t flags = reg(usart, ISR);
    if (usart->rx_count)
        flags |= RXNE;
    if (usart->tx_count < depth_of(usart))
        flags |= TXE;
    if (usart->tx_count == 0 && !usart->sending)
        flags |= TC;
    if (is_acknowledged(usart, TE))
        flags |= TEACK;
    if (is_acknowledged(usart, RE))
        flags |= REACK;
    if (usart->rx_count >= threshold(control >> 25))
        flags |= RXFT;
    if (STM32_FIFO - usart->tx_count >= threshold(control >> 29))
        flags |= TXFT;
    return flags;
}

static void update(struct stm32_usart *usart)
{
    const uint32_t flags = flags_of(usart), control = reg(usart, CR1);
    const uint32_t errors = (reg(usart, CR3) & EIE || control & RXNEIE) ? flags & ORE : 0;
    const uint32_t wanted = control & (IDLEIE | RXNEIE | TCIE | TXEIE);
    twin_irq(twin_of(usart), usart->module.soc->part->usart1_irq, (flags & wanted) | errors);
}

/* ---- out ---- */

static void send_next(struct stm32_usart *usart)
{
    if (usart->sending || usart->tx_count == 0)
        return;
    usart->sending = true;
    usart->shifting = usart->tx[0];
    memmove(usart->tx, usart->tx + 1, --usart->tx_count);
    twin_timer_set(twin_of(usart), &usart->sent, twin_now(twin_of(usart)) + byte_time(usart));
}

static void on_sent(void *ctx)
{
    struct stm32_usart *usart = ctx;
    usart->sending = false;
    if (usart->peer)
        usart->peer->take(usart->peer->ctx, usart->shifting);
    send_next(usart);
    update(usart);
}

static void put(struct stm32_usart *usart, uint8_t byte)
{
    if (!is_acknowledged(usart, TE)) {
        twin_fault(twin_of(usart), "the program writes USART1.TDR before ISR.TEACK is 1");
        return;
    }
    if (!line_is_right(usart) || !stm32_pin_is(usart->module.soc, &usart->tx_pin, "USART1 sends"))
        return;
    if (usart->tx_count == depth_of(usart)) {
        twin_fault(twin_of(usart), "the program writes USART1.TDR while ISR.TXE is 0");
        return;
    }
    usart->tx[usart->tx_count++] = byte;
    send_next(usart);
}

/* ---- in ---- */

static void receive_next(struct stm32_usart *usart, twin_ns from)
{
    if (usart->backlog_count && !usart->came.queued)
        twin_timer_set(twin_of(usart), &usart->came, from + byte_time(usart));
}

static void receive(struct stm32_usart *usart, uint8_t byte)
{
    struct device *device = &usart->module.device;
    if (stm32_module_deaf(&usart->module) || !is_on(usart, RE) || !line_is_right(usart) ||
        !stm32_pin_is(usart->module.soc, &usart->rx_pin, "USART1 receives"))
        return;
    if (reg(usart, ISR) & ORE)
        return; /* blocked */
    if (usart->rx_count < depth_of(usart))
        usart->rx[usart->rx_count++] = byte;
    else if (!(reg(usart, CR3) & OVRDIS))
        *device_reg(device, ISR) |= ORE; /* the byte is lost */
    if (usart->backlog_count == 0)
        *device_reg(device, ISR) |= IDLE;
    update(usart);
}

static void on_came(void *ctx)
{
    struct stm32_usart *usart = ctx;
    const uint8_t byte = usart->backlog[usart->backlog_start];
    usart->backlog_start = (usart->backlog_start + 1u) % STM32_BACKLOG;
    usart->backlog_count--;
    receive(usart, byte);
    receive_next(usart, usart->came.at);
}

static bool give(void *ctx, const void *data, uint32_t size)
{
    struct stm32_usart *usart = ctx;
    const uint8_t *bytes = data;
    if (size > STM32_BACKLOG - usart->backlog_count)
        return false;
    for (uint32_t i = 0; i < size; i++)
        usart->backlog[(usart->backlog_start + usart->backlog_count++) % STM32_BACKLOG] = bytes[i];
    receive_next(usart, twin_now(twin_of(usart)));
    return true;
}

void stm32_usart_connect(struct stm32_usart *usart, struct serial *peer)
{
    usart->peer = peer;
    peer->uart = usart;
    peer->give = give;
    peer->resume = NULL; /* there is no RTS and no CTS */
}

static uint32_t take(struct stm32_usart *usart)
{
    if (usart->rx_count == 0)
        return 0;
    const uint8_t byte = usart->rx[0];
    memmove(usart->rx, usart->rx + 1, --usart->rx_count);
    update(usart);
    return byte;
}

/* ---- registers ---- */

static uint32_t usart_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct stm32_usart *usart = (struct stm32_usart *)device;
    if (offset == RDR)
        return take(usart);
    return offset == ISR ? flags_of(usart) : value;
}

static bool usart_allow(struct device *device, const struct reg *reg_written, uint32_t value)
{
    struct stm32_usart *usart = (struct stm32_usart *)device;
    const bool on = reg(usart, CR1) & UE;
    const uint32_t offset = reg_written->offset, changed = reg(usart, offset) ^ value;
    const bool fixed = offset == CR1   ? changed & CR1_FIXED && value & UE
                       : offset == CR3 ? (changed & OVRDIS) != 0
                                       : offset == BRR || offset == PRESC || offset == CR2;
    if (on && fixed && changed) {
        twin_fault(twin_of(usart), "the program changes USART1.%s to 0x%08x while CR1.UE is 1",
                   reg_written->name, value);
        return false;
    }
    if (offset == CR3 && value & DMA) {
        twin_fault(twin_of(usart), "USART1.CR3 asks for DMA, which is not modelled");
        return false;
    }
    return true;
}

static void control(struct stm32_usart *usart, uint32_t old)
{
    const uint32_t now = reg(usart, CR1);
    if (now & ~old & (UE | TE | RE))
        usart->ready_at = twin_now(twin_of(usart)) + byte_time(usart); /* a frame of ones */
    if (!(now & UE)) {
        usart->rx_count = usart->tx_count = 0;
        *device_reg(&usart->module.device, ISR) = 0;
    }
}

static void usart_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct stm32_usart *usart = (struct stm32_usart *)device;
    if (offset == TDR)
        put(usart, (uint8_t)value);
    else if (offset == CR1)
        control(usart, old);
    else if (offset == ICR)
        *device_reg(device, ISR) &= ~(value & CLEARABLE);
    else if (offset == RQR && value & RXFRQ)
        usart->rx_count = 0;
    if (offset == RQR && value & TXFRQ)
        usart->tx_count = 0;
    update(usart);
}

/* The peer's bytes still come: they are on the line. */
static void usart_reset(struct device *device, enum twin_reset reset)
{
    struct stm32_usart *usart = (struct stm32_usart *)device;
    (void)reset;
    usart->rx_count = usart->tx_count = 0;
    usart->sending = false;
    twin_timer_set(twin_of(usart), &usart->sent, TWIN_NEVER);
    update(usart);
}

void stm32_usart_start(struct stm32 *soc)
{
    struct stm32_usart *usart = &soc->usart1;
    usart->sent = (struct twin_timer){.run = on_sent, .ctx = usart};
    usart->came = (struct twin_timer){.run = on_came, .ctx = usart};
    usart->tx_pin = (struct stm32_pin){0, 9, 7};
    usart->rx_pin = (struct stm32_pin){0, 10, 7};
    usart->module.device = (struct device){.name = "USART1",
                                           .base = 0x40013800u,
                                           .size = 0x400u,
                                           .regs = usart_regs,
                                           .reg_count = sizeof usart_regs / sizeof *usart_regs,
                                           .narrow = true,
                                           .read = usart_read,
                                           .write = usart_write,
                                           .allow = usart_allow,
                                           .reset = usart_reset};
    usart->module.gate = (struct stm32_bit){0x0a4, 14};
    usart->module.reset = (struct stm32_bit){0x07c, 14};
    stm32_add(soc, &usart->module);
}
