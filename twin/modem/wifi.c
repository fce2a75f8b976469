/* The EMW3080's model in a twin's loop; see wifi.h. */
#include "twin/modem/wifi.h"

#include <stdio.h>
#include <stdlib.h>

#include "twin/modem/emw3080_model.h"
#include "twin/net.h"

struct wifi {
    struct emw3080_model model;
    struct wifi_host host;
    struct twin *twin;
    struct net *net;
    struct twin_timer due;
    bool flow, notify; /* as the host knows them */
    bool told;         /* that its fault has struck */
};

static void tell_fault(struct wifi *wifi)
{
    const struct emw3080_config *config = &wifi->model.config;
    if (wifi->told || config->fault == EMW3080_SOUND || config->fault_at > 0)
        return;
    wifi->told = true;
    fprintf(stderr, "\notter twin: the modem goes wrong: %s\n",
            emw3080_model_faults[config->fault]);
}

static void follow_pins(struct wifi *wifi)
{
    const bool flow = emw3080_model_flow(&wifi->model);
    const bool notify = emw3080_model_notify(&wifi->model);
    if (flow != wifi->flow)
        wifi->host.flow(wifi->host.ctx, wifi->flow = flow);
    if (notify != wifi->notify)
        wifi->host.notify(wifi->host.ctx, wifi->notify = notify);
    twin_timer_set(wifi->twin, &wifi->due, emw3080_model_deadline(&wifi->model));
    tell_fault(wifi);
}

static void on_due(void *ctx)
{
    struct wifi *wifi = ctx;
    emw3080_model_tick(&wifi->model, twin_now(wifi->twin));
    follow_pins(wifi);
}

static void on_frame(void *ctx, const uint8_t *frame, uint32_t length)
{
    struct wifi *wifi = ctx;
    emw3080_model_frame(&wifi->model, frame, length, twin_now(wifi->twin));
    follow_pins(wifi);
}

static void send(void *ctx, const uint8_t *frame, uint32_t length)
{
    const struct wifi *wifi = ctx;
    net_send(wifi->net, frame, length);
}

static void complain(void *ctx, const char *what)
{
    const struct wifi *wifi = ctx;
    twin_fault(wifi->twin, "%s", what);
}

struct wifi *wifi_new(struct twin *twin, const struct modem_setup *setup,
                      const struct wifi_host *host)
{
    struct wifi *wifi = calloc(1, sizeof *wifi);
    if (!wifi)
        return NULL;
    const struct emw3080_config config = {.ssid = setup->ssid,
                                          .password = setup->password,
                                          .fault = (enum emw3080_fault)setup->fault,
                                          .fault_at = setup->fault_at};
    const struct emw3080_world world = {wifi, send, complain};
    wifi->twin = twin;
    wifi->host = *host;
    wifi->due = (struct twin_timer){.run = on_due, .ctx = wifi};
    wifi->net = net_new(twin, on_frame, wifi);
    if (!wifi->net) {
        free(wifi);
        return NULL;
    }
    emw3080_model_init(&wifi->model, &config, &world, twin_now(twin));
    follow_pins(wifi);
    return wifi;
}

void wifi_free(struct wifi *wifi)
{
    if (!wifi)
        return;
    twin_timer_set(wifi->twin, &wifi->due, TWIN_NEVER);
    net_free(wifi->net);
    free(wifi);
}

void wifi_air(struct wifi *wifi, bool on)
{
    emw3080_model_air(&wifi->model, on, twin_now(wifi->twin));
    follow_pins(wifi);
}

void wifi_reset(struct wifi *wifi, bool level)
{
    emw3080_model_reset(&wifi->model, level, twin_now(wifi->twin));
    follow_pins(wifi);
}

void wifi_release(struct wifi *wifi)
{
    emw3080_model_release(&wifi->model, twin_now(wifi->twin));
    follow_pins(wifi);
}

void wifi_select(struct wifi *wifi, bool selected)
{
    emw3080_model_select(&wifi->model, selected, twin_now(wifi->twin));
    follow_pins(wifi);
}

void wifi_drop(struct wifi *wifi)
{
    emw3080_model_drop(&wifi->model, twin_now(wifi->twin));
    follow_pins(wifi);
}

uint8_t wifi_exchange(struct wifi *wifi, uint8_t in, uint32_t hz)
{
    if (hz > EMW3080_HZ_MAX)
        twin_fault(wifi->twin, "the modem gets a byte at %u Hz; it takes %u", hz, EMW3080_HZ_MAX);
    const uint8_t out = emw3080_model_exchange(&wifi->model, in, twin_now(wifi->twin));
    follow_pins(wifi);
    return out;
}
