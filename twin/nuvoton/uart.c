/* UART: bytes take their time on the line, FIFOs of 16 overflow, RTS and CTS hold the other side.
 *
 * The wrong pins or the wrong rate are faults here: on silicon the other end would see garbage. */
#include <stdio.h>
#include <string.h>

#include "twin/nuvoton/nuvoton.h"

#define DAT      0x00u
#define INTEN    0x04u
#define FIFO     0x08u
#define LINE     0x0cu
#define MODEM    0x10u
#define MODEMSTS 0x14u
#define FIFOSTS  0x18u
#define INTSTS   0x1cu
#define TOUT     0x20u
#define BAUD     0x24u
#define FUNCSEL  0x30u

#define RDAIEN   0x001u
#define THREIEN  0x002u
#define RLSIEN   0x004u
#define RXTOIEN  0x010u
#define TOCNTEN  0x800u
#define ATORTSEN 0x1000u
#define ATOCTSEN 0x2000u

#define RXRST 2u
#define TXRST 4u

#define RXOVIF 1u

#define ACTLV   0x300u /* RTSACTLV, CTSACTLV */
#define TXRXDIS 0x8u

#define FIFO_SIZE 16u

static const struct reg uart_regs[] = {
    {"DAT", DAT, 0, 0, 0, 0, 0},
    {"INTEN", INTEN, 0x0045f97f, 0, 0, 0, 0},
    {"FIFO", FIFO, 0x000f01f0, 0, 0x101, 0, 0},
    {"LINE", LINE, 0x3ff, 0, 0, 0, 0},
    {"MODEM", MODEM, 0x202, 0, 0x200, 0, 0},
    {"MODEMSTS", MODEMSTS, 0x100, 1, 0x110, 0, 0},
    {"FIFOSTS", FIFOSTS, 0, 0x0100007f, 0, 0, 0},
    {"INTSTS", INTSTS, 0, 0, 0, 0, 0},
    {"TOUT", TOUT, 0xffff, 0, 0, 0, 0},
    {"BAUD", BAUD, 0x3f00ffff, 0, 0x0f000000, 0, 0},
    {"FUNCSEL", FUNCSEL, 0xcf, 0, 0, 0, 0},
};

/* ---- rate and pins ---- */

static uint32_t source_hz(struct uart *uart)
{
    static const int8_t clocks[] = {CLOCK_HXT,  CLOCK_PLL, CLOCK_LXT, CLOCK_HIRC,
                                    CLOCK_PCLK, -1,        -1,        -1};
    struct nuvoton *soc = uart->soc;
    const uint32_t select = clock_field(soc, soc->part->uart_clock[uart->number].select);
    const uint32_t divider = clock_field(soc, soc->part->uart_clock[uart->number].divider) + 1u;
    uint32_t hz = clocks[select] < 0 ? 0 : clock_hz(soc, (enum nuvoton_clock)clocks[select]);
    if (select == 1 && soc->part->pll_halved)
        hz /= 2u;
    return hz / divider;
}

static uint32_t rate_of(struct uart *uart)
{
    const uint32_t baud = *device_reg(&uart->device, BAUD), divisor = (baud & 0xffffu) + 2u;
    const uint32_t hz = source_hz(uart);
    switch (baud >> 28 & 3u) {
    case 0:
        return hz / 16u / divisor;
    case 3:
        return hz / divisor;
    default:
        return hz / ((baud >> 24 & 0xfu) + 1u) / divisor;
    }
}

static twin_ns byte_time(struct uart *uart)
{
    const uint32_t rate = uart->peer ? uart->peer->baud : 115200u;
    return 10u * 1000000000ull / rate;
}

/* The line works: rate within 2 percent, 8N1. */
static bool line_is_right(struct uart *uart)
{
    const uint32_t rate = rate_of(uart), wanted = uart->peer ? uart->peer->baud : 115200u;
    if (rate < wanted - wanted / 50u || rate > wanted + wanted / 50u) {
        twin_fault(uart->soc->twin, "%s runs at %u bit/s; the other end, %s, at %u",
                   uart->device.name, rate, uart->peer ? uart->peer->name : "nobody", wanted);
        return false;
    }
    if ((*device_reg(&uart->device, LINE) & 0x3fu) != 3u) {
        twin_fault(uart->soc->twin, "%s.LINE is not 8N1", uart->device.name);
        return false;
    }
    return true;
}

static bool pin_is_right(struct uart *uart, const struct nuvoton_pin *pin, const char *what)
{
    if (pin->function == 0 || pin_function(uart->soc, pin->port, pin->pin) == pin->function)
        return true;
    twin_fault(uart->soc->twin, "%s %s, but P%c%u has function %u, not %u", uart->device.name, what,
               'A' + (char)pin->port, pin->pin, pin_function(uart->soc, pin->port, pin->pin),
               pin->function);
    return false;
}

static void check_flow_pins(struct uart *uart)
{
    const uint32_t enabled = *device_reg(&uart->device, INTEN);
    if (enabled & ATORTSEN)
        (void)pin_is_right(uart, &uart->rts_pin, "drives RTS");
    if (enabled & ATOCTSEN)
        (void)pin_is_right(uart, &uart->cts_pin, "obeys CTS");
}

/* ---- interrupts ---- */

static uint32_t trigger_of(const struct uart *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    return levels[uart->device.values[FIFO / 4] >> 4 & 3u];
}

static uint32_t flags_of(const struct uart *uart)
{
    const uint32_t errors = uart->device.values[FIFOSTS / 4] & 0x7fu;
    return (uint32_t)(uart->rx_count >= trigger_of(uart)) | (uint32_t)(uart->tx_count == 0) << 1 |
           (uint32_t)((errors & 0x70u) != 0) << 2 | (uint32_t)uart->rx_is_old << 4 |
           (uint32_t)((errors & RXOVIF) != 0) << 5;
}

static void update(struct uart *uart)
{
    const uint32_t flags = flags_of(uart) & uart->device.values[INTEN / 4] & 0x3fu;
    twin_irq(uart->soc->twin, uart->soc->part->uart_irq[uart->number], flags != 0);
}

static void restart_time_out(struct uart *uart)
{
    const uint32_t enabled = uart->device.values[INTEN / 4];
    const uint32_t bits = uart->device.values[TOUT / 4] & 0xffu;
    uart->rx_is_old = false;
    twin_timer_set(uart->soc->twin, &uart->quiet,
                   (enabled & TOCNTEN) && bits && uart->rx_count
                       ? twin_now(uart->soc->twin) + byte_time(uart) * bits / 10u
                       : TWIN_NEVER);
}

static void on_quiet(void *ctx)
{
    struct uart *uart = ctx;
    uart->rx_is_old = uart->rx_count > 0;
    update(uart);
}

/* ---- out ---- */

static void send_next(struct uart *uart)
{
    const bool held =
        uart->device.values[INTEN / 4] & ATOCTSEN && uart->peer && !uart->peer->clear_to_send;
    if (uart->sending || uart->tx_count == 0 || held)
        return;
    uart->sending = true;
    twin_timer_set(uart->soc->twin, &uart->sent, twin_now(uart->soc->twin) + byte_time(uart));
}

static void on_sent(void *ctx)
{
    struct uart *uart = ctx;
    const uint8_t byte = uart->tx[0];
    uart->sending = false;
    if (uart->tx_count > 0)
        memmove(uart->tx, uart->tx + 1, --uart->tx_count);
    if (uart->peer)
        uart->peer->take(uart->peer->ctx, byte);
    send_next(uart);
    update(uart);
}

static void resume(void *uart)
{
    send_next(uart);
}

static void put(struct uart *uart, uint8_t byte)
{
    if (!line_is_right(uart) || !pin_is_right(uart, &uart->tx_pin, "sends"))
        return;
    if (uart->tx_count == FIFO_SIZE) {
        twin_fault(uart->soc->twin, "the program writes %s.DAT while its FIFO is full",
                   uart->device.name);
        return;
    }
    uart->tx[uart->tx_count++] = byte;
    send_next(uart);
}

/* ---- in ---- */

static bool is_held_off(const struct uart *uart)
{
    static const uint8_t levels[] = {1, 4, 8, 14};
    const uint32_t *values = uart->device.values;
    if (!(values[INTEN / 4] & ATORTSEN))
        return false;
    return uart->rx_count >= levels[values[FIFO / 4] >> 16 & 3u];
}

static void receive_next(struct uart *uart)
{
    if (uart->backlog_count == 0 || uart->came.queued)
        return;
    /* The peer that honours RTS waits; uart_read tries again. */
    if (uart->peer && uart->peer->honours_rts && is_held_off(uart))
        return;
    twin_timer_set(uart->soc->twin, &uart->came, twin_now(uart->soc->twin) + byte_time(uart));
}

static const char *clock_fault(struct device *device);

static void on_came(void *ctx)
{
    struct uart *uart = ctx;
    const uint8_t byte = uart->backlog[uart->backlog_start];
    uart->backlog_start = (uart->backlog_start + 1u) % UART_BACKLOG;
    uart->backlog_count--;
    if (!clock_fault(&uart->device) && *device_reg(&uart->device, LINE)) {
        if (line_is_right(uart) && pin_is_right(uart, &uart->rx_pin, "receives")) {
            if (uart->rx_count == FIFO_SIZE)
                *device_reg(&uart->device, FIFOSTS) |= RXOVIF; /* the byte is lost */
            else
                uart->rx[uart->rx_count++] = byte;
            restart_time_out(uart);
            update(uart);
        }
    }
    receive_next(uart);
}

static bool give(void *ctx, const void *data, uint32_t size)
{
    struct uart *uart = ctx;
    const uint8_t *bytes = data;
    if (size > UART_BACKLOG - uart->backlog_count)
        return false;
    for (uint32_t i = 0; i < size; i++)
        uart->backlog[(uart->backlog_start + uart->backlog_count++) % UART_BACKLOG] = bytes[i];
    receive_next(uart);
    return true;
}

void uart_connect(struct uart *uart, struct serial *peer)
{
    uart->peer = peer;
    peer->uart = uart;
    peer->give = give;
    peer->resume = resume;
}

static uint32_t take(struct uart *uart)
{
    if (uart->rx_count == 0)
        return 0;
    const uint8_t byte = uart->rx[0];
    memmove(uart->rx, uart->rx + 1, --uart->rx_count);
    restart_time_out(uart);
    receive_next(uart);
    update(uart);
    return byte;
}

/* ---- registers ---- */

static uint32_t fifo_status(const struct uart *uart, uint32_t flags)
{
    return flags | (uart->rx_count & 0xfu) << 8 | (uint32_t)(uart->rx_count == 0) << 14 |
           (uint32_t)(uart->rx_count == FIFO_SIZE) << 15 | (uart->tx_count & 0xfu) << 16 |
           (uint32_t)(uart->tx_count == 0) << 22 | (uint32_t)(uart->tx_count == FIFO_SIZE) << 23 |
           (uint32_t)(uart->tx_count == 0 && !uart->sending) << 28 |
           (uint32_t)!uart->came.queued << 29 | (uint32_t)uart->sending << 31;
}

static uint32_t uart_read(struct device *device, uint32_t offset, uint32_t value)
{
    struct uart *uart = (struct uart *)device;
    if (offset == DAT)
        return take(uart);
    if (offset == FIFOSTS && uart->tx_count == FIFO_SIZE)
        twin_stall_until(device->twin, uart->sent.at); /* who asks, waits for room */
    if (offset == FIFOSTS)
        return fifo_status(uart, value);
    if (offset == INTSTS) {
        const uint32_t flags = flags_of(uart);
        return flags | (flags & uart->device.values[INTEN / 4] & 0xffu) << 8;
    }
    if (offset == MODEMSTS)
        return (value & ~0x10u) | (uint32_t)(uart->peer && !uart->peer->clear_to_send) << 4;
    return value;
}

static void uart_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct uart *uart = (struct uart *)device;
    if (offset == DAT)
        put(uart, (uint8_t)value);
    if (offset == FIFO && value & RXRST)
        uart->rx_count = 0;
    if (offset == FIFO && value & TXRST && (uart->sending || uart->tx_count))
        twin_fault(uart->soc->twin, "the program sets %s.FIFO.TXRST before TXEMPTYF is 1",
                   device->name);
    if (offset == INTEN)
        check_flow_pins(uart);
    if ((offset == MODEM || offset == MODEMSTS) && (old ^ *device_reg(device, offset)) & ACTLV &&
        !(*device_reg(device, FUNCSEL) & TXRXDIS))
        twin_fault(uart->soc->twin, "%s's active levels are changed while FUNCSEL.TXRXDIS is 0",
                   device->name);
    if (offset == INTEN || offset == TOUT)
        restart_time_out(uart);
    send_next(uart);
    receive_next(uart);
    update(uart);
}

static const char *clock_fault(struct device *device)
{
    const struct uart *uart = (struct uart *)device;
    const struct nuvoton_bit gate = {0x008, (uint8_t)(16u + uart->number)};
    return module_deaf(uart->soc, device, gate);
}

/* The peer's bytes still come: they are on the line. */
static void uart_reset(struct device *device, enum twin_reset reset)
{
    struct uart *uart = (struct uart *)device;
    (void)reset;
    uart->rx_count = uart->tx_count = 0;
    uart->sending = uart->rx_is_old = false;
    twin_timer_set(uart->soc->twin, &uart->sent, TWIN_NEVER);
    twin_timer_set(uart->soc->twin, &uart->quiet, TWIN_NEVER);
    update(uart);
}

void uart_start(struct nuvoton *soc, unsigned number)
{
    static const char *const names[] = {"UART0", "UART1", "UART2", "UART3",
                                        "UART4", "UART5", "UART6", "UART7"};
    struct uart *uart = &soc->uarts[number];
    uart->soc = soc;
    uart->number = number;
    uart->sent = (struct twin_timer){.run = on_sent, .ctx = uart};
    uart->came = (struct twin_timer){.run = on_came, .ctx = uart};
    uart->quiet = (struct twin_timer){.run = on_quiet, .ctx = uart};
    uart->device = (struct device){.name = names[number],
                                   .base = 0x40070000u + 0x1000u * number,
                                   .size = 0x1000u,
                                   .regs = uart_regs,
                                   .reg_count = sizeof uart_regs / sizeof *uart_regs,
                                   .read = uart_read,
                                   .write = uart_write,
                                   .deaf = clock_fault,
                                   .reset = uart_reset};
    module_add(soc, &uart->device, (struct nuvoton_bit){0x00c, (uint8_t)(16u + number)});
}
