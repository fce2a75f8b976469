/* An ESP8266 at a UART of a twin: the model (esp8266_model.h) on the twin's virtual time, with the
 * host's network. */
#ifndef OTTER_TWIN_MODEM_LINE_H
#define OTTER_TWIN_MODEM_LINE_H

#include "twin/modem/esp8266_model.h"
#include "twin/serial.h"
#include "twin/twin.h"

struct modem_line;

/* Power-on comes with the twin's. NULL without memory. */
struct modem_line *modem_line_new(struct twin *twin, const struct model_config *config);
void modem_line_free(struct modem_line *line);
struct serial *modem_line_serial(struct modem_line *line);
/* The access point that it has joined: see esp8266_model_air. */
void modem_line_air(struct modem_line *line, bool on);
/* The reset pin's level; low holds the module in reset. */
void modem_line_reset(struct modem_line *line, bool level);

#endif
