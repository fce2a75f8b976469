/* A chip put together. */
#include <stdlib.h>
#include <string.h>

#include "twin/stm32/stm32.h"

void *stm32_alloc(struct stm32 *soc, size_t size)
{
    void *block = calloc(1, size);
    if (!block || soc->block_count == STM32_BLOCKS)
        abort(); /* nothing sensible can follow on the host */
    soc->blocks[soc->block_count++] = block;
    return block;
}

/* ---- modules ---- */

static bool bit_is_set(const struct stm32 *soc, struct stm32_bit bit)
{
    return stm32_rcc(soc, bit.offset) >> bit.bit & 1u;
}

const char *stm32_module_deaf(const struct stm32_module *module)
{
    if (module->gate.offset && !bit_is_set(module->soc, module->gate))
        return "while its clock is off";
    if (module->reset.offset && bit_is_set(module->soc, module->reset))
        return "while its reset bit is set";
    return NULL;
}

static const char *deaf(struct device *device)
{
    return stm32_module_deaf((struct stm32_module *)device);
}

void stm32_add(struct stm32 *soc, struct stm32_module *module)
{
    module->soc = soc;
    if (!module->device.deaf)
        module->device.deaf = deaf;
    module->next = soc->modules;
    soc->modules = module;
    twin_add_device(soc->twin, &module->device);
}

/* ---- memories ---- */

/* What the factory wrote: the unique id, the size of the flash in KB. */
static void fill_system_page(struct stm32 *soc)
{
    const struct stm32_part *part = soc->part;
    static const uint8_t id[12] = {0x36, 0x00, 0x2b, 0x00, 0x0f, 0x50,
                                   0x4b, 0x4e, 0x37, 0x30, 0x35, 0x20};
    const uint16_t size_kb = 2u * STM32_BANK / 1024u;
    memset(soc->system_page, 0xff, sizeof soc->system_page);
    memcpy(soc->system_page + (part->unique_id - part->system_base), id, sizeof id);
    memcpy(soc->system_page + (part->flash_size - part->system_base), &size_kb, sizeof size_kb);
}

static void add_memories(struct stm32 *soc)
{
    const struct stm32_part *part = soc->part;
    for (unsigned i = 0; i < STM32_RAMS && part->ram[i].size; i++) {
        twin_add_ram(soc->twin, part->ram[i].base, part->ram[i].size);
        if (stm32_has_two_worlds(soc))
            twin_add_mirror(soc->twin, part->ram[i].base | 0x10000000u, part->ram[i].base);
    }
    fill_system_page(soc);
    if (part->family == STM32_U5) /* stm32_flash_start has the H5's */
        twin_add_rom(soc->twin, part->system_base, sizeof soc->system_page, soc->system_page);
}

/* ---- the whole ---- */

struct stm32 *stm32_new(const struct stm32_part *part, const char *folder)
{
    return stm32_new_in_two_worlds(part, folder, NULL);
}

struct stm32 *stm32_new_in_two_worlds(const struct stm32_part *part, const char *folder,
                                      const struct stm32_secure_options *options)
{
    struct stm32 *soc = calloc(1, sizeof *soc);
    if (!soc)
        return NULL;
    soc->part = part;
    soc->twin = twin_new(TWIN_CORTEX_M33, part->hz_at_reset);
    if (!soc->twin || !stm32_flash_open(soc, folder, options)) {
        stm32_free(soc);
        return NULL;
    }
    add_memories(soc);
    stm32_rcc_start(soc);
    stm32_pwr_start(soc);
    stm32_flash_start(soc);
    stm32_icache_start(soc);
    stm32_gpio_start(soc);
    stm32_usart_start(soc);
    stm32_iwdg_start(soc);
    stm32_tim_start(soc);
    stm32_rng_start(soc, folder != NULL);
    stm32_exti_start(soc);
    stm32_spi_start(soc);
    stm32_octospi_start(soc);
    if (part->family == STM32_U5)
        stm32_i2c_start(soc);
    if (part->family == STM32_H5) {
        stm32_sbs_start(soc);
        stm32_eth_start(soc);
    }
    if (stm32_has_two_worlds(soc))
        stm32_gtzc_start(soc);
    return soc;
}

void stm32_free(struct stm32 *soc)
{
    if (!soc)
        return;
    twin_free(soc->twin);
    stm32_flash_close(soc);
    for (unsigned i = 0; i < soc->block_count; i++)
        free(soc->blocks[i]);
    free(soc);
}
