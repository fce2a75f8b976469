/* One loop: what is due is done, then the port sleeps until something is. */
#include "firmware/app.h"
#include "firmware/variant.h"
#include "port/port.h"
#if OTTER_KEYS_PKCS11
#include "ports/posix/pkcs11_keys.h"
#endif

/* The variant; as a process it has its private keys where its user says. */
static const struct app_config *config(void)
{
#if OTTER_KEYS_PKCS11
    static struct app_config other;
    other = variant;
    other.keys = &pkcs11_keys;
    if (pkcs11_keys_wanted())
        return &other;
#endif
    return &variant;
}

int main(void)
{
    static struct app app;
    port_start();
    app_start(&app, config(), port_now());
    for (;;) {
        app_tick(&app, port_now());
        port_watchdog_feed();
        port_idle(app_deadline(&app, port_now()));
    }
}
