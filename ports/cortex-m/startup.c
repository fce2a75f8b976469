/* Vector table and the way from reset to main, for bootloader and firmware alike. */
#include <stdint.h>
#include <string.h>

#ifdef OTTER_LENDS
#include "image/lent.h"
#endif
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/system.h"

extern uint32_t linker_stack_start[], linker_stack_end[];
extern char linker_data_start[], linker_data_end[], linker_data_image[];
extern char linker_bss_start[], linker_bss_end[];
extern void (*const linker_constructors_start[])(void);
extern void (*const linker_constructors_end[])(void);

int main(void);
_Noreturn void reset_handler(void);
void fault_handler(void);
void nmi_handler(void);
void systick_handler(void);

#define CORE_VECTORS 16

struct vector_table {
    uint32_t *stack;
    void (*handlers[CORE_VECTORS - 1])(void);
};

/* Indexed by exception number. Interrupts follow; the firmware's are in port.c, the bootloader has
 * none. */
const struct vector_table vectors __attribute__((section(".vectors.core"), used)) = {
    .stack = linker_stack_end,
    .handlers =
        {
            [1 - 1] = reset_handler,
            [2 - 1] = nmi_handler,   /* watchdog, or what the chip has there */
            [3 - 1] = fault_handler, /* hard fault */
            [4 - 1] = fault_handler, /* memory management */
            [5 - 1] = fault_handler, /* bus */
            [6 - 1] = fault_handler, /* usage */
            [7 - 1] = fault_handler, /* secure */
#ifdef OTTER_LENDS
            [IMAGE_LENT_VECTOR - 1] =
                (void (*)(void)) & image_lent, /* reserved, and never called */
#endif
            [11 - 1] = fault_handler, /* supervisor call: nobody makes one */
            [14 - 1] = fault_handler, /* pended supervisor call */
            [15 - 1] = systick_handler,
        },
};

_Noreturn void reset_handler(void)
{
#ifdef CORE_HAS_STACK_LIMIT
    __asm volatile("msr msplim, %0" ::"r"(linker_stack_start));
#endif
    SCB_VTOR = (uint32_t)&vectors;
    memcpy(linker_data_start, linker_data_image, (size_t)(linker_data_end - linker_data_start));
    memset(linker_bss_start, 0, (size_t)(linker_bss_end - linker_bss_start));
    system_paint_stack();
    for (void (*const *next)(void) = linker_constructors_start; next < linker_constructors_end;
         next++)
        (*next)();
    __asm volatile("cpsie i" ::: "memory");
    main();
    system_reset(RESET_SOFTWARE); /* main does not return; if it does, start afresh */
}
