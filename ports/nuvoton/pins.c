/* Pins: the function each has, plain outputs, and fast ones. */
#include "ports/nuvoton/nuvoton.h"

void pin_function_set(unsigned port, unsigned pin, unsigned function)
{
#ifdef OTTER_NONSECURE /* the secure program has done it */
    (void)port, (void)pin, (void)function;
#else
    CHIP_MFP(port, pin) = (CHIP_MFP(port, pin) & ~(CHIP_MFP_MASK << CHIP_MFP_SHIFT(pin))) |
                          function << CHIP_MFP_SHIFT(pin);
#endif
}

/* Level before mode, so that the pin never drives the wrong one. */
void pin_output(unsigned port, unsigned pin, bool level)
{
    pin_function_set(port, pin, 0);
    GPIO_PIN(port, pin) = level;
    GPIO_MODE(port) = (GPIO_MODE(port) & ~(3u << 2u * pin)) | GPIO_MODE_OUTPUT << 2u * pin;
}

void pin_slew_high(unsigned port, unsigned pin)
{
    GPIO_SLEW(port) = (GPIO_SLEW(port) & ~(3u << 2u * pin)) | GPIO_SLEW_HIGH << 2u * pin;
}
