/* What the secure program has done before a firmware of the other world starts, and what that one
 * could not do: see nuvoton.h, and trustzone.c for who does it. */
#include "ports/cortex-m/clock.h"
#include "ports/nuvoton/nuvoton.h"

void registers_unlock(void)
{
}

void uart_clock_start(unsigned n)
{
    (void)n;
}

void clock_start(void)
{
    timer_start();
}
