/* The program that test_core.c runs in a twin: it does what the mailbox asks for, and tells the
 * mailbox what happens in which order. */
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))
#define SCENARIO       REG32(0x40000000u)
#define SAY            REG32(0x40000004u)
#define SYST_CSR       REG32(0xe000e010u)
#define SYST_RVR       REG32(0xe000e014u)
#define SYST_CVR       REG32(0xe000e018u)
#define NVIC_ISER      REG32(0xe000e100u)
#define NVIC_ISPR      REG32(0xe000e200u)
#define NVIC_IPR       REG32(0xe000e400u)
#define ICSR           REG32(0xe000ed04u)

extern uint32_t stack_top[];
void reset(void);

static void bad(void)
{
    SAY = 0xbad;
    for (;;) {
    }
}

static void nmi(void)
{
    SAY = 'n';
}

static void svc(void)
{
    SAY = 's';
    ICSR = 1u << 28; /* PendSV, of the same priority: comes after this one */
    SAY = 'S';
}

static void pendsv(void)
{
    SAY = 'p';
}

static volatile uint32_t *const tick_count = (uint32_t *)0x20000000u;

static void systick(void)
{
    SAY = 't';
    ++*tick_count;
}

static void irq0(void)
{
    SAY = '0';
    NVIC_ISPR = 1u << 1 | 1u << 2; /* 1 is more urgent, 2 is not */
    __asm volatile("dsb\n\tisb");
    SAY = 'o';
}

static void irq1(void)
{
    SAY = '1';
}

static void irq2(void)
{
    SAY = '2';
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))stack_top,
    reset,
    nmi,
    bad,
    bad,
    bad,
    bad,
    0,
    0,
    0,
    0,
    svc,
    0,
    0,
    pendsv,
    systick,
    irq0,
    irq1,
    irq2,
};

static void wait(void)
{
    __asm volatile("wfi" ::: "memory");
}

static void unmask(void)
{
    __asm volatile("cpsie i\n\tisb" ::: "memory");
}

static void mask(void)
{
    __asm volatile("cpsid i" ::: "memory");
}

static void ticks(void)
{
    SYST_RVR = 9999;
    SYST_CVR = 0;
    SYST_CSR = 7;
    for (*tick_count = 0; *tick_count < 3;)
        wait();
    SAY = SYST_CSR >> 16 & 1u; /* it has counted to zero; reading says so once */
    SAY = SYST_CSR >> 16 & 1u;
    SYST_CSR = 0;
}

/* Registers and flags that an exception must leave as they were. */
__attribute__((noinline)) static uint32_t busy_sum(void)
{
    uint32_t sum = 0;
    __asm volatile("" : "+r"(sum));
    for (uint32_t i = 0; i < 20000; i++)
        sum = (sum << 1 | sum >> 31) + i;
    return sum;
}

__attribute__((naked)) static void sled(void)
{
    __asm volatile(".rept 200\n\tadds r0, #1\n\t.endr\n\tb .");
}

/* A function in RAM: `movs r0, #value`, `bx lr`. */
static uint32_t say_by(volatile uint32_t *place, uint32_t value)
{
    *place = 0x47702000u | value;
    __asm volatile("dsb\n\tisb");
    return ((uint32_t(*)(void))((uint32_t)place | 1u))();
}

/* On a page that was data before, over itself, on one more page, and across the end of a page. */
static void own_instructions(void)
{
    volatile uint32_t *const here = (uint32_t *)0x20000800u, *const there = (uint32_t *)0x20001000u;
    here[8] = 'a';
    SAY = here[8];
    SAY = say_by(here, '1');
    SAY = say_by(here, '2');
    here[8] = 'b';
    SAY = here[8];
    SAY = say_by(there, '3');
    SAY = say_by(here, '4');
    SAY = say_by(there, '5');
    volatile uint16_t *const across = (uint16_t *)0x20001bfeu;
    across[0] = 0x2000u | '6';
    across[1] = 0x4770u;
    __asm volatile("dsb\n\tisb");
    SAY = ((uint32_t(*)(void))0x20001bffu)();
    across[1] = 0x3001u; /* adds r0, #1 */
    across[2] = 0x4770u;
    __asm volatile("dsb\n\tisb");
    SAY = ((uint32_t(*)(void))0x20001bffu)();
}

void reset(void)
{
    NVIC_IPR = 0x00804080u; /* 0: 0x80, 1: 0x40, 2: 0x80 */
    NVIC_ISER = 7;
    switch (SCENARIO) {
    case 'l': /* what starts the clock that ends a sleep stands right before it */
        mask();
        SYST_RVR = 9999;
        SYST_CVR = 0;
        SAY = 'a';
        SYST_CSR = 7;
        wait();
        SAY = 'z';
        break;
    case 'n': /* nested */
        SAY = 'a';
        NVIC_ISPR = 1;
        __asm volatile("dsb\n\tisb");
        SAY = 'z';
        break;
    case 'm': /* masked */
        mask();
        NVIC_ISPR = 1u << 1;
        ICSR = 1u << 31; /* NMI cannot be masked */
        __asm volatile("dsb\n\tisb");
        SAY = 'a';
        unmask();
        SAY = 'z';
        break;
    case 's':
        SAY = 'a';
        __asm volatile("svc 0");
        SAY = 'z';
        break;
    case 't':
        ticks();
        SAY = 'z';
        break;
    case 'w': /* a masked interrupt ends a sleep, and is taken when it may be */
        mask();
        SAY = 'a';
        wait();
        SAY = 'w';
        unmask();
        SAY = 'z';
        break;
    case 'b':
        SAY = busy_sum();
        SYST_RVR = 499;
        SYST_CVR = 0;
        SYST_CSR = 7;
        SAY = busy_sum();
        SYST_CSR = 0;
        SAY = 'z';
        break;
    case 'c':
        SAY = (uint32_t)sled & ~1u;
        sled();
        break;
    case 'o':
        own_instructions();
        SAY = 'z';
        break;
    case 'r':
        (void)REG32(0xf0000000u);
        break;
    case 'x':
        REG32(0x00000000u) = 1; /* read-only memory */
        break;
    case 'u':
        __asm volatile("bkpt 0");
        break;
    case 'e': /* where registers are */
        ((void (*)(void))0x40000001u)();
        break;
    case 'f': /* what an erased flash says is a program's start */
        __asm volatile("msr msp, %0\n\tdsb\n\tisb\n\tbx %0" ::"r"(0xffffffffu));
        break;
    }
    for (;;)
        wait();
}
