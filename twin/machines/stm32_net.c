/* Networks of boards with an STM32; see stm32_net.h. */
#include "twin/machines/stm32_net.h"

#include <stdlib.h>
#include <string.h>

#include "twin/modem/emw3080_model.h"
#include "twin/modem/wifi.h"
#include "twin/net.h"

#define OUTPUT     1u /* of MODER */
#define FAULTS_MAX 24u

struct stm32_net {
    struct stm32 *soc;
    const struct stm32_wifi_wiring *wiring; /* of the EMW3080; NULL: none */
    struct wifi *wifi;                      /* NULL before it is switched on */
    struct stm32_ear ear;
    struct phy *phy; /* NULL where there is no Ethernet */
    struct net *cable;
    unsigned wifi_faults; /* of these: none, and those of the EMW3080; then come those of ETH */
    const char *faults[FAULTS_MAX];
};

/* ---- the EMW3080 ---- */

static bool is_at(const struct stm32_pin *pin, unsigned port, unsigned number)
{
    return pin->port == port && pin->pin == number;
}

/* By the program, not because the chip's own reset lets go of all pins. */
static bool is_output(const struct stm32 *soc, const struct stm32_pin *pin)
{
    const uint32_t modes = soc->gpio[pin->port].module.device.values[0];
    return (modes >> (2u * pin->pin) & 3u) == OUTPUT;
}

static void follow_reset(struct stm32_net *net, bool level)
{
    const struct stm32_wifi_wiring *wiring = net->wiring;
    if (level && !is_output(net->soc, &wiring->reset)) {
        wifi_release(net->wifi);
        return;
    }
    if (level && wiring->has_boot &&
        !stm32_pin_level(net->soc, wiring->boot.port, wiring->boot.pin))
        twin_fault(net->soc->twin, "the modem's reset ends while P%c%u, its BOOT, is low",
                   'A' + (char)wiring->boot.port, wiring->boot.pin);
    wifi_reset(net->wifi, level);
}

static void on_pin(void *ctx, unsigned port, unsigned pin, bool level)
{
    struct stm32_net *net = ctx;
    const struct stm32_wifi_wiring *wiring = net->wiring;
    if (!net->wifi)
        return;
    if (is_at(&wiring->reset, port, pin))
        follow_reset(net, level);
    if (!is_at(&wiring->nss, port, pin))
        return;
    if (level && !is_output(net->soc, &wiring->nss))
        wifi_drop(net->wifi);
    else
        wifi_select(net->wifi, !level);
}

static uint8_t exchange(void *ctx, uint8_t out, uint32_t hz)
{
    const struct stm32_net *net = ctx;
    return net->wifi ? wifi_exchange(net->wifi, out, hz) : 0xff;
}

static void on_flow(void *ctx, bool level)
{
    const struct stm32_net *net = ctx;
    stm32_pin_drive(net->soc, net->wiring->flow.port, net->wiring->flow.pin, level);
}

static void on_notify(void *ctx, bool level)
{
    const struct stm32_net *net = ctx;
    stm32_pin_drive(net->soc, net->wiring->notify.port, net->wiring->notify.pin, level);
}

static void add_wifi(struct stm32_net *net, const struct stm32_wifi_wiring *wiring)
{
    const struct stm32_spi_slave slave = {net, exchange};
    net->wiring = wiring;
    stm32_spi_connect(net->soc->spi, &slave, wiring->spi);
    stm32_pin_drive(net->soc, wiring->nss.port, wiring->nss.pin, true);
    stm32_pin_drive(net->soc, wiring->reset.port, wiring->reset.pin, true);
    net->ear = (struct stm32_ear){.run = on_pin, .ctx = net};
    stm32_listen(net->soc, &net->ear);
}

bool stm32_net_connect_modem(struct stm32_net *net, const struct modem_setup *setup)
{
    const struct wifi_host host = {net, on_flow, on_notify};
    struct modem_setup wifi = *setup;
    if (setup->fault >= net->wifi_faults) {
        stm32_eth_spoil(net->soc->eth, setup->fault - net->wifi_faults + 1u, setup->fault_at);
        wifi.fault = wifi.fault_at = 0;
    }
    on_flow(net, false);
    on_notify(net, false);
    net->wifi = wifi_new(net->soc->twin, &wifi, &host);
    return net->wifi != NULL;
}

/* ---- Ethernet ---- */

static void on_frame_out(void *ctx, const uint8_t *frame, uint32_t length)
{
    const struct stm32_net *net = ctx;
    net_send(net->cable, frame, length);
}

static void on_frame_in(void *ctx, const uint8_t *frame, uint32_t length)
{
    const struct stm32_net *net = ctx;
    stm32_eth_receive(net->soc->eth, frame, length);
}

static bool add_ethernet(struct stm32_net *net, const struct stm32_ethernet_wiring *wiring)
{
    struct stm32_eth_board board = {.send = on_frame_out, .ctx = net};
    net->phy = phy_new(net->soc->twin, &phy_lan8742, wiring->phy_address);
    net->cable = net_new(net->soc->twin, on_frame_in, net);
    board.phy = net->phy;
    memcpy(board.pins, wiring->pins, sizeof board.pins);
    stm32_eth_connect(net->soc->eth, &board);
    return net->phy && net->cable;
}

/* ---- the whole ---- */

static void add_faults(struct stm32_net *net, const char *const names[])
{
    unsigned count = 0;
    while (net->faults[count])
        count++;
    for (; *names && count < FAULTS_MAX - 1u; names++)
        net->faults[count++] = *names;
}

const char *const *stm32_net_faults(const struct stm32_net *net)
{
    return net->faults;
}

void stm32_net_connect_link(struct stm32_net *net, bool there)
{
    if (net->wifi)
        wifi_air(net->wifi, there);
    if (net->phy)
        phy_plug(net->phy, there);
}

struct stm32_net *stm32_net_new(struct stm32 *soc, const struct stm32_wifi_wiring *wifi,
                                const struct stm32_ethernet_wiring *ethernet)
{
    struct stm32_net *net = calloc(1, sizeof *net);
    if (!net)
        return NULL;
    net->soc = soc;
    if (wifi)
        add_wifi(net, wifi);
    add_faults(net, emw3080_model_faults);
    while (net->faults[net->wifi_faults])
        net->wifi_faults++;
    if (ethernet)
        add_faults(net, stm32_eth_faults + 1);
    if (!ethernet || add_ethernet(net, ethernet))
        return net;
    stm32_net_free(net);
    return NULL;
}

void stm32_net_free(struct stm32_net *net)
{
    if (!net)
        return;
    wifi_free(net->wifi);
    net_free(net->cable);
    phy_free(net->phy);
    free(net);
}
