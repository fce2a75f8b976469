/* FLASH: the controller's registers, as far as a start needs them. */
#include "twin/stm32/stm32.h"

#define ACR 0x000u

uint32_t stm32_latency(const struct stm32 *soc)
{
    return soc->flash.device.values[ACR / 4u];
}

static void flash_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    (void)old;
    (void)value;
    if (offset == ACR)
        stm32_check_speed(stm32_of(device));
}

void stm32_flash_start(struct stm32 *soc)
{
    soc->flash.device = (struct device){.name = "FLASH",
                                        .base = 0x40022000u,
                                        .size = 0x400u,
                                        .regs = soc->part->flash_regs,
                                        .reg_count = soc->part->flash_reg_count,
                                        .write = flash_write};
    soc->flash.gate = (struct stm32_bit){0x088, 8};
    stm32_add(soc, &soc->flash);
    twin_set_vectors(soc->twin, 0x08000000u);
}
