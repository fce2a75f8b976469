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

/* clang-format off */
#define CHIP_ATTEMPTS                                                                              \
    {"read the seed in flash", reads_seed},                                                        \
    {"write the update slot", writes_slot},                                                        \
    {"write the update slot's trailer", writes_secondary_trailer},                                 \
    {"write the running slot's trailer", writes_primary_trailer},                                  \
    {"write secure code", writes_code},                                                            \
    {"write a gate", writes_gate},                                                                 \
    {"have random bytes written to a trailer", random_to_trailer},                                 \
    {"use the DMA", uses_dma}
/* clang-format on */

/* The slot that it runs from cannot be kept from being written. */
static void change_own_image(void)
{
    REG32(AREA_ADDRESS(BOARD_PRIMARY) + BOARD_HEADER_SIZE + 0x100u) ^= 1;
}
