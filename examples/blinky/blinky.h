/* What the product does: a lamp that is switched from the cloud and from the console, and tells the
 * cloud what it does.
 *
 *   blinky/<thing>/led     to the lamp: on, off or blink
 *   blinky/<thing>/state   from the lamp: {"led": "blink", "version": "1.0.0"} */
#ifndef BLINKY_H
#define BLINKY_H

#include <stdbool.h>

#include "firmware/app.h"
#include "net/mqtt.h"

enum led_mode { LED_OFF, LED_ON, LED_BLINK };

struct blinky {
    struct app *app;
    enum led_mode mode;
    bool lit;
    bool hurry; /* an update comes in */
    otter_ms toggle_at;

    struct mqtt_service service;
    struct mqtt_subscription wish;
    struct mqtt_ticket state;
    bool state_due;
    char prefix[160];
    char state_text[64];
};

void blinky_start(struct blinky *blinky, struct app *app, otter_ms now);
void blinky_tick(struct blinky *blinky, otter_ms now);
otter_ms blinky_deadline(const struct blinky *blinky);

/* What the product brings to the application; the context of each is the struct blinky. */
extern const struct cli_table blinky_console;     /* the command `led` */
extern const struct config_table blinky_settings; /* blink_ms */
otter_status blinky_self_test(void *ctx);         /* of new firmware: can it switch the lamp? */
bool blinky_may_reset(void *ctx);                 /* never while the lamp is on */
void blinky_progress(void *ctx, const struct ota_status *status); /* an update blinks fast */

#endif
