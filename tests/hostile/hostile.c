/* A non-secure program that wants what it must not have, as whoever has taken over the firmware
 * does. Each attempt is named on the console, and so is what came of it: "refused", by an answer or
 * by a fault, after which the secure world resets the board and this program goes on with the next
 * one; or "NOT REFUSED". Run by tests/e2e/hostile.sh. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <psa/crypto.h>

#include "boards/map.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/uart.h"
#include "secure/gate.h"
#include "secure/secure.h"

#define REFUSED(call) ((call) == PSA_ERROR_INVALID_ARGUMENT)

static bool reads(uint32_t address)
{
    (void)REG32(address);
    return false; /* still here */
}

static bool writes(uint32_t address)
{
    REG32(address) = 0;
    return false;
}

/* Where things are, and what this chip has besides: CHIP_ATTEMPTS. */
#include OTTER_HOSTILE_CHIP

/* At the end of RAM, where a reset leaves it. */
static struct memory {
    uint32_t magic;
    uint32_t next; /* attempt */
    uint32_t refused;
    uint32_t has_key;
    uint8_t key[65]; /* public half of KEY, as first seen */
} *const memory = (struct memory *)(RAM_END - 0x100u);
#define MAGIC 0x48535431u

#define KEY         0x77u
#define SECURE_CODE (AREA_ADDRESS(BOARD_SECURE_PRIMARY) + BOARD_HEADER_SIZE + 0x400u)

static void say(const char *text)
{
    uart_write(text, strlen(text));
}

static void say_of(unsigned number, const char *name, const char *what)
{
    char line[120];
    (void)snprintf(line, sizeof line, "attempt %u: %s: %s\r\n", number, name, what);
    say(line);
}

/* ---- By address -------------------------------------------------------------------------------
 */

static bool jumps(uint32_t address)
{
    void (*const place)(void) = (void (*)(void))(address | 1u);
    place();
    return false;
}

static bool reads_vault(void)
{
    return reads(VAULT);
}
static bool reads_slot(void)
{
    return reads(SECONDARY);
}
static bool reads_ram(void)
{
    return reads(SECURE_RAM);
}
static bool reads_ram_alias(void)
{
    return reads(OTHER_ADDRESS(SECURE_RAM));
}
static bool writes_ram(void)
{
    return writes(SECURE_RAM);
}
static bool reads_code(void)
{
    return reads(SECURE_CODE);
}
static bool reads_boot_code(void)
{
    return reads(BOOT_CODE);
}
static bool reads_boot_code_alias(void)
{
    return reads(OTHER_ADDRESS(BOOT_CODE));
}
static bool jumps_into_code(void)
{
    return jumps(SECURE_CODE);
}
static bool jumps_behind_gate(void)
{
    return jumps(((uint32_t)gate_seal & ~1u) + 4u);
}
/* By what only the core puts into a link register: it would take the next words of the secure
 * stack. */
static bool returns_from_no_call(void)
{
    __asm volatile("bx %0" ::"r"(0xfeffffffu));
    return false;
}
static bool opens_memory_protection(void)
{
    return writes(MEMORY_PROTECTION);
}
static bool opens_peripherals(void)
{
    return writes(PERIPHERAL_PROTECTION);
}
static bool stops_watchdog(void)
{
    return writes(WATCHDOG_CONTROL);
}

static bool opens_sau(void)
{
    REG32(0xe000edd0u) = 0;
    return reads(SECURE_RAM);
}

static bool resets_by_itself(void)
{
    SCB_AIRCR = SCB_AIRCR_SYSTEM_RESET;
    __asm volatile("dsb\n\tisb" ::: "memory");
    return true; /* as it is: nothing happened. A reset would come here as a fault does: see main */
}

/* ---- By pointer -------------------------------------------------------------------------------
 */

static bool random_to_secure(void)
{
    return REFUSED(gate_generate_random((uint8_t *)SECURE_RAM, 32));
}

static bool random_over_the_border(void)
{
    return REFUSED(gate_generate_random((uint8_t *)(RAM_START - 16u), 32)) &&
           REFUSED(gate_generate_random((uint8_t *)0xfffffff0u, 32)) &&
           REFUSED(gate_generate_random((uint8_t *)(RAM_END - 16u), 32));
}

static bool more_random_than_fits(void)
{
    static uint8_t many[2 * GATE_RANDOM_MAX];
    return REFUSED(gate_generate_random(many, sizeof many));
}

static bool public_key_to_secure(void)
{
    return REFUSED(gate_export_public_key(KEY, (uint8_t *)SECURE_RAM, 65));
}

static bool signs_secure_memory(void)
{
    uint8_t signature[64];
    const struct gate_sign call = {.id = KEY,
                                   .algorithm = PSA_ALG_ECDSA(PSA_ALG_SHA_256),
                                   .hash = (const uint8_t *)SECURE_RAM,
                                   .hash_length = 32,
                                   .signature = signature,
                                   .signature_size = sizeof signature};
    return REFUSED(gate_sign_hash(&call));
}

static bool signature_to_secure(void)
{
    static const uint8_t hash[32];
    const struct gate_sign call = {.id = KEY,
                                   .algorithm = PSA_ALG_ECDSA(PSA_ALG_SHA_256),
                                   .hash = hash,
                                   .hash_length = 32,
                                   .signature = (uint8_t *)SECURE_RAM,
                                   .signature_size = 64};
    return REFUSED(gate_sign_hash(&call));
}

static bool call_from_secure(void)
{
    return REFUSED(gate_sign_hash((const struct gate_sign *)SECURE_RAM)) &&
           REFUSED(gate_its(GATE_ITS_GET, (const struct gate_its *)SECURE_RAM)) &&
           REFUSED(gate_make_key((const struct gate_attributes *)SECURE_RAM, NULL, 0));
}

static bool stores_secure_memory(void)
{
    const struct gate_its call = {9, 0, 64, (void *)SECURE_RAM};
    return REFUSED(gate_its(GATE_ITS_SET, &call));
}

static bool value_to_secure(void)
{
    const struct gate_its call = {9, 0, 4, (void *)SECURE_RAM};
    return psa_its_set(9, 4, "otta", 0) == PSA_SUCCESS && REFUSED(gate_its(GATE_ITS_GET, &call)) &&
           REFUSED(gate_its(GATE_ITS_GET_INFO, &call));
}

static bool updates_from_secure(void)
{
    return REFUSED(gate_fwu_write(FWU_COMPONENT_FIRMWARE, 0, (const void *)SECURE_RAM, 64)) &&
           REFUSED(
               gate_fwu_query(FWU_COMPONENT_FIRMWARE, (psa_fwu_component_info_t *)SECURE_RAM)) &&
           gate_fwu_read() == PSA_ERROR_NOT_SUPPORTED;
}

/* ---- By what the services do ------------------------------------------------------------------
 */

static psa_key_attributes_t attributes(psa_key_usage_t usage)
{
    psa_key_attributes_t wanted = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_id(&wanted, KEY + 1u);
    psa_set_key_type(&wanted, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_SECP_R1));
    psa_set_key_bits(&wanted, 256);
    psa_set_key_usage_flags(&wanted, usage);
    psa_set_key_algorithm(&wanted, PSA_ALG_ECDSA(PSA_ALG_ANY_HASH));
    return wanted;
}

static bool key_that_may_leave(void)
{
    const psa_key_attributes_t wanted = attributes(PSA_KEY_USAGE_SIGN_HASH | PSA_KEY_USAGE_EXPORT);
    psa_key_id_t id;
    return psa_generate_key(&wanted, &id) == PSA_ERROR_NOT_PERMITTED;
}

static bool imports_once_sealed(void)
{
    static const uint8_t number[32] = {[31] = 1};
    const psa_key_attributes_t wanted = attributes(PSA_KEY_USAGE_SIGN_HASH);
    psa_key_id_t id;
    return secure_seal() == PSA_SUCCESS &&
           psa_import_key(&wanted, number, sizeof number, &id) == PSA_ERROR_NOT_PERMITTED;
}

static bool installs_what_nobody_signed(void)
{
    static uint32_t image[64] = {0x96f3b83du}; /* an image's magic */
    (void)psa_fwu_clean(FWU_COMPONENT_FIRMWARE);
    return psa_fwu_start(FWU_COMPONENT_FIRMWARE, NULL, 0) == PSA_SUCCESS &&
           psa_fwu_write(FWU_COMPONENT_FIRMWARE, 0, image, sizeof image) == PSA_SUCCESS &&
           psa_fwu_install() == PSA_ERROR_BAD_STATE &&
           psa_fwu_finish(FWU_COMPONENT_FIRMWARE) == PSA_ERROR_INVALID_SIGNATURE &&
           psa_fwu_install() == PSA_ERROR_BAD_STATE && psa_fwu_accept() == PSA_ERROR_BAD_STATE &&
           psa_fwu_clean(FWU_COMPONENT_FIRMWARE) == PSA_SUCCESS;
}

static bool requests_by_writing(void)
{
    const uint32_t end = AREA_SIZE(BOARD_SECONDARY);
    static uint32_t magic[4];
    return psa_fwu_start(FWU_COMPONENT_FIRMWARE, NULL, 0) == PSA_SUCCESS &&
           REFUSED(psa_fwu_write(FWU_COMPONENT_FIRMWARE, end - 16u, magic, 16)) &&
           REFUSED(psa_fwu_write(FWU_COMPONENT_FIRMWARE, 0xfffffff0u, magic, 16)) &&
           REFUSED(psa_fwu_write(FWU_COMPONENT_FIRMWARE, end + 0x2000u, magic, 16)) &&
           psa_fwu_cancel(FWU_COMPONENT_FIRMWARE) == PSA_SUCCESS &&
           psa_fwu_clean(FWU_COMPONENT_FIRMWARE) == PSA_SUCCESS;
}

/* ---- By interrupt -----------------------------------------------------------------------------
 */

#define ROUNDS 100u

static volatile struct gate_sign shared_call;
static volatile unsigned ticks, held;
static volatile bool reboots;
static uint8_t hash[32], signature[64];

static void on_tick(void)
{
    const psa_storage_uid_t nobody = 0xdead;
    ticks++;
    if (reboots)
        (void)gate_reboot();
    shared_call.signature = (uint8_t *)SECURE_RAM;
    shared_call.hash = (const uint8_t *)SECURE_RAM;
    shared_call.hash_length = 4096;
    if (psa_its_remove(nobody) == PSA_ERROR_BAD_STATE)
        held++;
}

static void ticks_start(uint32_t cycles)
{
    static uint32_t table[64] __attribute__((aligned(256)));
    memcpy(table, (const void *)SCB_VTOR, 64);
    table[15] = (uint32_t)on_tick;
    SCB_VTOR = (uint32_t)table;
    SYSTICK_RELOAD = cycles;
    SYSTICK_VALUE = 0;
    SYSTICK_CONTROL = SYSTICK_RUN;
}

/* What changes before the gate has looked is refused by it, what changes later it never sees. Again
 * until there was an interrupt in its middle. */
static bool changes_arguments(void)
{
    bool refused = true;
    held = 0;
    for (unsigned i = 0; i < ROUNDS && refused && held == 0; i++) {
        shared_call = (struct gate_sign){.id = KEY,
                                         .algorithm = PSA_ALG_ECDSA(PSA_ALG_SHA_256),
                                         .hash = hash,
                                         .hash_length = 32,
                                         .signature = signature,
                                         .signature_size = sizeof signature};
        ticks_start(20000u);
        const int32_t result = gate_sign_hash((const struct gate_sign *)&shared_call);
        SYSTICK_CONTROL = 0;
        refused = result == 64 || REFUSED(result);
    }
    return refused && held > 0;
}

static bool calls_in_the_middle(void)
{
    size_t length;
    bool good = true;
    held = 0;
    for (unsigned i = 0; i < ROUNDS && good && held == 0; i++) {
        ticks_start(20000u);
        good = psa_sign_hash(KEY, PSA_ALG_ECDSA(PSA_ALG_SHA_256), hash, 32, signature,
                             sizeof signature, &length) == PSA_SUCCESS;
        SYSTICK_CONTROL = 0;
    }
    return good && held > 0;
}

/* A reset in the middle of a key being made: the next start looks at KEY. */
static bool resets_at_a_bad_moment(void)
{
    psa_key_id_t id;
    const psa_key_attributes_t wanted = attributes(PSA_KEY_USAGE_SIGN_HASH);
    reboots = true;
    ticks_start(60000u);
    return psa_generate_key(&wanted, &id) == PSA_SUCCESS; /* does not come here */
}

/* ---- The end ----------------------------------------------------------------------------------
 */

/* The slot that runs cannot be kept from being written. What runs is what was signed all the same:
 * the next start does not come. */
static bool changes_itself(void)
{
    change_own_image();
    (void)gate_reboot();
    return false;
}

static const struct {
    const char *name;
    bool (*try)(void); /* true: refused */
} attempts[] = {
    {"read the keys in flash", reads_vault},
    {"read the update slot in flash", reads_slot},
    {"read secure RAM", reads_ram},
    {"read secure RAM by its other address", reads_ram_alias},
    {"write secure RAM", writes_ram},
    {"read secure code", reads_code},
    {"read the bootloader", reads_boot_code},
    {"read the bootloader by its other address", reads_boot_code_alias},
    {"call into the middle of secure code", jumps_into_code},
    {"call behind the entry of a gate", jumps_behind_gate},
    {"return to the secure world without a call", returns_from_no_call},
    {"open the memory protection", opens_memory_protection},
    {"open the peripherals", opens_peripherals},
    {"stop the watchdog", stops_watchdog},
    {"switch the SAU off", opens_sau},
    {"reset without the secure world", resets_by_itself},
    CHIP_ATTEMPTS, /* what the chip has besides */
    {"have random bytes written to secure RAM", random_to_secure},
    {"have random bytes written over a border", random_over_the_border},
    {"ask for more than a gate takes", more_random_than_fits},
    {"have a public key written to secure RAM", public_key_to_secure},
    {"have secure RAM signed", signs_secure_memory},
    {"have a signature written to secure RAM", signature_to_secure},
    {"pass arguments that lie in secure RAM", call_from_secure},
    {"have secure RAM stored", stores_secure_memory},
    {"have a value written to secure RAM", value_to_secure},
    {"have secure RAM installed", updates_from_secure},
    {"make a key that may leave", key_that_may_leave},
    {"import a key into a sealed device", imports_once_sealed},
    {"install what nobody signed", installs_what_nobody_signed},
    {"request an update by writing the trailer", requests_by_writing},
    {"change arguments from an interrupt", changes_arguments},
    {"call from an interrupt in the middle of a call", calls_in_the_middle},
    {"reset in the middle of a key being made", resets_at_a_bad_moment},
    {"change the running program", changes_itself},
};
#define ATTEMPTS (sizeof attempts / sizeof *attempts)

/* The key that all of this must not harm. */
static bool key_is_well(void)
{
    psa_key_attributes_t wanted = attributes(PSA_KEY_USAGE_SIGN_HASH);
    psa_key_id_t id;
    uint8_t point[65];
    size_t length;
    if (!memory->has_key) {
        psa_set_key_id(&wanted, KEY);
        memory->has_key = psa_generate_key(&wanted, &id) == PSA_SUCCESS &&
                          psa_export_public_key(KEY, memory->key, 65, &length) == PSA_SUCCESS;
        return memory->has_key;
    }
    return psa_export_public_key(KEY, point, sizeof point, &length) == PSA_SUCCESS &&
           memcmp(point, memory->key, sizeof point) == 0;
}

static void refused(unsigned number, const char *by)
{
    say_of(number, attempts[number - 1u].name, by);
    memory->refused++;
}

/* The last attempt is nothing that this program could tell of. */
static void sum_up(void)
{
    char line[80];
    (void)snprintf(line, sizeof line, "%lu of %u refused, one to go\r\n",
                   (unsigned long)memory->refused, (unsigned)ATTEMPTS - 1u);
    say(line);
}

int main(void)
{
    if (memory->magic != MAGIC)
        *memory = (struct memory){.magic = MAGIC};
    else if (memory->next > 0) /* the last one did not come back */
        refused(memory->next, "refused, by a reset");
    if (!key_is_well())
        say("KEY HARMED\r\n");
    while (memory->next < ATTEMPTS) {
        const unsigned number = ++memory->next;
        if (number == ATTEMPTS)
            sum_up();
        say_of(number, attempts[number - 1u].name, "tried");
        if (attempts[number - 1u].try())
            refused(number, "refused");
        else
            say_of(number, attempts[number - 1u].name, "NOT REFUSED");
        if (!key_is_well())
            say("KEY HARMED\r\n");
    }
    for (;;)
        __asm volatile("wfi");
}
