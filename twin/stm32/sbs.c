/* SBS of the H5: what its bits say, other models look up. Levels of hide protection and the
 * compensation cells are not modelled. */
#include "twin/stm32/stm32.h"

#define ECCNMIR 0x14cu

static const struct reg sbs_regs[] = {
    {"PMCR", 0x100, 0x00ef0000, 0, 0, 0, 0},
    {"CNSLCKR", 0x144, 0x3, 0, 0, 0, 0},
    {"ECCNMIR", ECCNMIR, 0x1, 0, 0, 0, 0},
};

bool stm32_ecc_nmi_is_masked(const struct stm32 *soc)
{
    return soc->sbs.device.values[ECCNMIR / 4u] & 1u;
}

void stm32_sbs_start(struct stm32 *soc)
{
    soc->sbs = (struct stm32_module){.gate = {0xa8, 1}};
    soc->sbs.device = (struct device){.name = "SBS",
                                      .base = 0x44000400u,
                                      .size = 0x400u,
                                      .regs = sbs_regs,
                                      .reg_count = sizeof sbs_regs / sizeof *sbs_regs};
    stm32_add(soc, &soc->sbs);
}
