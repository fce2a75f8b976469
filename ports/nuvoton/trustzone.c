/* The secure half of the M2354: who gets what (its Technical Reference Manual, security
 * configuration unit; register names and bits are those of the vendor's device header). */
#include "boards/map.h"
#include "ports/cortex-m/entropy.h"
#include "ports/cortex-m/trustzone/worlds.h"
#include "ports/nuvoton/nuvoton.h"
#include "ports/nuvoton/trng.h"

/* Blocks of 16 KiB. The border between them is where TF-M has it on this chip. */
#define RAM_START      0x20000000u
#define RAM_BLOCK      0x4000u
#define RAM_BLOCKS     16u
#define SECURE_BLOCKS  5u
#define NONSECURE_RAM  (RAM_START + CHIP_NONSECURE_ALIAS + SECURE_BLOCKS * RAM_BLOCK)
#define RAM_END        (RAM_START + CHIP_NONSECURE_ALIAS + RAM_BLOCKS * RAM_BLOCK)
#define NONSECURE_BITS (((1u << RAM_BLOCKS) - 1u) & ~((1u << SECURE_BLOCKS) - 1u))

#define NVIC_NONSECURE(n) REG32(0xe000e380u + 4u * (n))

#define IRQ_OF(n)  IRQ_OF_(n)
#define IRQ_OF_(n) IRQ_UART##n

const struct worlds_region chip_regions[] = {
    {GATE_START, GATE_START + GATE_SIZE, true},
    {BOARD_NSCBA + CHIP_NONSECURE_ALIAS, CHIP_APROM_SIZE + CHIP_NONSECURE_ALIAS, false},
    {NONSECURE_RAM, RAM_END, false},
    {NONSECURE_PERIPHERALS, NONSECURE_PERIPHERALS + 0x10000000u, false}, /* SCU says which */
};
const unsigned chip_region_count = sizeof chip_regions / sizeof *chip_regions;
const uint32_t chip_nonsecure_ram = NONSECURE_RAM;

static void give_interrupt(uint32_t irq)
{
    NVIC_NONSECURE(irq / 32u) |= 1u << irq % 32u;
}

/* With the function that it has: those are the secure world's to choose. */
static void give_pin(unsigned port, unsigned pin, unsigned function)
{
    pin_function_set(port, pin, function);
    SCU_IO_NONSECURE(port) |= 1u << pin;
}
#define GIVE_OUTPUT(...) give_pin(__VA_ARGS__, 0)

static void give_uarts(void)
{
    uart_settle(); /* the firmware sets it up anew */
    uart_clock_start(BOARD_MODEM_UART);
    SCU_NONSECURE(3) |= 1u << (16 + BOARD_CONSOLE_UART) | 1u << (16 + BOARD_MODEM_UART);
    uart_world = NONSECURE_PERIPHERALS;
    give_interrupt(IRQ_OF(BOARD_CONSOLE_UART));
    give_interrupt(IRQ_OF(BOARD_MODEM_UART));
    give_pin(BOARD_CONSOLE_RX);
    give_pin(BOARD_CONSOLE_TX);
    give_pin(BOARD_MODEM_RX);
    give_pin(BOARD_MODEM_TX);
    give_pin(BOARD_MODEM_RTS);
    give_pin(BOARD_MODEM_CTS);
    GIVE_OUTPUT(BOARD_MODEM_RESET);
    GIVE_OUTPUT(BOARD_MODEM_STRAP);
}

/* TIMER2, with TIMER3 beside it, at HIRC's rate: TIMER0 cannot be given away. */
static void give_timer(void)
{
    CLK_CLKSEL1 = (CLK_CLKSEL1 & ~(7u << 16)) | 7u << 16;
    CLK_APBCLK0 |= CLK_APB_TIMER2;
    SCU_NONSECURE(2) |= SCU_TIMER23;
}

/* Flash is divided already, by NSCBA: border.c. */
void chip_divide(void)
{
    give_uarts();
    give_timer();
    SCU_RAM_NONSECURE = NONSECURE_BITS;
    SCU_INFORMATION = SCU_INFORMATION_SYS; /* it may read which clock there is */
}

void chip_start(void)
{
    trng_start();
    (void)entropy_start(); /* the log has said what is wrong; port_random refuses */
}
