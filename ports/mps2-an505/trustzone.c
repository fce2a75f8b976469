/* The secure half of the chip: who gets what (Arm AN505; ECM0601256, the IoT Kit's TRM). */
#include "boards/map.h"
#include "ports/cortex-m/trustzone/worlds.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/mps2-an505/random.h"

/* Secure privilege control. */
#define SECRESPCFG   REG32(0x50080010u) /* 1: a refused access is a bus error */
#define AHB_EXP_0    REG32(0x50080060u) /* bit n: that port is non-secure */
#define APB_EXP_1    REG32(0x50080084u)
#define APB_EXP_2    REG32(0x50080088u)
#define PORT_LAN9118 (1u << 5)
#define PORT_UART0   (1u << 5)
#define PORT_FPGAIO  (1u << 2)

/* The memory protection controller of SSRAM1, which is RAM: a bit for each KB, 1 is non-secure. */
#define MPC_CONTROL   REG32(0x58008000u)
#define MPC_INDEX     REG32(0x58008018u)
#define MPC_BITS      REG32(0x5800801cu)
#define MPC_BUS_ERROR 0x10u

#define NVIC_NONSECURE_1 REG32(0xe000e384u)

/* Where RAM is divided, as the linker's script has it. */
#define RAM_START      0x28000000u
#define RAM_SECURE     0x8000u
#define RAM_END        0x28020000u
#define BITS_OF_SECURE (RAM_SECURE / 1024u / 32u) /* whole words */
#define BITS_OF_ALL    ((RAM_END - RAM_START) / 1024u / 32u)

#define TRAILER                                                                                    \
    LAYOUT_TRAILER_SIZE(BOARD_UPDATE, BOARD_MAX_SECTORS, AREA_WRITE(BOARD_PRIMARY),                \
                        BOARD_MAX_ALIGN, 0u)
#define PRIMARY AREA_ADDRESS(BOARD_PRIMARY)
#define REST    (PRIMARY + AREA_SIZE(BOARD_PRIMARY))

/* Of the device that the firmware runs from all but bootloader and trailer: what lies behind the
 * slot is the firmware's own. */
const struct worlds_region chip_regions[] = {
    {GATE_START, GATE_START + GATE_SIZE, true},
    {RAM_START + RAM_SECURE, RAM_END, false},
    {PRIMARY, (REST - TRAILER) & ~31u, false},
    {REST, DEVICE_SIZE(BOARD_DEVICE_0) + 0x80000000u, false},
    {0x40000000u, 0x50000000u, false}, /* peripherals; each port has a switch of its own below */
};
const unsigned chip_region_count = sizeof chip_regions / sizeof *chip_regions;
const uint32_t chip_nonsecure_ram = RAM_START + RAM_SECURE;

void chip_divide(void)
{
    SECRESPCFG = 1;
    MPC_CONTROL = MPC_BUS_ERROR;
    for (uint32_t i = BITS_OF_SECURE; i < BITS_OF_ALL; i++) {
        MPC_INDEX = i;
        MPC_BITS = 0xffffffffu;
    }
    APB_EXP_1 = PORT_UART0;
    APB_EXP_2 = PORT_FPGAIO;
    AHB_EXP_0 = PORT_LAN9118;
    NVIC_NONSECURE_1 =
        1u << (IRQ_UART0_RX - 32u) | 1u << (IRQ_UART0_TX - 32u) | 1u << (IRQ_ETHERNET - 32u);
}

void chip_start(void)
{
    static const struct flash_area seed = BOARD_AREA(BOARD_SEED);
    random_start(&seed);
}
