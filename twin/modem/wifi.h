/* An EMW3080 at the pins of a twin's chip: the model (emw3080_model.h) on the twin's virtual time,
 * its frames on libslirp (net.h). What the model complains of is a fault of the twin. */
#ifndef OTTER_TWIN_MODEM_WIFI_H
#define OTTER_TWIN_MODEM_WIFI_H

#include "twin/modem/setup.h"
#include "twin/twin.h"

struct wifi;

/* Where its pins go: `level` of FLOW and NOTIFY, said at each change. */
struct wifi_host {
    void *ctx;
    void (*flow)(void *ctx, bool level);
    void (*notify)(void *ctx, bool level);
};

/* Power-on comes with the twin's. NULL without memory. */
struct wifi *wifi_new(struct twin *twin, const struct modem_setup *setup,
                      const struct wifi_host *host);
void wifi_free(struct wifi *wifi);
/* The access point: see emw3080_model_air. */
void wifi_air(struct wifi *wifi, bool on);
/* The pins from the chip: RESET's level; RESET high by the chip's own reset; NSS, true for low; NSS
 * high by the chip's own reset. */
void wifi_reset(struct wifi *wifi, bool level);
void wifi_release(struct wifi *wifi);
void wifi_select(struct wifi *wifi, bool selected);
void wifi_drop(struct wifi *wifi);
/* Eight clocks of SPI mode 0 at this rate, the highest bit first. */
uint8_t wifi_exchange(struct wifi *wifi, uint8_t in, uint32_t hz);

#endif
