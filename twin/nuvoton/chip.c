/* A chip put together. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "twin/nuvoton/nuvoton.h"

void *chip_alloc(struct nuvoton *soc, size_t size)
{
    void *block = calloc(1, size);
    if (!block || soc->block_count == NUVOTON_MODULES)
        abort(); /* nothing sensible can follow on the host */
    soc->blocks[soc->block_count++] = block;
    return block;
}

struct nuvoton *nuvoton_new(const struct nuvoton_part *part, const char *folder)
{
    struct nuvoton *soc = calloc(1, sizeof *soc);
    if (!soc)
        return NULL;
    soc->part = part;
    soc->bad_word = UINT32_MAX;
    /* Without a folder this is a test, whose runs must be alike. */
    soc->random = 0x4f74746572ull;
    if (folder)
        (void)getrandom(&soc->random, sizeof soc->random, 0);
    soc->twin = twin_new(part->core, 12000000u);
    soc->isp_after = malloc(part->bank_size);
    const bool opened =
        folder ? nvm_open(&soc->aprom, folder, "aprom.bin", part->aprom_size) &&
                     nvm_open(&soc->config, folder, "config.bin", 4u * part->config_words) &&
                     (!part->has_worlds || nvm_open(&soc->border, folder, "nscba.bin", 4))
               : nvm_open_nameless(&soc->aprom, part->aprom_size) &&
                     nvm_open_nameless(&soc->config, 4u * part->config_words) &&
                     (!part->has_worlds || nvm_open_nameless(&soc->border, 4));
    if (!soc->twin || !soc->isp_after || !opened) {
        nuvoton_free(soc);
        return NULL;
    }
    twin_add_rom(soc->twin, 0, part->aprom_size, soc->aprom.bytes);
    twin_add_ram(soc->twin, 0x20000000u, part->sram_size);
    system_start(soc);
    gpio_start(soc);
    fmc_start(soc);
    timers_start(soc);
    trng_start(soc);
    if (part->rtc_regs)
        rtc_start(soc);
    for (unsigned i = 0; i < part->uarts; i++)
        uart_start(soc, i);
    if (part->has_spim)
        spim_start(soc);
    if (part->has_qspi)
        qspi_start(soc);
    if (part->has_sdh)
        sdh_start(soc);
    if (part->has_emac)
        emac_start(soc);
    if (part->has_eadc)
        eadc_start(soc);
    crpt_start(soc);
    if (part->has_worlds)
        scu_start(soc);
    return soc;
}

void nuvoton_free(struct nuvoton *soc)
{
    if (!soc)
        return;
    twin_free(soc->twin);
    nvm_close(&soc->aprom);
    nvm_close(&soc->config);
    if (soc->part->has_worlds)
        nvm_close(&soc->border);
    spi_nor_free(soc->nor);
    phy_free(soc->phy);
    sd_card_free(soc->card);
    for (unsigned i = 0; i < soc->block_count; i++)
        free(soc->blocks[i]);
    free(soc->isp_after);
    free(soc);
}

bool nuvoton_program(struct nuvoton *soc, uint32_t address, const uint8_t *data, uint32_t size)
{
    if (address > soc->part->aprom_size || size > soc->part->aprom_size - address)
        return false;
    memcpy(soc->aprom.bytes + address, data, size);
    twin_rom_changed(soc->twin, address, size);
    return true;
}
