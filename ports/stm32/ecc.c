/* Reading flash that may be torn. A unit whose ECC cannot mend it raises the NMI (reference
 * manuals: embedded flash memory, error code correction). Only ecc_read may meet one: the NMI notes
 * it there and lets it go on. Anywhere else it is the end of the program, as is the watchdog's
 * elsewhere.
 *
 * Not known is where the core stands when the NMI comes: at the load, which would then be made
 * again for ever, or any number of instructions behind it. So within ecc_load the handler passes
 * over the instruction that it finds, and all of those that it may find can be passed over; behind
 * it nothing is passed over, but as long as ecc_read has not come to its end the read has failed.
 * Nor is it known whether the H573 raises it when it is masked in SBS: the flag of the controller
 * is asked as well, and an NMI that comes when ecc_read has already taken that flag is its own. */
#include "ports/cortex-m/system.h"
#include "ports/stm32/flash.h"
#include "ports/stm32/stm32.h"

static volatile bool reading, failed;

void ecc_load(const uint32_t *from, uint32_t *to);
bool ecc_take_nmi(uint32_t *frame);
extern const char ecc_load_end[];

/* Four words. Between its start and ecc_load_end any instruction may be missed: then `failed` is
 * set and what is stored is of no account. */
__attribute__((naked, noinline, used)) void
ecc_load(const uint32_t *from __attribute__((unused)), uint32_t *to __attribute__((unused)))
{
    __asm volatile("ldr r2, [r0]\n\t"
                   "ldr r3, [r0, #4]\n\t"
                   "ldr r12, [r0, #8]\n\t"
                   "ldr r0, [r0, #12]\n\t"
                   "dsb\n\t"
                   "isb\n\t"
                   "nop\n\t"
                   "nop\n\t"
                   ".global ecc_load_end\n"
                   "ecc_load_end:\n\t"
                   "str r2, [r1]\n\t"
                   "str r3, [r1, #4]\n\t"
                   "str r12, [r1, #8]\n\t"
                   "str r0, [r1, #12]\n\t"
                   "bx lr" ::
                       : "r0", "r2", "r3", "r12", "memory"); /* callers look at what is used here */
}

static bool take_flag(void)
{
    if (!(FLASH_ECC & FLASH_ECC_FAILED))
        return false;
    failed = true;
    FLASH_ECC = FLASH_ECC_FAILED; /* a written 1 clears it */
    __asm volatile("dsb\n\tisb" ::: "memory");
    return true;
}

/* By name from below. `frame`: what the core pushed; word 6 is the program counter. */
__attribute__((used)) bool ecc_take_nmi(uint32_t *frame)
{
    const uint32_t start = (uint32_t)(uintptr_t)ecc_load & ~1u;
    const uint32_t end = (uint32_t)(uintptr_t)ecc_load_end;
    const uint32_t pc = frame[6];
    if (!reading || (!take_flag() && !failed))
        return false;
    if (pc >= start && pc < end)
        frame[6] = pc + (*(const uint16_t *)(uintptr_t)pc >> 11 >= 0x1du ? 4u : 2u);
    return true;
}

/* Our programs have one stack each. One that comes while the other world runs finds nothing of it
 * being read here, and looks no further. */
__attribute__((naked, used)) void nmi_handler(void)
{
    __asm volatile("mov r0, sp\n\t"
                   "push {r0, lr}\n\t"
                   "bl ecc_take_nmi\n\t"
                   "pop {r1, lr}\n\t"
                   "cbnz r0, 1f\n\t"
                   "ldr r1, =fault_handler\n\t"
                   "bx r1\n"
                   "1: bx lr");
}

bool ecc_read(const uint32_t *from, uint32_t to[4])
{
#ifdef CHIP_SECURE /* an interrupt of the other world may call a gate that reads */
    const uint32_t primask = irq_save();
#endif
    failed = false;
    reading = true;
    ecc_load(from, to);
    (void)take_flag();
    reading = false;
    const bool good = !failed;
#ifdef CHIP_SECURE
    irq_restore(primask);
#endif
    return good;
}
