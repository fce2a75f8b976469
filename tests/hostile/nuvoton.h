/* hostile.c on the M2354: its addresses, and attempts by its flash controller, which has a view for
 * each world (ports/nuvoton/fmc.c). Included there alone.
 *
 * Not among them: the trailer of the running slot, which this chip cannot keep from who runs there
 * (boards/numaker-m2354/trustzone/README.md); and peripherals that are the secure world's, by their
 * addresses in the other one, where no source says whether they fault or read as 0. */
#include "ports/nuvoton/fmc.h"
#include "ports/nuvoton/nuvoton.h"

#define RAM_START             0x30014000u
#define RAM_END               0x30040000u
#define SECURE_RAM            0x20000800u
#define BOOT_CODE             0x00000400u
#define OTHER_ADDRESS(place)  ((place) + CHIP_NONSECURE_ALIAS)
#define MEMORY_PROTECTION     (SCU_BASE + 0x024u) /* SRAMNSSET */
#define PERIPHERAL_PROTECTION (SCU_BASE + 0x00cu) /* PNSSET3 */
#define WATCHDOG_CONTROL      0x40040000u

#define VAULT     AREA_ADDRESS(BOARD_VAULT)
#define SECONDARY AREA_ADDRESS(BOARD_SECONDARY)

#define FMC_VECTORS      0x2eu
#define FMC_ERASE_BANK   0x23u
#define FMC_CONFIG_WORDS 0x00300000u

/* True: the controller says that it has not done it, and gives no data. */
static bool fmc_refuses(uint32_t code, uint32_t address)
{
    FMC_ISPCTL |= FMC_ENABLE | FMC_UPDATE | FMC_UPDATE_CONFIG | FMC_FAILED;
    FMC_ISPCMD = code;
    FMC_ISPADDR = address;
    FMC_ISPDAT = 0;
    FMC_ISPTRG = 1;
    __asm volatile("isb" ::: "memory");
    while ((FMC_ISPTRG & 1u) != 0) {
    }
    return (FMC_ISPCTL & FMC_FAILED) != 0 && (code != FMC_READ || FMC_ISPDAT == 0xffffffffu);
}

static bool has_keys_read(void)
{
    return fmc_refuses(FMC_READ, VAULT);
}
static bool has_keys_erased(void)
{
    return fmc_refuses(FMC_ERASE, VAULT);
}
static bool has_code_programmed(void)
{
    return fmc_refuses(FMC_PROGRAM, AREA_ADDRESS(BOARD_SECURE_PRIMARY));
}
static bool has_gate_programmed(void)
{
    return fmc_refuses(FMC_PROGRAM, (uint32_t)gate_seal & ~3u);
}
static bool has_slot_erased(void)
{
    return fmc_refuses(FMC_ERASE, SECONDARY);
}
static bool has_trailer_programmed(void)
{
    return fmc_refuses(FMC_PROGRAM, SECONDARY + AREA_SIZE(BOARD_SECONDARY) - 16u);
}
static bool has_next_secure_erased(void)
{
    return fmc_refuses(FMC_ERASE, AREA_ADDRESS(BOARD_SECURE_SECONDARY));
}
static bool has_secure_trailers_programmed(void)
{
    return fmc_refuses(FMC_PROGRAM, AREA_ADDRESS(BOARD_SECURE_PRIMARY) +
                                        AREA_SIZE(BOARD_SECURE_PRIMARY) - 16u) &&
           fmc_refuses(FMC_PROGRAM, AREA_ADDRESS(BOARD_SECURE_SECONDARY) +
                                        AREA_SIZE(BOARD_SECURE_SECONDARY) - 16u);
}
static bool has_bank_erased(void)
{
    return fmc_refuses(FMC_ERASE_BANK, 0);
}
static bool moves_border(void)
{
    return fmc_refuses(FMC_ERASE, FMC_NSCBA) && fmc_refuses(FMC_PROGRAM, FMC_NSCBA);
}
static bool changes_configuration(void)
{
    return fmc_refuses(FMC_READ, FMC_CONFIG_WORDS) && fmc_refuses(FMC_ERASE, FMC_CONFIG_WORDS);
}

/* The command of the vendor's samples, before a reset of the core and its peripherals. */
static bool chooses_what_starts(void)
{
    FMC_ISPCTL |= FMC_ENABLE | FMC_UPDATE | FMC_FAILED;
    FMC_ISPCMD = FMC_VECTORS;
    FMC_ISPADDR = AREA_ADDRESS(BOARD_PRIMARY) + BOARD_HEADER_SIZE;
    FMC_ISPTRG = 1;
    (void)gate_reboot();
    return false; /* refused where the bootloader is what starts then */
}

/* Between the secure world's commands: one of its own that fails, and the controller switched off.
 */
static void on_disturbance(void)
{
    (void)fmc_refuses(FMC_READ, VAULT);
    FMC_ISPCTL = 0;
}

static bool disturbs_commands(void)
{
    static uint32_t table[64] __attribute__((aligned(256)));
    const uint32_t own = SCB_VTOR;
    uint32_t back = 0, i;
    size_t length;
    memcpy(table, (const void *)own, 64);
    table[15] = (uint32_t)on_disturbance;
    SCB_VTOR = (uint32_t)table;
    SYSTICK_RELOAD = 3000u;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
    for (i = 1; i < 50u; i++)
        if (psa_its_set(10, sizeof i, &i, 0) != PSA_SUCCESS ||
            psa_its_get(10, 0, sizeof back, &back, &length) != PSA_SUCCESS || back != i)
            break;
    SYSTICK_CONTROL = 0;
    SCB_VTOR = own;
    return i == 50u;
}

/* clang-format off */
#define CHIP_ATTEMPTS                                                                              \
    {"have the keys read by the flash controller", has_keys_read},                                 \
    {"have the keys erased by the flash controller", has_keys_erased},                             \
    {"have secure code programmed by the flash controller", has_code_programmed},                  \
    {"have a gate programmed by the flash controller", has_gate_programmed},                       \
    {"have the update slot erased by the flash controller", has_slot_erased},                      \
    {"have its trailer programmed by the flash controller", has_trailer_programmed},               \
    {"have the secure program's update slot erased by it", has_next_secure_erased},                \
    {"have the secure program's trailers programmed by it", has_secure_trailers_programmed},       \
    {"have a bank erased by the flash controller", has_bank_erased},                               \
    {"move the border between the worlds' flash", moves_border},                                   \
    {"change the chip's configuration", changes_configuration},                                    \
    {"choose the vectors that the chip starts by", chooses_what_starts},                           \
    {"disturb the secure world's commands from an interrupt", disturbs_commands}
/* clang-format on */

/* Two pages at least: one of them lies in here whole. */
static const uint8_t spare[2u * CHIP_PAGE_SIZE] = {1};

static void change_own_image(void)
{
    const uint32_t end = (uint32_t)(uintptr_t)spare - CHIP_NONSECURE_ALIAS + sizeof spare;
    (void)fmc_refuses(FMC_ERASE, end / CHIP_PAGE_SIZE * CHIP_PAGE_SIZE - CHIP_PAGE_SIZE);
}
