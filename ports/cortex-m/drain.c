/* A program without a buffered console has nothing to drain: console.c has the other one. */
#include "ports/cortex-m/uart.h"

__attribute__((weak)) void console_drain(void)
{
}
