/* Pins: the function each has, plain outputs and inputs. */
#include "ports/stm32/stm32.h"

static void field_set(volatile uint32_t *reg, unsigned pin, uint32_t value)
{
    *reg = (*reg & ~(3u << 2u * pin)) | value << 2u * pin;
}

static void mode_set(unsigned port, unsigned pin, uint32_t mode)
{
    field_set(&GPIO_MODER(port), pin, mode);
}

static void clock_on(unsigned port)
{
    RCC_AHB2ENR |= RCC_AHB2_GPIO(port);
    (void)RCC_AHB2ENR; /* the clock is on once this has been read */
}

void pin_alternate(unsigned port, unsigned pin, unsigned function)
{
    const unsigned shift = 4u * (pin % 8u);
    clock_on(port);
    GPIO_AFR(port, pin) = (GPIO_AFR(port, pin) & ~(0xfu << shift)) | function << shift;
    mode_set(port, pin, GPIO_MODE_ALTERNATE);
}

/* Level before mode, so that the pin never drives the wrong one. */
void pin_output(unsigned port, unsigned pin, bool level)
{
    clock_on(port);
    pin_set(port, pin, level);
    mode_set(port, pin, GPIO_MODE_OUTPUT);
}

void pin_input(unsigned port, unsigned pin, enum pin_pull pull)
{
    clock_on(port);
    field_set(&GPIO_PUPDR(port), pin, pull);
    mode_set(port, pin, GPIO_MODE_INPUT);
}

void pin_fast(unsigned port, unsigned pin)
{
    field_set(&GPIO_OSPEEDR(port), pin, 3u);
}

void pin_set(unsigned port, unsigned pin, bool level)
{
    GPIO_BSRR(port) = 1u << (level ? pin : pin + 16u);
}

bool pin_is_high(unsigned port, unsigned pin)
{
    return GPIO_IDR(port) >> pin & 1u;
}
