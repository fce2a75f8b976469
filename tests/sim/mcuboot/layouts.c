/* Flash layouts of MCUboot's simulator (docs/formats.md 8.2) and of the measured traces (B). */
#include "tests/sim/mcuboot/rig.h"

#define ALL    "scratch,move,offset,overwrite,direct-xip,"
#define UNEVEN "scratch,overwrite,direct-xip,"

#define STM32F4                                                                                    \
    {4, 0x4000}, {1, 0x10000}, {2, 0x8000}, {1, 0x10000}, {2, 0x8000}, {1, 0x10000},               \
    {                                                                                              \
        1, 0x20000                                                                                 \
    }
#define F769BANK                                                                                   \
    {4, 0x4000}, {1, 0x10000},                                                                     \
    {                                                                                              \
        7, 0x20000                                                                                 \
    }

const struct rig_layout rig_layouts[] = {
    {.name = "Stm32f4",
     .modes = UNEVEN,
     .runs = {{STM32F4}},
     .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x20000, 0}}},
     .max_sectors = 128},
    {.name = "Stm32f4SpiFlash",
     .modes = UNEVEN,
     .runs = {{STM32F4}, {{64, 0x2000}}},
     .place = {{{0x20000, 0x20000, 0}, {0, 0x20000, 1}, {0x20000, 0x20000, 1}}},
     .max_sectors = 128},
    {.name = "Stm32f769",
     .modes = UNEVEN,
     .runs = {{F769BANK, F769BANK}},
     .place = {{{0, 0x80000, 0}, {0x100000, 0x80000, 0}, {0x80000, 0x20000, 0}}},
     .max_sectors = 128},
    {.name = "Stm32f769, its banks exchanged",
     .modes = "bank swap,",
     .runs = {{F769BANK}, {F769BANK}},
     .place = {{{0, 0x80000, 0}, {0, 0x80000, 1}}},
     .max_sectors = 128},
    {.name = "Stm32f769, sectors of 128K",
     .modes = "move,offset,",
     .runs = {{{16, 0x20000}}},
     .place = {{{0, 0x80000, 0}, {0x100000, 0x80000, 0}}},
     .max_sectors = 128},
    {.name = "K64f",
     .modes = ALL,
     .runs = {{{128, 0x1000}}},
     .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x1000, 0}}},
     .max_sectors = 128},
    {.name = "K64fBig",
     .modes = UNEVEN,
     .runs = {{{4, 0x20000}}},
     .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x20000, 0}}},
     .max_sectors = 128},
    {.name = "K64fMulti",
     .modes = "two images,",
     .runs = {{{256, 0x1000}}},
     .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x1000, 0}},
               {{0x80000, 0x20000, 0}, {0xa0000, 0x20000, 0}}},
     .max_sectors = 128},
    {.name = "Nrf52840",
     .modes = ALL,
     .runs = {{{128, 0x1000}}},
     .place = {{{0x8000, 0x34000, 0}, {0x3c000, 0x34000, 0}, {0x70000, 0xd000, 0}}},
     .max_sectors = 128},
    {.name = "Nrf52840SpiFlash",
     .modes = UNEVEN,
     .runs = {{{128, 0x1000}}, {{64, 0x2000}}},
     .place = {{{0x8000, 0x68000, 0}, {0, 0x68000, 1}, {0x68000, 0x18000, 1}}},
     .max_sectors = 128},
    {.name = "Nrf52840UnequalSlots",
     .modes = "move,direct-xip,",
     .runs = {{{128, 0x1000}}},
     .place = {{{0x8000, 0x3c000, 0}, {0x44000, 0x3b000, 0}}},
     .max_sectors = 128},
    {.name = "Nrf52840UnequalSlotsLargerSlot1",
     .modes = "offset,direct-xip,",
     .runs = {{{128, 0x1000}}},
     .place = {{{0x8000, 0x3b000, 0}, {0x43000, 0x3c000, 0}}},
     .max_sectors = 128},
    {.name = "PSOCEdgeE8x",
     .modes = ALL,
     .runs = {{{96, 0x1000}}},
     .place = {{{0x20000, 0x10000, 0}, {0x30000, 0x10000, 0}, {0x40000, 0x2000, 0}}},
     .max_sectors = 128},
    {.name = "SmallPages",
     .modes = ALL,
     .runs = {{{1024, 0x200}}},
     .place = {{{0x20000, 0x20000, 0}, {0x40000, 0x20000, 0}, {0x60000, 0x4000, 0}}},
     .max_sectors = 256},
    {.name = NULL},
};

static const struct rig_layout traced_scratch[] = {
    {.name = "6 x 4K, 1 scratch sector",
     .runs = {{{15, 0x1000}}},
     .place = {{{0, 0x6000, 0}, {0x6000, 0x6000, 0}, {0xc000, 0x1000, 0}}},
     .max_sectors = 8},
    {.name = "6 x 4K, 2 scratch sectors",
     .runs = {{{15, 0x1000}}},
     .place = {{{0, 0x6000, 0}, {0x6000, 0x6000, 0}, {0xc000, 0x2000, 0}}},
     .max_sectors = 8},
    {.name = "6 x 4K, 3 scratch sectors",
     .runs = {{{15, 0x1000}}},
     .place = {{{0, 0x6000, 0}, {0x6000, 0x6000, 0}, {0xc000, 0x3000, 0}}},
     .max_sectors = 8},
};

static const struct rig_layout traced_move = {.name = "7 and 6 x 4K",
                                              .runs = {{{13, 0x1000}}},
                                              .place = {{{0, 0x7000, 0}, {0x7000, 0x6000, 0}}},
                                              .max_sectors = 8};

static const struct rig_layout traced_offset = {.name = "6 and 7 x 4K",
                                                .runs = {{{13, 0x1000}}},
                                                .place = {{{0, 0x6000, 0}, {0x6000, 0x7000, 0}}},
                                                .max_sectors = 8};

const struct rig_layout *rig_traced_layout(unsigned scratch_sectors)
{
    if (rig_is_mode("move"))
        return &traced_move;
    if (rig_is_mode("offset"))
        return &traced_offset;
    return &traced_scratch[scratch_sectors - 1];
}
