/* The secure half of the program that test_worlds.c runs in a twin with two worlds; the other half
 * is guest_worlds_free.c. They do what the mailbox asks for, and tell the mailbox what happens in
 * which order. */
#include <stdint.h>

#include <arm_cmse.h>

#define REG32(address) (*(volatile uint32_t *)(address))
#define SCENARIO       REG32(0x40000000u)
#define SAY            REG32(0x40000004u)
#define SYST_CSR       REG32(0xe000e010u)
#define SYST_RVR       REG32(0xe000e014u)
#define SYST_CVR       REG32(0xe000e018u)
#define NVIC_ISER      REG32(0xe000e100u)
#define NVIC_ISPR      REG32(0xe000e200u)
#define NVIC_ITNS      REG32(0xe000e380u)
#define ICSR           REG32(0xe000ed04u)
#define AIRCR          REG32(0xe000ed0cu)
#define SHCSR          REG32(0xe000ed24u)
#define SAU_CTRL       REG32(0xe000edd0u)
#define SAU_RNR        REG32(0xe000edd8u)
#define SAU_RBAR       REG32(0xe000eddcu)
#define SAU_RLAR       REG32(0xe000ede0u)
#define SFSR           REG32(0xe000ede4u)
#define SFAR           REG32(0xe000ede8u)
#define VTOR_NS        REG32(0xe002ed08u)
#define RESET          0x05fa0004u

#define GATE __attribute__((cmse_nonsecure_entry, noinline))

extern uint32_t stack_top[];
void reset(void);

static volatile uint32_t *const starts = (uint32_t *)0x20002000u; /* since the power came */

static void say(uint32_t what)
{
    SAY = what;
}

static void settle(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
}

static void fault(void)
{
    say('F');
    say(ICSR & 0x1ffu);
    say(SFSR);
    say(SFAR);
    AIRCR = RESET;
    for (;;) {
    }
}

static void systick(void)
{
    say('T');
    SYST_CSR = 0;
}

static void irq4(void)
{
    say('4');
}

static void bad(void)
{
    say(0xbad);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))stack_top,
    reset,
    bad,
    fault,
    bad,
    bad,
    bad,
    fault,
    0,
    0,
    0,
    bad,
    0,
    0,
    bad,
    systick,
    bad,
    bad,
    bad,
    bad,
    irq4,
};

GATE uint32_t gate_add(uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    say('g');
    return a + 10 * b + 100 * c + 1000 * d;
}

GATE uint32_t gate_may_read(void *from, uint32_t size)
{
    return cmse_check_address_range(from, size, CMSE_NONSECURE | CMSE_MPU_READ) != 0;
}

/* An interrupt of the free world in the middle of a gate: what it must leave as it was. */
GATE uint32_t gate_pend(uint32_t interrupts)
{
    register uint32_t a __asm("r4") = 11, b __asm("r7") = 22;
    say('[');
    __asm volatile("" : "+r"(a), "+r"(b));
    NVIC_ISPR = interrupts;
    settle();
    __asm volatile("" : "+r"(a), "+r"(b));
    say(']');
    return a + b;
}

GATE void gate_tick(void)
{
    SYST_RVR = 699;
    SYST_CVR = 0;
    SYST_CSR = 7;
}

typedef uint32_t __attribute__((cmse_nonsecure_call)) free_function(uint32_t);

GATE uint32_t gate_call(free_function *function)
{
    const uint32_t result = cmse_nsfptr_create(function)(5);
    say('c');
    return result + 1;
}

/* The gates, at addresses that the free half knows: the linker would give it the functions. */
__attribute__((section(".gates"), naked, used)) static void gates(void)
{
    __asm volatile(
        ".syntax unified\n\tsg\n\tb.w __acle_se_gate_add\n\tsg\n\tb.w __acle_se_gate_may_read\n\t"
        "sg\n\tb.w __acle_se_gate_pend\n\tsg\n\tb.w __acle_se_gate_tick\n\t"
        "sg\n\tb.w __acle_se_gate_call");
}

static void region(uint32_t number, uint32_t first, uint32_t last, uint32_t bits)
{
    SAU_RNR = number;
    SAU_RBAR = first;
    SAU_RLAR = (last & ~31u) | bits;
}

static void start_free(void)
{
    const uint32_t *table = (const uint32_t *)0x10001000u;
    VTOR_NS = (uint32_t)table;
    __asm volatile("msr msp_ns, %0\n\tmsr control_ns, %2\n\tbxns %1" ::"r"(table[0]),
                   "r"(table[1] & ~1u), "r"(0));
    __builtin_unreachable();
}

void reset(void)
{
    if (SCENARIO == 0)
        *starts = 0;
    else if (++*starts > 1) {
        say('z');
        for (;;)
            __asm volatile("wfi");
    }
    region(0, 0xf00, 0xfff, 3);
    region(1, 0x10001000u, 0x10001fffu, 1);
    region(2, 0x30001000u, 0x30003fffu, 1);
    region(3, 0x50000000u, 0x5fffffffu, 1);
    SAU_CTRL = 1;
    settle();
    NVIC_ITNS = 1u << 3;
    NVIC_ISER = 1u << 4;
    AIRCR = 0x05fa0000u | 1u << 3 | (SCENARIO == 'q' || SCENARIO == 'm' ? 1u << 14 : 0);
    SHCSR |= 1u << 19;
    if (SCENARIO == 'R') /* what a return takes is sealed */
        __asm volatile("mov r0, %0\n\tmov r1, %0\n\tpush {r0, r1}" ::"r"(0xfef5eda5)
                       : "r0", "r1", "memory");
    if (SCENARIO == 'v') /* to where no free world is */
        __asm volatile("msr msp_ns, %1\n\tbxns %0" ::"r"(0x200), "r"(0x30004000));
    start_free();
}
