/* Internal flash below port/flash.h: what the exchange of banks and the UART need of it. */
#ifndef OTTER_STM32_FLASH_H
#define OTTER_STM32_FLASH_H

#include <stdbool.h>
#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Which bank is mapped first, as the last reset has put in force: asked of the chip once, since the
 * register may show an exchange that is ordered before it takes effect. */
bool flash_is_swapped(void);

/* Opened for a moment: erasing, programming and options are locked otherwise. */
void flash_open(void);
void flash_close(void);

/* Sets *reg to `value`, which starts something in the flash controller, and waits for its end, in
 * RAM and with interrupts off. OTTER_E_FLASH with an error or when it does not end. */
otter_status flash_command(volatile uint32_t *reg, uint32_t value);

/* Reads the 16 bytes at `from`, which are aligned so; false where the ECC cannot mend them: what a
 * cut left of a program or an erase. */
bool ecc_read(const uint32_t *from, uint32_t to[4]);

/* What the UART received while flash was busy: for 11 ms at 115200 baud. Running counts. */
#define UART_KEPT_MAX 128u /* a power of two */
extern struct uart_kept {
    volatile uint32_t count, taken;
    uint8_t bytes[UART_KEPT_MAX];
} uart_kept;
/* Tells the console of it, by its interrupt. */
void uart_kept_announce(void);

/* Of a secure program: where it keeps that, memory of the other world; NULL for nowhere. */
void flash_keep(struct uart_kept *kept);
/* Likewise: all pages are secure, until chip_divide gives some away. */
void flash_take_all(void);

#ifdef __cplusplus
}
#endif

#endif
