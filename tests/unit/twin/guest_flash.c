/* The program that test_stm32_core.c runs in a twin: it writes and reads the flash that it does not
 * run from, and tells the mailbox what it sees. A load that cannot be done raises an NMI, whose
 * handler skips it. */
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))
#define SCENARIO       REG32(0x5fff0000u)
#define SAY            REG32(0x5fff0004u)
#define KEYR           REG32(0x40022008u)
#define SR             REG32(0x40022020u)
#define CR             REG32(0x40022028u)
#define ECCR           REG32(0x40022030u)
#define BUSY           (1u << 16)
#define BANK2          0x08100000u
#define TORN           (BANK2 + 0x20u) /* the test has torn this slot */
#define GOOD           (BANK2 + 0x10u) /* and written 1, 2, 3, 4 to this one */

extern uint32_t stack_top[];
void reset(void);

static void bad(void)
{
    SAY = 0xbad;
    for (;;) {
    }
}

static volatile uint32_t *const returns = (uint32_t *)0x20000000u;
static volatile uint32_t *const stays = (uint32_t *)0x20000004u;

__attribute__((used)) static void skip(uint32_t *frame)
{
    SAY = 'n';
    if (ECCR >> 31)
        ECCR = 1u << 31;
    if (*stays) {
        --*stays; /* goes back to the load itself */
        return;
    }
    const uint16_t code = *(const uint16_t *)frame[6];
    frame[6] += code >> 11 >= 0x1du ? 4u : 2u;
}

__attribute__((naked)) static void nmi(void)
{
    __asm volatile(
        "ldr r0, =0x20000000\n\tstr lr, [r0]\n\tmov r0, sp\n\tpush {r4, lr}\n\tbl skip\n\t"
        "pop {r4, pc}");
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))stack_top, reset, nmi, bad, bad, bad, bad, 0, 0, 0, 0, bad, 0, 0, bad, bad};

static void unlock(void)
{
    KEYR = 0x45670123u;
    KEYR = 0xcdef89abu;
}

/* The loads, of each shape; what they leave in their registers. */
__attribute__((noinline)) static void read_torn(void)
{
    uint32_t kept = 0x77, before = 0, after = 0;
    __asm volatile("adds %1, #1\n\tldr %0, [%3]\n\tadds %2, #1"
                   : "+l"(kept), "+l"(before), "+l"(after)
                   : "l"(TORN));
    SAY = kept;
    SAY = before + after;
    __asm volatile("ldr.w %0, [%1, #4]" : "+l"(kept) : "l"(TORN));
    SAY = kept;
    register uint32_t base __asm("r2") = TORN - 4u, low __asm("r4") = 5, high __asm("r5") = 6;
    __asm volatile("ldm r2!, {r4, r5}" : "+l"(base), "+l"(low), "+l"(high));
    SAY = base == TORN - 4u ? 'b' : 'B';
    __asm volatile("ldrd %0, %1, [%2]" : "+l"(low), "+l"(high) : "l"(GOOD));
    SAY = low + high;
    SAY = *returns;
}

static void write_slot(void)
{
    unlock();
    CR = 1;
    register uint32_t base __asm("r2") = BANK2 + 0x40u, a __asm("r4") = 10, b __asm("r5") = 11;
    uint32_t early = 0;
    __asm volatile("stm r2!, {r4, r5}\n\tstrd %3, %3, [r2]\n\tldr %2, [%4]"
                   : "+l"(base), "+l"(early), "=&l"(early)
                   : "l"(12), "l"(&SR), "l"(a), "l"(b)
                   : "memory");
    SAY = early & BUSY ? 'y' : 'n';
    while (SR & BUSY) {
    }
    SAY = REG32(BANK2 + 0x40u) + REG32(BANK2 + 0x44u);
    SAY = REG32(BANK2 + 0x48u) + REG32(BANK2 + 0x4cu);
}

/* Half a slot stays in the buffer: the cells do not change. */
static void write_half(void)
{
    unlock();
    CR = 1;
    REG32(BANK2 + 0x60u) = 1;
    SAY = REG32(BANK2 + 0x60u);
}

static void erase_and_read(void)
{
    unlock();
    CR = 2 | 1u << 11 | 1u << 16;
    SAY = 'e';
    SAY = SR & BUSY ? 'y' : 'n';
    SAY = REG32(GOOD);
    SAY = SR & BUSY ? 'y' : 'n';
}

__attribute__((naked, noinline)) static void spin(void)
{
    __asm volatile("1:\n\tadds r0, #1\n\tadds r0, #1\n\tb 1b");
}

/* An instruction that lies across a border of Unicorn's pages has a block of its own; what stands
 * before it ends one without being a branch. */
__attribute__((naked, noinline)) static uint32_t count(void)
{
    __asm volatile("movs r0, #0\n\tldr r1, =20000\n\tb 1f\n\t.ltorg\n\t.balign 1024\n\t"
                   ".space 1014\n1:\n\tadds r0, #1\n\tadds r0, #1\n\tadds r0, #1\n\t"
                   "adds r0, #1\n\tadd.w r0, r0, #1\n\tsubs r1, #1\n\tbne 1b\n\tbx lr");
}

void reset(void)
{
    *stays = 0;
    switch (SCENARIO) {
    case 't':
        read_torn();
        break;
    case 'a':
        *stays = 2;
        SAY = REG32(TORN);
        break;
    case 'c': /* a conditional load */
        __asm volatile("movs r1, #0\n\tcmp r1, #0\n\tite eq\n\tldreq r1, [%0]\n\tmovne r1, #1"
                       :
                       : "l"(TORN)
                       : "r1");
        break;
    case 'w':
        write_slot();
        break;
    case 'h':
        write_half();
        break;
    case 'e':
        erase_and_read();
        break;
    case 'b':
        SAY = count();
        break;
    case 's':
        SAY = (uint32_t)spin & ~1u;
        spin();
        break;
    case 'x':
        ((void (*)(void))(TORN | 1u))();
        break;
    case 'f': /* what an erased flash says is a program's start */
        __asm volatile("msr msp, %0\n\tdsb\n\tisb\n\tbx %0" ::"r"(0xffffffffu));
        break;
    }
    SAY = 'z';
    for (;;)
        __asm volatile("wfi");
}
