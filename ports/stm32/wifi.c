/* Frames by an EMW3080 at an SPI: net/emw3080 with the board's pins below it and lwIP's buffers
 * above. Frames wait in lwIP's own memory: on their way out by a reference, on their way in in its
 * pool, of which one frame's room is always held.
 *
 * FLOW and NOTIFY wake the core by EXTI. Written from RM0456 and RM0481, chapter EXTI, and the
 * register tables of both parts. */
#include <lwip/pbuf.h>
#include <string.h>

#include "boards/map.h"
#include "net/emw3080/emw3080.h"
#include "ports/cortex-m/clock.h"
#include "ports/lwip/ethernet.h"
#include "ports/stm32/spi.h"
#include "ports/stm32/stm32.h"

#define LINE_OF(pin)        LINE_OF_(pin)
#define LINE_OF_(port, pin) (pin)
#define FLOW                (1u << LINE_OF(BOARD_WIFI_FLOW))
#define NOTIFY              (1u << LINE_OF(BOARD_WIFI_NOTIFY))
#define QUEUE_SIZE          8u /* power of two */

static struct emw3080 module;
static volatile bool flow_risen;
static uint8_t *address; /* lwIP's copy */

static struct {
    uint32_t head, tail; /* running counts */
    struct pbuf *frames[QUEUE_SIZE];
} outgoing;

static struct pbuf *incoming; /* room for the next frame */
static struct pbuf *received; /* until lwIP takes it */

/* ---- Pins ------------------------------------------------------------------------------------ */

void wifi_handler(void);

void wifi_handler(void)
{
    const uint32_t risen = EXTI_RPR & (FLOW | NOTIFY);
    EXTI_RPR = risen;
    if (risen & FLOW)
        flow_risen = true;
}

void emw3080_reset(bool active)
{
    pin_set(BOARD_WIFI_RESET, !active);
}

void emw3080_select(bool on)
{
    pin_set(BOARD_WIFI_SELECT, !on);
}

bool emw3080_notify(void)
{
    return pin_is_high(BOARD_WIFI_NOTIFY);
}

bool emw3080_flow(void)
{
    return flow_risen;
}

void emw3080_forget_flow(void)
{
    flow_risen = false;
}

bool emw3080_exchange(const uint8_t *out, uint8_t *in, size_t length)
{
    return spi_exchange(BOARD_WIFI_SPI, out, in, length);
}

static void wire(unsigned port, unsigned pin, unsigned function)
{
    pin_alternate(port, pin, function);
    pin_fast(port, pin);
}

static void watch_line(unsigned port, unsigned pin)
{
    pin_input(port, pin, PULL_NONE);
    EXTI_CR(pin) = (EXTI_CR(pin) & ~(0xffu << EXTI_CR_SHIFT(pin))) | port << EXTI_CR_SHIFT(pin);
    EXTI_RTSR |= 1u << pin;
    EXTI_RPR = 1u << pin;
    EXTI_IMR |= 1u << pin;
    irq_enable(IRQ_EXTI(pin));
}

static void start_pins(void)
{
    pin_output(BOARD_WIFI_SELECT, true);
    pin_output(BOARD_WIFI_RESET, true);
#ifdef BOARD_WIFI_BOOT
    pin_output(BOARD_WIFI_BOOT, true); /* it starts its own firmware, not a loader */
#endif
    wire(BOARD_WIFI_SCK);
    wire(BOARD_WIFI_MISO);
    wire(BOARD_WIFI_MOSI);
    watch_line(BOARD_WIFI_FLOW);
    watch_line(BOARD_WIFI_NOTIFY);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static struct pbuf *next_frame(void)
{
    return outgoing.head == outgoing.tail ? NULL : outgoing.frames[outgoing.tail % QUEUE_SIZE];
}

size_t emw3080_frame_length(void)
{
    const struct pbuf *frame = next_frame();
    return frame == NULL ? 0 : frame->tot_len;
}

void emw3080_frame_read(size_t offset, uint8_t *data, size_t length)
{
    pbuf_copy_partial(next_frame(), data, (u16_t)length, (u16_t)offset);
}

void emw3080_frame_sent(void)
{
    pbuf_free(next_frame());
    outgoing.tail++;
}

bool emw3080_frame_room(void)
{
    if (incoming == NULL)
        incoming = pbuf_alloc(PBUF_RAW, EMW3080_FRAME_MAX, PBUF_POOL);
    return incoming != NULL && received == NULL;
}

void emw3080_frame_write(size_t offset, const uint8_t *data, size_t length)
{
    pbuf_take_at(incoming, data, (u16_t)length, (u16_t)offset);
}

void emw3080_frame_received(size_t length)
{
    pbuf_realloc(incoming, (u16_t)length);
    received = incoming;
    incoming = NULL;
}

/* ---- For lwIP -------------------------------------------------------------------------------- */

/* Whether a module answers shows later; `mac` is filled then. */
otter_status ethernet_start(uint8_t mac[6])
{
    address = mac;
    CHIP_WIFI_SPI_CLOCK();
    start_pins();
    spi_start(BOARD_WIFI_SPI, CHIP_WIFI_SPI_MBR);
    emw3080_init(&module, port_now());
    return OTTER_OK;
}

otter_status ethernet_poll(void)
{
    emw3080_tick(&module, port_now());
    if (emw3080_network(&module) == OTTER_OK)
        memcpy(address, emw3080_mac(&module), 6);
    return emw3080_network(&module);
}

bool ethernet_has_work(void)
{
    return received != NULL || emw3080_has_work(&module, port_now());
}

struct pbuf *ethernet_receive(void)
{
    struct pbuf *const frame = received;
    received = NULL;
    return frame;
}

/* lwIP leaves a segment alone that somebody else still holds. */
otter_status ethernet_send(const struct pbuf *frame)
{
    if (emw3080_network(&module) != OTTER_OK || frame->tot_len < EMW3080_FRAME_MIN ||
        frame->tot_len > EMW3080_FRAME_MAX)
        return OTTER_E_IO;
    if (outgoing.head - outgoing.tail == QUEUE_SIZE)
        return OTTER_E_AGAIN;
    struct pbuf *const held = (struct pbuf *)frame;
    pbuf_ref(held);
    outgoing.frames[outgoing.head % QUEUE_SIZE] = held;
    outgoing.head++;
    return OTTER_OK;
}

void ethernet_join(const char *ssid, const char *credential)
{
    emw3080_join(&module, port_now(), ssid, credential);
}
