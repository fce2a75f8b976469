/* The core's own registers, of any Cortex-M, and interrupts (Armv7-M and Armv8-M Architecture
 * Reference Manuals, section B3 and D1). */
#ifndef OTTER_CORTEX_M_CORE_H
#define OTTER_CORTEX_M_CORE_H

#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))

/* Armv8-M: the stack's end is checked by the core. */
#if __ARM_ARCH >= 8
#define CORE_HAS_STACK_LIMIT
#endif

#define SYSTICK_CONTROL        REG32(0xe000e010u)
#define SYSTICK_RELOAD         REG32(0xe000e014u)
#define SYSTICK_VALUE          REG32(0xe000e018u)
#define SYSTICK_RELOAD_MAX     0xffffffu
#define SYSTICK_RUN            7u /* core clock, exception at zero, enabled */
#define NVIC_SET_ENABLE(n)     REG32(0xe000e100u + 4u * (n))
#define NVIC_CLEAR_ENABLE(n)   REG32(0xe000e180u + 4u * (n))
#define NVIC_SET_PENDING(n)    REG32(0xe000e200u + 4u * (n))
#define NVIC_CLEAR_PENDING(n)  REG32(0xe000e280u + 4u * (n))
#define SCB_ICSR               REG32(0xe000ed04u)
#define SCB_ICSR_CLEAR_SYSTICK (1u << 25)
#define SCB_ICSR_ACTIVE        0x1ffu /* exception number */
#define SCB_VTOR               REG32(0xe000ed08u)
#define SCB_AIRCR              REG32(0xe000ed0cu)
#define SCB_AIRCR_SYSTEM_RESET 0x05fa0004u
#define SCB_CFSR               REG32(0xe000ed28u)
#define SCB_HFSR               REG32(0xe000ed2cu)
#define SCB_BFAR               REG32(0xe000ed38u)

static inline void irq_enable(uint32_t irq)
{
    NVIC_SET_ENABLE(irq / 32) = 1u << (irq % 32);
}

static inline void irq_pend(uint32_t irq)
{
    NVIC_SET_PENDING(irq / 32) = 1u << (irq % 32);
}

/* Also forgets one that is pending. */
static inline void irq_disable(uint32_t irq)
{
    NVIC_CLEAR_ENABLE(irq / 32) = 1u << (irq % 32);
    NVIC_CLEAR_PENDING(irq / 32) = 1u << (irq % 32);
}

/* Interrupts off; returns what irq_restore needs to put things back. */
static inline uint32_t irq_save(void)
{
    uint32_t primask;
    __asm volatile("mrs %0, primask\n\tcpsid i" : "=r"(primask)::"memory");
    return primask;
}

static inline void irq_restore(uint32_t primask)
{
    __asm volatile("msr primask, %0" ::"r"(primask) : "memory");
}

#endif
