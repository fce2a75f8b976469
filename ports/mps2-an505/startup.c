/* Vector table and the way from reset to main, for bootloader and firmware alike. */
#include <stdint.h>
#include <string.h>

#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/system.h"

extern uint32_t linker_stack_start[], linker_stack_end[];
extern char linker_data_start[], linker_data_end[], linker_data_image[];
extern char linker_bss_start[], linker_bss_end[];

int main(void);
void fault_handler(void);
void nmi_handler(void);

_Noreturn void reset_handler(void);

/* Naked, so that the frame of the exception stays on top of the stack. */
__attribute__((naked)) static void unexpected_handler(void)
{
    __asm volatile("b fault_handler");
}

/* A program that does not link a driver has its interrupts off, so the default never runs. */
void systick_handler(void) __attribute__((weak, alias("unexpected_handler")));
void uart_rx_handler(void) __attribute__((weak, alias("unexpected_handler")));
void uart_tx_handler(void) __attribute__((weak, alias("unexpected_handler")));
void ethernet_handler(void) __attribute__((weak, alias("unexpected_handler")));

#define CORE_VECTORS 16

struct vector_table {
    uint32_t *stack;
    void (*handlers[CORE_VECTORS - 1 + IRQ_COUNT])(void);
};

#define CORE(n) [(n) - 1]
#define IRQ(n) [CORE_VECTORS - 1 + (n)]

const struct vector_table vectors __attribute__((section(".vectors"), used)) = {
    .stack = linker_stack_end,
    .handlers = {
        CORE(1) = reset_handler,
        CORE(2) = nmi_handler,
        CORE(3) = fault_handler,
        CORE(4) = fault_handler,
        CORE(5) = fault_handler,
        CORE(6) = fault_handler,
        CORE(7) = fault_handler,
        CORE(11) = fault_handler,
        CORE(14) = fault_handler,
        CORE(15) = systick_handler,
        IRQ(IRQ_UART0_RX) = uart_rx_handler,
        IRQ(IRQ_UART0_TX) = uart_tx_handler,
        IRQ(IRQ_ETHERNET) = ethernet_handler,
    },
};

_Noreturn void reset_handler(void)
{
    __asm volatile("msr msplim, %0" ::"r"(linker_stack_start));
    SCB_VTOR = (uint32_t)&vectors;
    memcpy(linker_data_start, linker_data_image, (size_t)(linker_data_end - linker_data_start));
    memset(linker_bss_start, 0, (size_t)(linker_bss_end - linker_bss_start));
    system_paint_stack();
    __asm volatile("cpsie i" ::: "memory");
    main();
    system_reset(RESET_SOFTWARE); /* main does not return; if it does, start afresh */
}
