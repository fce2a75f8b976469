/* hostile.c on the STM32U585: its addresses, and attempts by the flash controller's registers of
 * its world and by this port's gates (ports/stm32/gates.h). Included there alone.
 *
 * Not among them: what the chip ignores in silence at addresses of the other world (a peripheral
 * that TZSC keeps, a pin, a clock gate, the flash controller's secure registers), where its twin
 * ends the run. */
#include "ports/stm32/gates.h"
#include "ports/stm32/stm32.h"

#define RAM_START             0x20000000u
#define RAM_END               0x20020000u
#define SECURE_RAM            0x30020800u
#define BOOT_CODE             0x0c014400u
#define OTHER_ADDRESS(place)  ((place) - ((place) < 0x10000000u ? 0x04000000u : 0x10000000u))
#define MEMORY_PROTECTION     0x50032d00u /* GTZC1_MPCBB1.SECCFGR0 */
#define PERIPHERAL_PROTECTION 0x50032410u /* GTZC1_TZSC.SECCFGR1 */
#define WATCHDOG_CONTROL      0x50003000u

#define VAULT     AREA_ADDRESS(BOARD_VAULT)
#define SECONDARY AREA_ADDRESS(BOARD_SECONDARY)
#define TRAILER   (AREA_ADDRESS(BOARD_PRIMARY) + AREA_SIZE(BOARD_PRIMARY) - FLASH_SECTOR)

#define FLASH_SR_PROTECTED (1u << 4)
#define FLASH_CR_BANK_1    (1u << 2)
#define FLASH_CR_BANK_2    (1u << 15)
#define FLASH_SECURE_CR    0x5002202cu

/* True: this world's half of the controller opens. With it go the slot that runs, and options that
 * no reset takes back: banks that change places, RDP. */
static bool opens_flash(void)
{
    if (FLASH_CR & FLASH_CR_LOCK) {
        FLASH_KEYR = FLASH_KEY_1;
        FLASH_KEYR = FLASH_KEY_2;
    }
    return !(FLASH_CR & FLASH_CR_LOCK);
}

static bool changes_options(void)
{
    if (!opens_flash())
        return true;
    FLASH_OPTKEYR = FLASH_OPTKEY_1;
    FLASH_OPTKEYR = FLASH_OPTKEY_2;
    FLASH_OPTR |= FLASH_OPTR_SWAP;
    return !(FLASH_OPTR & FLASH_OPTR_SWAP);
}

/* True: it does not open, or the controller says that the pages are not this world's. */
static bool flash_refuses(uint32_t command)
{
    if (!opens_flash())
        return true;
    FLASH_CLEAR_ERRORS();
    FLASH_CR = command;
    FLASH_CR = command | FLASH_CR_START;
    while (FLASH_IS_BUSY()) {
    }
    const bool refused = FLASH_SR & FLASH_SR_PROTECTED;
    FLASH_CLEAR_ERRORS();
    FLASH_CR = 0;
    return refused;
}

static uint32_t erase_of(uint32_t address)
{
    return FLASH_CR_ERASE(address / FLASH_BANK_SIZE % 2u, address % FLASH_BANK_SIZE / FLASH_SECTOR);
}

static bool has_keys_erased(void)
{
    return flash_refuses(erase_of(VAULT));
}
static bool has_code_erased(void)
{
    return flash_refuses(erase_of(AREA_ADDRESS(BOARD_SECURE_PRIMARY)));
}
static bool has_bootloader_erased(void)
{
    return flash_refuses(erase_of(BOOT_CODE));
}
static bool has_slot_erased(void)
{
    return flash_refuses(erase_of(SECONDARY));
}
static bool has_trailer_erased(void)
{
    return flash_refuses(erase_of(TRAILER));
}
static bool has_banks_erased(void)
{
    return flash_refuses(FLASH_CR_BANK_1) && flash_refuses(FLASH_CR_BANK_2) &&
           flash_refuses(FLASH_CR_BANK_1 | FLASH_CR_BANK_2);
}
static bool reads_trailer(void)
{
    return reads(TRAILER + FLASH_SECTOR - FLASH_UNIT);
}
static bool programs_trailer(void)
{
    if (opens_flash())
        FLASH_CR = FLASH_CR_PROGRAM;
    return writes(TRAILER + FLASH_SECTOR - FLASH_UNIT);
}
static bool takes_controller(void)
{
    return writes(FLASH_SECURE_CR);
}

#define OWN AREA_OFFSET(BOARD_STORE)

static bool asks(uint32_t action, uint32_t offset, uint32_t length, uint32_t data,
                 otter_status answer)
{
    const struct gate_flash call = {offset, length, (void *)data};
    return gate_flash(action, &call) == (int32_t)answer;
}

static bool moves_flash_to_secure_ram(void)
{
    return asks(GATE_FLASH_READ, OWN, 64, SECURE_RAM, OTTER_E_ARGUMENT) &&
           asks(GATE_FLASH_READ, OWN, 64, RAM_END - 32u, OTTER_E_ARGUMENT);
}
static bool moves_secure_memory_to_flash(void)
{
    return asks(GATE_FLASH_PROGRAM, OWN, 64, SECURE_RAM, OTTER_E_ARGUMENT) &&
           asks(GATE_FLASH_PROGRAM, OWN, 64, VAULT, OTTER_E_ARGUMENT);
}
static bool asks_for_other_flash(void)
{
    static uint32_t unit[4];
    const uint32_t data = (uint32_t)(uintptr_t)unit, end = DEVICE_SIZE(BOARD_DEVICE_1);
    return asks(GATE_FLASH_READ, OWN - 16u, 16, data, OTTER_E_BOUNDS) &&
           asks(GATE_FLASH_PROGRAM, OWN - 16u, 16, data, OTTER_E_BOUNDS) &&
           asks(GATE_FLASH_PROGRAM, end, 16, data, OTTER_E_BOUNDS) &&
           asks(GATE_FLASH_ERASE, OWN - FLASH_SECTOR, FLASH_SECTOR, 0, OTTER_E_BOUNDS) &&
           asks(GATE_FLASH_ERASE, end - FLASH_SECTOR, 2u * FLASH_SECTOR, 0, OTTER_E_BOUNDS) &&
           asks(GATE_FLASH_ERASE, end, 0u - FLASH_SECTOR, 0, OTTER_E_BOUNDS);
}
static bool has_console_kept_in_secure_ram(void)
{
    return gate_keep((struct uart_kept *)SECURE_RAM) == (int32_t)OTTER_E_ARGUMENT &&
           gate_keep((struct uart_kept *)(RAM_END - 8u)) == (int32_t)OTTER_E_ARGUMENT &&
           gate_flash(GATE_FLASH_ERASE, (const struct gate_flash *)SECURE_RAM) ==
               (int32_t)OTTER_E_ARGUMENT;
}

/* clang-format off */
#define CHIP_ATTEMPTS                                                                              \
    {"change the chip's options", changes_options},                                                \
    {"have the keys erased by the flash controller", has_keys_erased},                             \
    {"have secure code erased by the flash controller", has_code_erased},                          \
    {"have the bootloader erased by the flash controller", has_bootloader_erased},                 \
    {"have the update slot erased by the flash controller", has_slot_erased},                      \
    {"have the trailer of its own slot erased by the flash controller", has_trailer_erased},       \
    {"have whole banks erased", has_banks_erased},                                                 \
    {"read the trailer of its own slot", reads_trailer},                                           \
    {"program the trailer of its own slot", programs_trailer},                                     \
    {"take the secure half of the flash controller", takes_controller},                            \
    {"have flash read to secure RAM", moves_flash_to_secure_ram},                                  \
    {"have secure memory programmed to its flash", moves_secure_memory_to_flash},                  \
    {"have flash read, programmed and erased that is not its own", asks_for_other_flash},          \
    {"have what the console receives written to secure RAM", has_console_kept_in_secure_ram}
/* clang-format on */

/* Two pages at least: one of them lies in here whole. */
static const uint8_t spare[2u * FLASH_SECTOR] = {1};

static void change_own_image(void)
{
    (void)flash_refuses(erase_of((uint32_t)(uintptr_t)spare + FLASH_SECTOR));
}
