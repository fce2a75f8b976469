/* What a core has not, but Unicorn's model of it has: the Cortex-M23 is run on an M33, whose
 * further instructions and unaligned accesses an image for it may not use. Armv8-M Architecture
 * Reference Manual, the baseline's part of the T32 encodings. */
#include <stdlib.h>

#include "twin/private.h"

struct rule {
    uint16_t first_mask, first;
    uint16_t second_mask, second;
};

/* 32-bit instructions of the baseline. */
static const struct rule wide[] = {
    {0xf800, 0xf000, 0xd000, 0xd000}, /* BL */
    {0xf800, 0xf000, 0xd000, 0x9000}, /* B.W */
    {0xfbf0, 0xf240, 0x8000, 0x0000}, /* MOVW */
    {0xfbf0, 0xf2c0, 0x8000, 0x0000}, /* MOVT */
    {0xffe0, 0xf380, 0xd000, 0x8000}, /* MSR */
    {0xffff, 0xf3bf, 0xff00, 0x8f00}, /* DSB, DMB, ISB, CLREX */
    {0xffff, 0xf3ef, 0xf000, 0x8000}, /* MRS */
    {0xfff0, 0xf7f0, 0xf000, 0xa000}, /* UDF.W */
    {0xfff0, 0xfb90, 0x00f0, 0x00f0}, /* SDIV */
    {0xfff0, 0xfbb0, 0x00f0, 0x00f0}, /* UDIV */
    {0xfff0, 0xe840, 0x0000, 0x0000}, /* STREX, TT */
    {0xfff0, 0xe850, 0x0000, 0x0000}, /* LDREX */
    {0xfff0, 0xe8c0, 0x0080, 0x0080}, /* STLB, STLH, STL, STLEX... */
    {0xfff0, 0xe8c0, 0x00e0, 0x0040}, /* STREXB, STREXH */
    {0xfff0, 0xe8d0, 0x0080, 0x0080}, /* LDAB, LDAH, LDA, LDAEX... */
    {0xfff0, 0xe8d0, 0x00e0, 0x0040}, /* LDREXB, LDREXH */
    {0xffff, 0xe97f, 0xffff, 0xe97f}, /* SG */
};

static bool is_wide(uint16_t first)
{
    return first >= 0xe800u;
}

static bool is_of_baseline(uint16_t first, uint16_t second)
{
    if (!is_wide(first))
        return (first & 0xff00u) != 0xbf00u || (first & 0xfu) == 0; /* IT is not */
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
        if ((first & wide[i].first_mask) == wide[i].first &&
            (second & wide[i].second_mask) == wide[i].second)
            return true;
    return false;
}

#define CHECKED 0x10000u /* a power of 2 */

struct checked {
    uint32_t address, size;
};

static struct checked *slot_of(struct twin *twin, uint32_t address)
{
    return &twin->checked[address / 2u % CHECKED];
}

static bool check(struct twin *twin, uint32_t address, uint32_t size)
{
    uint16_t code[2];
    for (uint32_t at = 0; at < size; at += is_wide(code[0]) ? 4u : 2u) {
        code[1] = 0;
        if (!twin_read_memory(twin, address + at, code, 2))
            return true; /* Unicorn says what is wrong there */
        if (is_wide(code[0]) && !twin_read_memory(twin, address + at + 2u, &code[1], 2))
            return true;
        if (is_of_baseline(code[0], code[1]))
            continue;
        twin_fault(twin, "the program executes %04x %04x at 0x%08x, which a Cortex-M23 has not",
                   code[0], code[1], address + at);
        return false;
    }
    return true;
}

bool baseline_check(struct twin *twin, uint32_t address, uint32_t size)
{
    if (!twin->checked)
        return true;
    struct checked *slot = slot_of(twin, address);
    if (slot->address == address && slot->size >= size)
        return true;
    *slot = (struct checked){address, size};
    return check(twin, address, size);
}

void baseline_forget(struct twin *twin, uint32_t address, uint32_t size)
{
    const uint32_t reach = size < 2u * CHECKED ? size : 2u * CHECKED;
    for (uint32_t at = 0; twin->checked && at < reach; at += 2)
        slot_of(twin, address + at)->size = 0;
}

/* The baseline takes no unaligned access at all; the M33 takes most. */
static void on_access(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value,
                      void *ctx)
{
    (void)uc;
    (void)value;
    if (address & ((uint64_t)size - 1u))
        twin_fault(ctx, "the program %s %d bytes at 0x%08x, not aligned: a Cortex-M23 traps",
                   type == UC_MEM_READ ? "reads" : "writes", size, (uint32_t)address);
}

void baseline_start(struct twin *twin)
{
    if (twin->core != TWIN_CORTEX_M23)
        return;
    twin->checked = calloc(CHECKED, sizeof *twin->checked);
    if (uc_hook_add(twin->uc, &twin->access_hook, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE,
                    (void *)on_access, twin, 1, 0) != UC_ERR_OK)
        twin_fault(twin, "Unicorn does not look at accesses");
}

void twin_trust_alignment(struct twin *twin)
{
    if (twin->access_hook)
        (void)uc_hook_del(twin->uc, twin->access_hook);
    twin->access_hook = 0;
    bus_forget_code(twin);
}
