/* The half of the program of test_worlds.c that is not secure; see guest_worlds.c. */
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))
#define SCENARIO       REG32(0x50000000u)
#define SAY            REG32(0x50000004u)
#define SYST_CSR       REG32(0xe000e010u)
#define SYST_RVR       REG32(0xe000e014u)
#define SYST_CVR       REG32(0xe000e018u)
#define NVIC_ISER      REG32(0xe000e100u)
#define NVIC_ISPR      REG32(0xe000e200u)
#define NVIC_ITNS      REG32(0xe000e380u)
#define AIRCR          REG32(0xe000ed0cu)
#define SAU_CTRL       REG32(0xe000edd0u)
#define SAU_RLAR       REG32(0xe000ede0u)
#define RESET          0x05fa0004u

#define FREE_CODE __attribute__((section(".free"), noinline))
#define POINTER   __attribute__((section(".free.pointers")))

extern uint32_t free_stack_top[];

#define GATE(n) (0xf01u + 8u * (n))

static uint32_t (*const volatile far_add)(uint32_t, uint32_t, uint32_t, uint32_t) POINTER =
    (uint32_t(*)(uint32_t, uint32_t, uint32_t, uint32_t))GATE(0);
static uint32_t (*const volatile far_may_read)(void *,
                                               uint32_t) POINTER = (uint32_t(*)(void *,
                                                                                uint32_t))GATE(1);
static uint32_t (*const volatile far_pend)(uint32_t) POINTER = (uint32_t(*)(uint32_t))GATE(2);
static void (*const volatile far_tick)(void) POINTER = (void (*)(void))GATE(3);
static uint32_t (*const volatile far_call)(void *) POINTER = (uint32_t(*)(void *))GATE(4);

static volatile uint32_t *const come = (uint32_t *)0x30001000u;

FREE_CODE static void free_say(uint32_t what)
{
    SAY = what;
}

FREE_CODE static void free_settle(void)
{
    __asm volatile("dsb\n\tisb" ::: "memory");
}

FREE_CODE static void free_bad(void)
{
    free_say(0xbad0);
    for (;;) {
    }
}

FREE_CODE static void free_systick(void)
{
    free_say('t');
    ++*come;
}

/* What the secure world had in registers is not to be seen. */
__attribute__((section(".free"), naked)) static void free_irq3(void)
{
    __asm volatile(".syntax unified\n\torrs r0, r1\n\torrs r0, r2\n\torrs r0, r3\n\torrs r0, "
                   "r4\n\torrs r0, r5\n\t"
                   "orrs r0, r6\n\torrs r0, r7\n\tb free_came");
}

__attribute__((section(".free"), used)) void free_came(uint32_t seen)
{
    free_say('3');
    *come = seen;
}

FREE_CODE static void free_svc(void)
{
    free_say('s');
}

void free_reset(void);

__attribute__((section(".free.vectors"), used)) static void (*const free_vectors[])(void) = {
    (void (*)(void))free_stack_top,
    free_reset,
    free_bad,
    free_bad,
    free_bad,
    free_bad,
    free_bad,
    free_bad,
    0,
    0,
    0,
    free_svc,
    0,
    0,
    free_bad,
    free_systick,
    free_bad,
    free_bad,
    free_bad,
    free_irq3,
    free_bad,
};

FREE_CODE static uint32_t free_twice(uint32_t value)
{
    free_say('f');
    return 2 * value;
}

FREE_CODE static void free_check(void)
{
    free_say(far_may_read((void *)0x30001000u, 16));
    free_say(far_may_read((void *)0x10001000u, 0x1000));
    free_say(far_may_read((void *)0x20001000u, 16)); /* secure RAM */
    free_say(far_may_read((void *)0x30000ff0u, 32)); /* the same by its other address */
    free_say(far_may_read((void *)0x30003ff0u, 32)); /* across the end */
    free_say(far_may_read((void *)0xf00u, 4));       /* a gate */
    free_say(far_may_read((void *)0xfffffff0u, 32)); /* around the end */
    free_say(far_may_read((void *)0x50000000u, 4));
}

FREE_CODE static void free_ticks(void)
{
    *come = 0;
    SYST_RVR = 499;
    SYST_CVR = 0;
    SYST_CSR = 7;
    far_tick();
    while (*come < 3)
        __asm volatile("wfi");
    free_say(SYST_CSR & 7u);
    SYST_CSR = 0;
}

/* What only the secure world may do, and what it may not see. */
FREE_CODE static void free_tries(void)
{
    SAU_CTRL = 0;
    NVIC_ITNS = 0xffffffffu;
    free_say(SAU_CTRL | SAU_RLAR | NVIC_ITNS);
    NVIC_ISPR = 1u << 4;
    free_settle();
    free_say(NVIC_ISPR);
    AIRCR = RESET;
    free_settle();
}

FREE_CODE void free_reset(void)
{
    NVIC_ISER = 1u << 3;
    free_say('n');
    switch (SCENARIO) {
    case 'g':
        free_say(far_add(1, 2, 3, 4));
        break;
    case 't':
        free_check();
        break;
    case 'i':
        *come = 0;
        NVIC_ISPR = 1u << 3;
        free_settle();
        free_say('i');
        __asm volatile("svc 0");
        break;
    case 'j':
        *come = 1;
        free_say(far_pend(1u << 3));
        free_say(*come);
        break;
    case 'k':
    case 'q':
        free_say(far_pend(1u << 4 | 1u << 3));
        break;
    case 'm': /* its mask holds its own interrupts up */
        __asm volatile("cpsid i");
        free_say(far_pend(1u << 4 | 1u << 3));
        free_say('m');
        __asm volatile("cpsie i\n\tisb");
        break;
    case 's':
        free_ticks();
        break;
    case 'c':
        free_say(far_call((void *)free_twice));
        break;
    case 'a':
        free_tries();
        break;
    case 'd':
        free_say(REG32(0x20002000u));
        break;
    case 'w':
        REG32(0x20002004u) = 1;
        break;
    case 'D': /* what the SAU gives away, but not the chip */
        for (;;)
            (void)REG32(0x30001800u);
    case 'R':
        __asm volatile("bx %0" ::"r"(0xfeffffff));
        break;
    case 'S':
        __asm volatile("msr msp, %0\n\tsvc 0" ::"r"(0x20003000));
        break;
    case 'p':
        free_say(REG32(0x40000000u));
        break;
    case 'f':
        ((void (*)(void))0x201u)();
        break;
    case 'e': /* behind a gate's first instruction */
        ((void (*)(void))((uint32_t)far_add + 4u))();
        break;
    }
    free_say('z');
    for (;;)
        __asm volatile("wfi");
}
