/* hostile.c on the emulated board: its addresses, and attempts of its own. Included there alone. */
#define RAM_START             0x28008000u
#define RAM_END               0x28020000u
#define SECURE_RAM            0x38000800u
#define BOOT_CODE             0x10000400u
#define OTHER_ADDRESS(place)  ((place)-0x10000000u)
#define MEMORY_PROTECTION     0x58008000u
#define PERIPHERAL_PROTECTION 0x50080084u
#define WATCHDOG_CONTROL      0x50081008u

#define DEVICE_1    (0x80000000u + DEVICE_SIZE(BOARD_DEVICE_0))
#define VAULT       (DEVICE_1 + AREA_OFFSET(BOARD_VAULT))
#define SEED        (DEVICE_1 + AREA_OFFSET(BOARD_SEED))
#define SECONDARY   (DEVICE_1 + AREA_OFFSET(BOARD_SECONDARY))
#define NEXT_SECURE (DEVICE_1 + AREA_OFFSET(BOARD_SECURE_SECONDARY))
#define SECURE_END  (AREA_ADDRESS(BOARD_SECURE_PRIMARY) + AREA_SIZE(BOARD_SECURE_PRIMARY))
#define PRIMARY_END (AREA_ADDRESS(BOARD_PRIMARY) + AREA_SIZE(BOARD_PRIMARY))
#define CODE        (AREA_ADDRESS(BOARD_SECURE_PRIMARY) + BOARD_HEADER_SIZE + 0x400u)

static bool reads_seed(void)
{
    return reads(SEED);
}

/* PSRAM, and the flash that it stands for, is written by stores. */
static bool writes_slot(void)
{
    return writes(SECONDARY + 0x1000u);
}

static bool writes_secondary_trailer(void)
{
    return writes(SECONDARY + AREA_SIZE(BOARD_SECONDARY) - 16u);
}

static bool writes_code(void)
{
    return writes(CODE);
}

static bool writes_gate(void)
{
    return writes((uint32_t)gate_seal & ~1u);
}

static bool writes_primary_trailer(void)
{
    return writes(PRIMARY_END - 16u);
}

static bool reads_next_secure(void)
{
    return reads(NEXT_SECURE);
}

static bool writes_next_secure(void)
{
    return writes(NEXT_SECURE + 0x1000u);
}

static bool writes_next_secure_trailer(void)
{
    return writes(NEXT_SECURE + AREA_SIZE(BOARD_SECURE_SECONDARY) - 16u);
}

static bool writes_secure_trailer(void)
{
    return writes(SECURE_END - 16u);
}

/* Images that the test has put where a firmware has its store. */
enum candidate { UNSIGNED, OLDER, OF_ANOTHER_BOARD, HALF_OF_A_PAIR, NO_SECURE_PROGRAM };
#define CANDIDATE_SIZE 0x2000u

static psa_status_t offer(enum candidate number)
{
    const uint32_t image = AREA_ADDRESS(BOARD_STORE) + number * CANDIDATE_SIZE;
    psa_status_t result = psa_fwu_start(FWU_COMPONENT_SECURE, NULL, 0);
    for (uint32_t at = 0; at < CANDIDATE_SIZE && result == PSA_SUCCESS; at += 0x1000u)
        result =
            psa_fwu_write(FWU_COMPONENT_SECURE, at, (const void *)(uintptr_t)(image + at), 0x1000u);
    return result == PSA_SUCCESS ? psa_fwu_finish(FWU_COMPONENT_SECURE) : result;
}

static bool is_refused(enum candidate number, psa_status_t why)
{
    return offer(number) == why && psa_fwu_install() == PSA_ERROR_BAD_STATE &&
           psa_fwu_clean(FWU_COMPONENT_SECURE) == PSA_SUCCESS;
}

static bool installs_secure_that_nobody_signed(void)
{
    return is_refused(UNSIGNED, PSA_ERROR_INVALID_SIGNATURE);
}

static bool installs_older_secure(void)
{
    return is_refused(OLDER, PSA_ERROR_NOT_PERMITTED);
}

static bool installs_secure_of_another_board(void)
{
    return is_refused(OF_ANOTHER_BOARD, PSA_ERROR_INVALID_SIGNATURE);
}

static bool installs_half_of_a_pair(void)
{
    return offer(HALF_OF_A_PAIR) == PSA_SUCCESS &&
           psa_fwu_install() == PSA_ERROR_DEPENDENCY_NEEDED &&
           psa_fwu_accept() == PSA_ERROR_BAD_STATE &&
           psa_fwu_cancel(FWU_COMPONENT_SECURE) == PSA_SUCCESS &&
           psa_fwu_clean(FWU_COMPONENT_SECURE) == PSA_SUCCESS;
}

/* One key signs what runs in either world: the bootloader does not start it, and brings the secure
 * program back. */
static bool takes_the_place_of_the_secure_program(void)
{
    if (offer(NO_SECURE_PROGRAM) == PSA_SUCCESS && psa_fwu_install() == PSA_SUCCESS_REBOOT)
        (void)gate_reboot();
    return false;
}

static bool random_to_trailer(void)
{
    return REFUSED(gate_generate_random((uint8_t *)(PRIMARY_END - 32u), 32));
}

/* Where a refused port reads as 0 and nothing faults. */
static bool uses_dma(void)
{
    REG32(0x40110030u) = 1;
    return REG32(0x40110030u) == 0;
}

static uint32_t way_back;

__attribute__((naked)) static void on_tick_return(void)
{
    __asm volatile("bx %0" ::"r"(way_back));
}

/* As if the interrupt had come in the middle of secure code. */
static bool returns_from_interrupt(uint32_t exc_return)
{
    static uint32_t table[64] __attribute__((aligned(256)));
    memcpy(table, (const void *)SCB_VTOR, 64);
    table[15] = (uint32_t)on_tick_return;
    SCB_VTOR = (uint32_t)table;
    way_back = exc_return;
    SYSTICK_RELOAD = 20000u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
    for (volatile uint32_t i = 0; i < 1000000u; i++) { /* longer than that */
    }
    return false;
}

static bool returns_to_main_stack(void)
{
    return returns_from_interrupt(0xfffffff8u);
}

static bool returns_to_process_stack(void)
{
    return returns_from_interrupt(0xfffffffcu);
}

/* clang-format off */
#define CHIP_ATTEMPTS                                                                              \
    {"return from an interrupt to the secure main stack", returns_to_main_stack},                  \
    {"return from an interrupt to the secure process stack", returns_to_process_stack},            \
    {"read the seed in flash", reads_seed},                                                        \
    {"write the update slot", writes_slot},                                                        \
    {"write the update slot's trailer", writes_secondary_trailer},                                 \
    {"write the running slot's trailer", writes_primary_trailer},                                  \
    {"write secure code", writes_code},                                                            \
    {"write a gate", writes_gate},                                                                 \
    {"read the secure program's update slot", reads_next_secure},                                  \
    {"write the secure program's update slot", writes_next_secure},                                \
    {"write the trailer of the secure program's update slot", writes_next_secure_trailer},         \
    {"write the trailer of the running secure program", writes_secure_trailer},                    \
    {"install a secure program that nobody signed", installs_secure_that_nobody_signed},           \
    {"install an older secure program", installs_older_secure},                                    \
    {"install a secure program of another board", installs_secure_of_another_board},               \
    {"install and accept half of a pair", installs_half_of_a_pair},                                \
    {"have a firmware started as the secure program", takes_the_place_of_the_secure_program},      \
    {"have random bytes written to a trailer", random_to_trailer},                                 \
    {"use the DMA", uses_dma}
/* clang-format on */

/* The slot that it runs from cannot be kept from being written. */
static void change_own_image(void)
{
    REG32(AREA_ADDRESS(BOARD_PRIMARY) + BOARD_HEADER_SIZE + 0x100u) ^= 1;
}
