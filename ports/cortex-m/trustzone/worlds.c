/* Divides the chip between the worlds and starts the non-secure program (Armv8-M Architecture
 * Reference Manual, B8 and D1). */
#include "ports/cortex-m/trustzone/worlds.h"

#include "ports/cortex-m/core.h"
#include "ports/cortex-m/system.h"

#define SAU_CONTROL REG32(0xe000edd0u)
#define SAU_NUMBER  REG32(0xe000edd8u)
#define SAU_BASE    REG32(0xe000eddcu)
#define SAU_LIMIT   REG32(0xe000ede0u)
#define SAU_GATES   2u
#define SAU_ENABLE  1u

#define VTOR_NONSECURE REG32(0xe002ed08u)

/* Only Secure may reset; interrupts of Secure come first; bus faults, hard faults and NMI of either
 * world are Secure's. */
#define AIRCR_SETTING 0x05fa4008u

/* Armv8-M baseline has no faults but hard ones, and no stack limit in the other world. */
#if __ARM_ARCH_8M_MAIN__
#define SHCSR          REG32(0xe000ed24u)
#define SHCSR_FAULTS   0x000f0000u /* MemManage, Bus, Usage, Secure */
#define TAKE_FAULTS()  (SHCSR |= SHCSR_FAULTS)
#define NO_STACK_LIMIT "msr msplim_ns, %3\n\t"
#else
#define TAKE_FAULTS() ((void)0)
#define NO_STACK_LIMIT
#endif

#define STACK_SEAL 0xfef5eda5u /* as Arm has it: no address, no exception, no signature */

extern uint32_t linker_stack_end[];

static void set_regions(void)
{
    for (unsigned i = 0; i < chip_region_count; i++) {
        SAU_NUMBER = i;
        SAU_BASE = chip_regions[i].first;
        SAU_LIMIT = ((chip_regions[i].end - 1u) & ~31u) | (chip_regions[i].gates ? SAU_GATES : 0u) |
                    SAU_ENABLE;
    }
    SAU_CONTROL = SAU_ENABLE;
    __asm volatile("dsb\n\tisb" ::: "memory");
}

/* The stack is as it was at the reset: what comes are gates and faults. Below them lies what is no
 * return of any kind: the other world may try one that nobody owes it, and must not go by what is
 * behind the stack. Registers hold nothing of ours. */
_Noreturn void worlds_enter(const struct handover *handover, uint32_t address)
{
    const uint32_t *vectors = (const uint32_t *)address;
    chip_divide();
    set_regions();
    SCB_AIRCR = AIRCR_SETTING;
    TAKE_FAULTS();
    struct handover *told = (struct handover *)chip_nonsecure_ram;
    *told = *handover;
    told->magic = HANDOVER_MAGIC;
    watchdog_start();
    VTOR_NONSECURE = address;
    __asm volatile("msr msp_ns, %0\n\t" NO_STACK_LIMIT "msr control_ns, %3\n\t"
                   "msr msp, %2\n\t"
                   "sub sp, #8\n\t"
                   "str %4, [sp]\n\t"
                   "str %4, [sp, #4]\n\t"
                   "mov lr, %1\n\t"
                   "mov r0, sp\n\t"
                   "msr psp, r0\n\t" /* nobody uses it, but a return may name it */
                   "movs r0, #0\n\t"
                   "mov r1, r0\n\tmov r2, r0\n\tmov r3, r0\n\tmov r4, r0\n\tmov r5, r0\n\t"
                   "mov r6, r0\n\tmov r7, r0\n\tmov r8, r0\n\tmov r9, r0\n\tmov r10, r0\n\t"
                   "mov r11, r0\n\tmov r12, r0\n\t"
                   "msr apsr_nzcvq, r0\n\t"
                   "dsb\n\tisb\n\t"
                   "bxns lr" ::"r"(vectors[0]),
                   "r"(vectors[1] & ~1u), "r"(linker_stack_end), "r"(0), "l"(STACK_SEAL)
                   : "memory");
    __builtin_unreachable();
}
