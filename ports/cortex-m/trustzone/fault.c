/* Last words of the secure program, which takes the faults of both worlds: who did what, then a
 * reset. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <arm_cmse.h>

#include "port/port.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"

/* What the core pushes when it takes an exception. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

#define CFSR_STACK_OVERFLOW (1u << 20)
#if __ARM_ARCH_8M_MAIN__ /* the baseline says nothing of why */
#define SFSR REG32(0xe000ede4u)
#else
#define SFSR 0u
#endif
#define RETURN_TO_SECURE  0x40u
#define RETURN_TO_PROCESS 0x04u /* with its stack */

#define WATCHDOG     2u /* NMI */
#define SECURE_FAULT 7u

/* The other world chooses where its stack is: nothing is read from there that it may not read. */
static const struct exception_frame *frame_of_nonsecure(uint32_t exc_return)
{
    const struct exception_frame *frame;
    if ((exc_return & RETURN_TO_PROCESS) != 0)
        __asm volatile("mrs %0, psp_ns" : "=r"(frame));
    else
        __asm volatile("mrs %0, msp_ns" : "=r"(frame));
    return cmse_check_address_range((void *)(uintptr_t)frame, sizeof *frame,
                                    CMSE_NONSECURE | CMSE_MPU_READ);
}

/* By name from below, which only the assembler sees. */
__attribute__((used)) _Noreturn void fault_report(uint32_t exc_return,
                                                  const struct exception_frame *own)
{
    static const struct exception_frame unknown;
    const bool is_secure = (exc_return & RETURN_TO_SECURE) != 0;
    const uint32_t number = SCB_ICSR & SCB_ICSR_ACTIVE;
    const struct exception_frame *frame = is_secure ? own : frame_of_nonsecure(exc_return);
    const char *what = number == WATCHDOG       ? "watchdog"
                       : number == SECURE_FAULT ? "secure fault"
                                                : "fault";
    char line[128]; /* longer than any */
    if (is_secure && (SCB_CFSR & CFSR_STACK_OVERFLOW) != 0)
        what = "stack overflow";
    if (frame == NULL)
        frame = &unknown;
    const int length =
        snprintf(line, sizeof line,
                 "<ERR> %8lu [FAULT     ] %ssecure: %s: pc %lx lr %lx cfsr %lx sfsr %lx\r\n",
                 (unsigned long)port_now(), is_secure ? "" : "non-", what, (unsigned long)frame->pc,
                 (unsigned long)frame->lr, (unsigned long)SCB_CFSR, (unsigned long)SFSR);
    uart_write(line, (size_t)length);
    system_reset(number == WATCHDOG ? RESET_WATCHDOG : RESET_SOFTWARE);
}

/* For every fault of either world, and the watchdog's NMI. With little of the stack left the report
 * runs at its top: what was there is of no more use. */
__attribute__((naked)) void fault_handler(void)
{
    __asm volatile("mov r0, lr\n\t"
                   "mov r1, sp\n\t"
                   "ldr r2, =linker_stack_start + 512\n\t"
                   "cmp r1, r2\n\t"
                   "bhs 1f\n\t"
                   "ldr r2, =linker_stack_end\n\t"
                   "mov sp, r2\n"
                   "1: ldr r2, =fault_report\n\t"
                   "bx r2");
}

void nmi_handler(void) __attribute__((weak, alias("fault_handler")));
