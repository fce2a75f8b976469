/* The secure program that test_stm32_worlds.c runs in the twin of an STM32U585 with two worlds:
 * what it may do with flash and RAM, of its own and of the other world. */
#include <stdint.h>

#define REG32(address) (*(volatile uint32_t *)(address))
#define SCENARIO       REG32(0x5fff0000u)
#define SAY            REG32(0x5fff0004u)
#define NSKEYR         REG32(0x50022008u)
#define SECKEYR        REG32(0x5002200cu)
#define NSSR           REG32(0x50022020u)
#define SECSR          REG32(0x50022024u)
#define NSCR           REG32(0x50022028u)
#define SECCR          REG32(0x5002202cu)
#define SECBB2R1       REG32(0x500220a0u)
#define BUSY           (1u << 16)
#define ERASE_BANK_2   (1u << 1 | 1u << 11) /* page 0 */
#define START          (1u << 16)
#define AHB1ENR        REG32(0x56020c88u)
#define MPCBB1         REG32(0x50032d00u)
#define SAU_CTRL       REG32(0xe000edd0u)
#define SAU_RNR        REG32(0xe000edd8u)
#define SAU_RBAR       REG32(0xe000eddcu)
#define SAU_RLAR       REG32(0xe000ede0u)
#define BANK2          0x08100400u /* its first page, but not of the TLB's like the program */
#define BANK2_SECURE   0x0c100400u

extern uint32_t stack_top[];
void reset(void);

static void bad(void)
{
    SAY = 0xbad;
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static void (*const vectors[])(void) = {
    (void (*)(void))stack_top, reset, bad, bad, bad, bad, bad, bad, 0, 0, 0, bad, 0, 0, bad, bad};

static void unlock(volatile uint32_t *key)
{
    *key = 0x45670123u;
    *key = 0xcdef89abu;
}

static void write_slot(uint32_t address)
{
    for (uint32_t i = 0; i < 4; i++)
        REG32(address + 4u * i) = i + 1u;
    while ((SECSR | NSSR) & BUSY) {
    }
}

static void say_slot(uint32_t address)
{
    for (uint32_t i = 0; i < 4; i++)
        SAY = REG32(address + 4u * i);
}

/* The page is taken, written and erased. */
static void use_own_page(void)
{
    SECBB2R1 = 1;
    unlock(&SECKEYR);
    SECCR = 1;
    write_slot(BANK2_SECURE);
    SAY = SECSR;
    say_slot(BANK2_SECURE);
    SECCR = ERASE_BANK_2;
    SECCR = ERASE_BANK_2 | START;
    while (SECSR & BUSY) {
    }
    say_slot(BANK2_SECURE);
}

static void use_wrong_registers(void)
{
    SECBB2R1 = 1;
    unlock(&NSKEYR);
    NSCR = 1;
    write_slot(BANK2_SECURE);
    SAY = SECSR;
    NSCR = ERASE_BANK_2;
    NSCR = ERASE_BANK_2 | START;
    SAY = NSSR;
    SECBB2R1 = 0;
    unlock(&SECKEYR);
    SECSR = 0xfau;
    SECCR = ERASE_BANK_2;
    SECCR = ERASE_BANK_2 | START;
    SAY = SECSR;
}

/* SAU says what is the other world's. */
static void give(uint32_t first, uint32_t last)
{
    SAU_RNR = 0;
    SAU_RBAR = first;
    SAU_RLAR = last | 1u;
    SAU_CTRL = 1;
    __asm volatile("dsb\n\tisb" ::: "memory");
}

static void give_page(void)
{
    give(BANK2, BANK2 + 0x1be0u);
    unlock(&NSKEYR);
    NSCR = 1;
    write_slot(BANK2);
    SAY = NSSR;
    say_slot(BANK2);
}

static void give_ram(void)
{
    AHB1ENR |= 1u << 24;
    REG32(0x30000000u) = 7;
    MPCBB1 = 0;
    give(0x20000000u, 0x20003fe0u);
    SAY = REG32(0x20000000u);
}

void reset(void)
{
    switch (SCENARIO) {
    case 'w':
        use_own_page();
        break;
    case 'r':
        use_wrong_registers();
        break;
    case 'p':
        give_page();
        break;
    case 'P': /* by the secure address */
        give_page();
        SAY = REG32(BANK2_SECURE);
        break;
    case 'k': /* the page is not given */
        SECBB2R1 = 1;
        give(BANK2, BANK2 + 0x1be0u);
        SAY = REG32(BANK2);
        break;
    case 'm':
        give_ram();
        break;
    case 'M':
        give_ram();
        SAY = REG32(0x30000000u);
        break;
    default:
        break;
    }
    SAY = 'z';
    for (;;) {
    }
}
