/* Last words: what was running when the core faulted or the watchdog barked, then a reset. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "port/port.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"

/* What the core pushes when it takes an exception. */
struct exception_frame {
    uint32_t r0, r1, r2, r3, r12, lr, pc, psr;
};

#define CFSR_STACK_OVERFLOW (1u << 20)
#define EXCEPTION_NMI       2u

/* Not log_line: the firmware's log is sent by interrupts, and none are served any more. */
static void say(const char *what, const struct exception_frame *frame)
{
    char line[128]; /* longer than any */
    const int length = snprintf(
        line, sizeof line, "<ERR> %8lu [FAULT     ] %s: pc %lx lr %lx cfsr %lx bfar %lx\r\n",
        (unsigned long)port_now(), what, (unsigned long)frame->pc, (unsigned long)frame->lr,
        (unsigned long)SCB_CFSR, (unsigned long)SCB_BFAR);
    console_drain();
    uart_write(line, (size_t)length);
}

/* By name from below, which only the assembler sees. */
__attribute__((used)) _Noreturn void fault_report(const struct exception_frame *frame)
{
    const char *what = "hard fault";
    enum reset_reason reason = RESET_SOFTWARE;
    if ((SCB_ICSR & SCB_ICSR_ACTIVE) == EXCEPTION_NMI) {
        what = "watchdog";
        reason = RESET_WATCHDOG;
    }
#ifdef CORE_HAS_STACK_LIMIT
    if (SCB_CFSR & CFSR_STACK_OVERFLOW)
        what = "stack overflow";
#endif
    say(what, frame);
    system_reset(reason);
}

/* For every fault, and the watchdog's NMI. With less than 1 KiB of stack left the report runs at
 * the top of the stack, far from the frame: what was there is of no more use. */
__attribute__((naked)) void fault_handler(void)
{
    __asm volatile("mov r0, sp\n\t"
                   "ldr r1, =linker_stack_start + 1024\n\t"
                   "cmp r0, r1\n\t"
                   "bhs 1f\n\t"
                   "ldr r1, =linker_stack_end\n\t"
                   "mov sp, r1\n"
                   "1: ldr r1, =fault_report\n\t"
                   "bx r1"); /* it may lie beyond a branch of Armv8-M baseline */
}

/* A chip whose NMI tells of something else brings its own. */
void nmi_handler(void) __attribute__((weak, alias("fault_handler")));
