/* A host process has no lamp, but remembers how it would be. */
#include "led.h"

static bool lit;

void led_set(bool on)
{
    lit = on;
}

bool led_get(void)
{
    return lit;
}
