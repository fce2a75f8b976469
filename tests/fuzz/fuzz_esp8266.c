/* Whatever the modem sends: nothing outside of the driver's buffers is touched, time never stands
 * still, and no more than was asked for is taken as data.
 *
 * Input: steps of a byte each, most with text behind them. 0xff and a number: so many tenths of a
 * second pass; 0xfe: open; 0xfd: close; 0xfc: what came is read; 0xfb: something is sent; all else
 * goes to the driver as it is. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "net/at/esp8266.h"
#include "port/log.h"

static otter_ms now;

otter_ms port_now(void)
{
    return now;
}

void port_log_write(const char *line, size_t length)
{
    (void)line;
    (void)length;
}

static void drain(struct esp8266 *modem)
{
    const uint8_t *data;
    static volatile uint8_t sum;
    const size_t length = esp8266_output(modem, &data);
    for (size_t i = 0; i < length; i++)
        sum = (uint8_t)(sum + data[i]);
    esp8266_sent(modem, length);
}

static void pass_time(struct esp8266 *modem, otter_ms ms)
{
    const otter_ms end = now + ms;
    for (unsigned turns = 0; now < end; turns++) {
        const otter_ms due = esp8266_deadline(modem);
        if (turns > 10000)
            abort();
        now = due < end ? (due > now ? due : now) : end;
        esp8266_tick(modem, now);
        drain(modem);
        if (due <= now && esp8266_deadline(modem) <= now && turns > 100)
            abort(); /* due for ever */
    }
}

static void step(struct esp8266 *modem, uint8_t kind, uint8_t next)
{
    uint8_t bytes[300] = {0};
    switch (kind) {
    case 0xff:
        pass_time(modem, next * 100u);
        break;
    case 0xfe:
        (void)esp8266_open(modem, now, next % 2 ? "server.test" : "10.0.0.1", 8883);
        break;
    case 0xfd:
        esp8266_close(modem, now);
        break;
    case 0xfc:
        if (esp8266_receive(modem, now, bytes, sizeof bytes) > (int)sizeof bytes)
            abort();
        break;
    case 0xfb:
        (void)esp8266_send(modem, now, bytes, next);
        break;
    default:
        esp8266_input(modem, now, &kind, 1);
    }
    drain(modem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct esp8266 modem;
    const struct esp8266_wiring wiring = {.reset_pin = size % 2, .rts_cts = size % 3};
    now = 0;
    esp8266_init(&modem, &wiring, now);
    esp8266_join(&modem, now, "net", "secret");
    pass_time(&modem, 100);
    for (size_t i = 0; i < size; i++)
        step(&modem, data[i], i + 1 < size ? data[i + 1] : 0);
    return 0;
}
