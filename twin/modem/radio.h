/* What a modem's model reaches by radio: real TCP and UDP sockets of this machine, IPv4. */
#ifndef OTTER_TWIN_MODEM_RADIO_H
#define OTTER_TWIN_MODEM_RADIO_H

#include <poll.h>

#include "twin/modem/esp8266_model.h"

struct radio {
    int sockets[MODEL_LINKS]; /* -1: none */
    struct model_network network;
};

/* `radio` must stay where it is while `network` is in use. */
void radio_open(struct radio *radio);
void radio_close(struct radio *radio);
/* Fills what to poll for, for links that have room for data; returns how many of MODEL_LINKS. */
unsigned radio_poll(const struct radio *radio, const struct esp8266_model *model,
                    struct pollfd *polls);

#endif
