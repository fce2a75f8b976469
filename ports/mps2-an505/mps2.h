/* The registers of QEMU's mps2-an505 that this port uses, and of its Cortex-M33 core.
 *
 * Without TrustZone everything runs in Secure state with the SAU off: the core then attributes all
 * memory to Secure, so a peripheral answers at either of its aliases; the secure one (bit 28 set) is
 * used throughout. With TrustZone the peripherals here but for the watchdog are the non-secure
 * world's, which both reach by the other alias.
 * Sources: Arm AN505, CMSDK TRM (DDI0479), Armv8-M ARM, SMSC LAN9118 data sheet. */
#ifndef OTTER_MPS2_H
#define OTTER_MPS2_H

#include "ports/cortex-m/core.h"

#if defined OTTER_SECURE || defined OTTER_NONSECURE
#define MPS2_PERIPHERALS 0x40000000u
#else
#define MPS2_PERIPHERALS 0x50000000u
#endif

#define CORE_CLOCK_HZ 20000000u

/* FPGA I/O: a counter behind a prescaler, both running at the core clock. */
#define FPGAIO_COUNTER          REG32(MPS2_PERIPHERALS + 0x302018u)
#define FPGAIO_PRESCALE         REG32(MPS2_PERIPHERALS + 0x30201cu)
#define FPGAIO_PRESCALE_COUNTER REG32(MPS2_PERIPHERALS + 0x302020u)

/* UART0. */
#define UART_DATA                REG32(MPS2_PERIPHERALS + 0x200000u)
#define UART_STATE               REG32(MPS2_PERIPHERALS + 0x200004u)
#define UART_CONTROL             REG32(MPS2_PERIPHERALS + 0x200008u)
#define UART_INTERRUPT           REG32(MPS2_PERIPHERALS + 0x20000cu)
#define UART_BAUD_DIVIDER        REG32(MPS2_PERIPHERALS + 0x200010u)
#define UART_TX_FULL             1u
#define UART_RX_FULL             2u
#define UART_TX_ENABLE           1u
#define UART_RX_ENABLE           2u
#define UART_TX_INTERRUPT_ENABLE 4u
#define UART_RX_INTERRUPT_ENABLE 8u
#define UART_TX_INTERRUPT        1u
#define UART_RX_INTERRUPT        2u

/* UART1, with the same bits. */
#define UART1_DATA         REG32(MPS2_PERIPHERALS + 0x201000u)
#define UART1_STATE        REG32(MPS2_PERIPHERALS + 0x201004u)
#define UART1_CONTROL      REG32(MPS2_PERIPHERALS + 0x201008u)
#define UART1_INTERRUPT    REG32(MPS2_PERIPHERALS + 0x20100cu)
#define UART1_BAUD_DIVIDER REG32(MPS2_PERIPHERALS + 0x201010u)

/* Secure watchdog: counts the core clock down; raises NMI at the first zero, resets at the second.
 */
#define WATCHDOG_LOAD       REG32(0x50081000u)
#define WATCHDOG_CONTROL    REG32(0x50081008u)
#define WATCHDOG_CLEAR      REG32(0x5008100cu)
#define WATCHDOG_LOCK       REG32(0x50081c00u)
#define WATCHDOG_UNLOCK_KEY 0x1acce551u
#define WATCHDOG_ENABLE     3u /* interrupt and reset */

/* Interrupt numbers at the NVIC. */
#define IRQ_UART0_RX 32u
#define IRQ_UART0_TX 33u
#define IRQ_UART1_RX 34u
#define IRQ_UART1_TX 35u
#define IRQ_ETHERNET 48u

#endif
