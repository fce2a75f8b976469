/* The two states of an Armv8-M core (Architecture Reference Manual, B3, B8 and D1).
 *
 * Unicorn 2.0 has both: their stacks, masks and stack limits, BXNS and BLXNS, TT, and rights of
 * each state in its table of pages. What it has lost is who says what is secure, the gates and the
 * exceptions. It asks a public function of its library about each page, and a program's own come
 * before these: SAU and IDAU answer here, and the core then refuses by itself, at no cost. Gates
 * are done when it has given up a fetch. The state is changed by what changes it on the core, too:
 * by BXNS, and by a gate that the twin has on a page of its own. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "twin/private.h"

/* ---- what is secure ---- */

#define SAU_CTRL 0x00u
#define SAU_RNR  0x08u
#define SAU_RBAR 0x0cu
#define SAU_RLAR 0x10u
#define SAU_SFSR 0x14u
#define SAU_SFAR 0x18u
#define REGIONS  8u

#define CTRL_ENABLE   1u
#define CTRL_ALLNS    2u
#define RLAR_ENABLE   1u
#define RLAR_CALLABLE 2u
#define INVALID_ENTRY 0x01u /* SFSR: INVEP */
#define INVALID_LEAVE 0x10u /* INVTRAN */
#define ATTRIBUTION   0x48u /* AUVIOL, and SFAR says where */

#define XPSR_NUMBER 0x1ffu

#define SG   0xe97fu
#define STAY 0xe7feu /* B . */

#define PAGE 0x400u /* of an M-profile core, in QEMU */

/* Where the twin's gate lies, and behind it where a core waits that must not go on: no chip has
 * anything there. */
#define CROSSING      0x9ffff000u
#define CROSSING_SIZE 0x1000u
#define PARKING       (CROSSING + PAGE)

static const struct reg sau_regs[] = {
    {"SAU_CTRL", SAU_CTRL, 3, 0, 0, 0, 0},      {"SAU_TYPE", 0x04, 0, 0, REGIONS, 0, 0},
    {"SAU_RNR", SAU_RNR, 0xff, 0, 0, 0, 0},     {"SAU_RBAR", SAU_RBAR, 0, 0, 0, 0, 0},
    {"SAU_RLAR", SAU_RLAR, 0, 0, 0, 0, 0},      {"SFSR", SAU_SFSR, 0, 0xff, 0, 0, 0},
    {"SFAR", SAU_SFAR, 0xffffffff, 0, 0, 0, 0},
};

struct found {
    enum attribution attribution;
    bool in_region; /* of the SAU */
    uint8_t region;
    bool has_border; /* not all of the page is alike */
};

static enum attribution stricter(enum attribution a, enum attribution b)
{
    return a > b ? a : b;
}

static struct found ask_sau(const struct twin *twin, uint32_t address)
{
    struct found found = {.attribution = SECURE};
    const uint32_t control = twin->sau.values[SAU_CTRL / 4];
    const uint32_t page = address & ~(PAGE - 1u);
    unsigned hits = 0;
    if (!(control & CTRL_ENABLE) && control & CTRL_ALLNS)
        found.attribution = NONSECURE;
    for (unsigned i = 0; control & CTRL_ENABLE && i < REGIONS; i++) {
        const uint32_t first = twin->sau_regions[i][0], rlar = twin->sau_regions[i][1];
        const uint32_t last = rlar | 0x1fu;
        if (!(rlar & RLAR_ENABLE))
            continue;
        if (first <= page + (PAGE - 1u) && last >= page &&
            (first > page || last < page + (PAGE - 1u)))
            found.has_border = true;
        if (address < first || address > last)
            continue;
        hits++;
        found.in_region = true;
        found.region = (uint8_t)i;
        found.attribution = rlar & RLAR_CALLABLE ? CALLABLE : NONSECURE;
    }
    if (hits > 1) /* the program must not let regions overlap */
        found = (struct found){.attribution = SECURE, .has_border = found.has_border};
    return found;
}

/* Where an access has the security of who makes it. */
static bool is_exempt(uint32_t address)
{
    return (address >= 0xe0000000u && address < 0xe0003000u) ||
           (address >= 0xe000e000u && address < 0xe000f000u) ||
           (address >= 0xe002e000u && address < 0xe002f000u) ||
           (address >= 0xe0040000u && address < 0xe0042000u) ||
           (address >= 0xe00ff000u && address < 0xe0100000u);
}

static struct found find(const struct twin *twin, uint32_t address)
{
    struct found found = {.attribution = twin->nonsecure ? NONSECURE : SECURE};
    if (is_exempt(address))
        return found;
    if (address - PARKING < PAGE)
        return found;
    if (address - CROSSING < CROSSING_SIZE) {
        found.attribution = twin->crosses ? CALLABLE : SECURE;
        return found;
    }
    found = ask_sau(twin, address);
    const enum twin_idau idau = twin->worlds->idau(address);
    found.attribution = stricter(found.attribution, idau == TWIN_IDAU_NONSECURE  ? NONSECURE
                                                    : idau == TWIN_IDAU_CALLABLE ? CALLABLE
                                                                                 : SECURE);
    return found;
}

enum attribution worlds_attribution(const struct twin *twin, uint32_t address)
{
    return find(twin, address).attribution;
}

bool worlds_is_nonsecure(const struct twin *twin, uint32_t address)
{
    return twin->worlds && (twin->nonsecure || worlds_attribution(twin, address) == NONSECURE);
}

uint32_t worlds_register(const struct twin *twin, uint32_t address)
{
    if (!twin->worlds)
        return address;
    if (address < 0x60000000u)
        return address & ~0x10000000u;
    if (twin->nonsecure && address >= 0xe000e000u && address < 0xe000f000u)
        return address + 0x20000u;
    return address;
}

bool twin_access_is_nonsecure(const struct twin *twin)
{
    return twin->access_nonsecure;
}

/* ---- Unicorn's functions, and ours in place of some of them ---- */

/* As QEMU passes them. */
struct attributes {
    bool is_subpage;
    bool ns;
    bool nsc;
    uint8_t sregion;
    bool srvalid;
    uint8_t iregion;
    bool irvalid;
};
typedef void change_state(void *core, uint32_t address);

#define SPECIAL_MSPLIM     10u
#define SPECIAL_PSPLIM     11u
#define SPECIAL_PRIMASK    16u
#define SPECIAL_NONSECURE  0x80u /* added to a number: of the other world */
#define SPECIAL_WRITE      0x800u
#define SPECIAL_CONTROL_NS 0x94u

static struct {
    change_state *bxns, *blxns;
    uint32_t (*mrs)(void *core, uint32_t number);
    void (*msr)(void *core, uint32_t number, uint32_t value);
    void (*interrupt)(void *object);
    void (*forget)(void *object);
} unicorn;

void v8m_security_lookup_arm(void *core, uint32_t address, int access, int index,
                             struct attributes *attributes);
change_state helper_v7m_bxns_arm, helper_v7m_blxns_arm;

static bool is_known_unicorn(void)
{
    return uc_version(NULL, NULL) >> 16 == 0x0200u;
}

/* The function of that name which would be called but for ours. */
static bool find_theirs(void)
{
    *(void **)&unicorn.bxns = dlsym(RTLD_NEXT, "helper_v7m_bxns_arm");
    *(void **)&unicorn.blxns = dlsym(RTLD_NEXT, "helper_v7m_blxns_arm");
    *(void **)&unicorn.mrs = dlsym(RTLD_NEXT, "helper_v7m_mrs_arm");
    *(void **)&unicorn.msr = dlsym(RTLD_NEXT, "helper_v7m_msr_arm");
    *(void **)&unicorn.interrupt = dlsym(RTLD_NEXT, "arm_v7m_cpu_do_interrupt_arm");
    *(void **)&unicorn.forget = dlsym(RTLD_NEXT, "tlb_flush_arm");
    return unicorn.bxns && unicorn.blxns && unicorn.mrs && unicorn.msr && unicorn.interrupt &&
           unicorn.forget;
}

/* What the chip refuses beyond SAU and IDAU, of memory. */
static void look_at_chip(struct twin *twin, uint32_t address, bool nonsecure)
{
    if (!twin->worlds->refuses || address - CROSSING < CROSSING_SIZE ||
        !bus_memory(twin, address, 1))
        return;
    const char *why = twin->worlds->refuses(twin->worlds->ctx, address, nonsecure);
    if (why)
        twin_fault(twin, "the %ssecure world reaches for 0x%08x, but %s",
                   twin->nonsecure ? "non-" : "", address, why);
}

/* Asked for each page before the core knows it, and by TT. */
void v8m_security_lookup_arm(void *core, uint32_t address, int access, int index,
                             struct attributes *attributes)
{
    struct twin *twin = stores_running();
    (void)index;
    if (!twin || !twin->worlds)
        return; /* all is secure */
    twin->core_state = core;
    const bool fetches = access == 2;
    const struct found found = find(twin, address);
    attributes->is_subpage = found.has_border;
    attributes->ns = found.attribution == NONSECURE;
    attributes->nsc = found.attribution == CALLABLE;
    attributes->srvalid = found.in_region;
    attributes->sregion = found.region;
    if (twin->lenient) {
        attributes->ns = twin->nonsecure;
        attributes->is_subpage = false;
    } else if (fetches ? attributes->ns == twin->nonsecure : attributes->ns || !twin->nonsecure) {
        look_at_chip(twin, address, attributes->ns);
    } else {
        twin->refused = address;
    }
}

static void leave_secure(struct twin *twin)
{
    twin->nonsecure = true;
}

/* A return from an exception by this instruction does not come back. */
static void change(change_state *const *theirs, void *core, uint32_t address)
{
    struct twin *twin = stores_running();
    if (!unicorn.bxns && !find_theirs())
        abort(); /* who called this has them */
    if (twin && twin->worlds && !(address & 1u) && address < 0xfefffffeu)
        twin->secure_primask = unicorn.mrs(core, SPECIAL_PRIMASK) & 1u;
    (*theirs)(core, address);
    if (twin && twin->worlds && !(address & 1u))
        leave_secure(twin);
}

void helper_v7m_bxns_arm(void *core, uint32_t address)
{
    change(&unicorn.bxns, core, address);
}

void helper_v7m_blxns_arm(void *core, uint32_t address)
{
    change(&unicorn.blxns, core, address);
}

/* ---- gates and refusals ---- */

static bool is_gate(struct twin *twin, uint32_t pc)
{
    uint16_t code[2];
    return twin->nonsecure && worlds_attribution(twin, pc) == CALLABLE &&
           worlds_attribution(twin, pc + 2u) == CALLABLE &&
           (pc - CROSSING < CROSSING_SIZE ||
            (twin_read_memory(twin, pc, code, sizeof code) && code[0] == SG && code[1] == SG));
}

/* Armv8-M baseline has no room for it. */
static void note(struct twin *twin, uint32_t status)
{
    if (twin->core == TWIN_CORTEX_M23)
        return;
    *device_reg(&twin->sau, SAU_SFSR) |= status;
    if (status == ATTRIBUTION)
        *device_reg(&twin->sau, SAU_SFAR) = twin->refused;
}

bool worlds_refused(struct twin *twin, bool fetch)
{
    const uint32_t pc = twin_pc(twin);
    if (!twin->worlds)
        return false;
    if (fetch && is_gate(twin, pc)) {
        unicorn.interrupt(twin->core_object);
        twin->nonsecure = false;
        return true;
    }
    const bool wrong_fetch =
        fetch && (worlds_attribution(twin, pc) == NONSECURE) != twin->nonsecure;
    const bool wrong_access =
        !fetch && twin->nonsecure && worlds_attribution(twin, twin->refused) != NONSECURE;
    if (!wrong_fetch && !wrong_access)
        return false;
    note(twin, !fetch ? ATTRIBUTION : twin->nonsecure ? INVALID_ENTRY : INVALID_LEAVE);
    if (fetch) {
        twin->faulting = pc | 1u;
        worlds_park(twin);
    }
    exception_fault(twin);
    return true;
}

void worlds_park(struct twin *twin)
{
    core_set_reg(twin, UC_ARM_REG_PC, (twin->worlds ? PARKING : twin->block_start) | 1u);
}

/* ---- from one state to the other ---- */

void worlds_enter(struct twin *twin, bool nonsecure)
{
    if (twin->nonsecure == nonsecure)
        return;
    if (nonsecure) {
        helper_v7m_bxns_arm(twin->core_state, CROSSING);
        return;
    }
    const uint32_t lr = core_reg(twin, UC_ARM_REG_LR);
    twin->crosses = true;
    twin->slice_end = 0;
    const uc_err error = uc_emu_start(twin->uc, CROSSING | 1u, 0xffffffffu, 0, 0);
    twin->crosses = false;
    core_set_reg(twin, UC_ARM_REG_LR, lr);
    if (error != UC_ERR_OK || twin->nonsecure)
        twin_fault(twin, "Unicorn's core does not change to its secure state");
}

/* The return address and the exception's number, 0 in a thread, which is 1 meanwhile. */
void worlds_function_return(struct twin *twin, uint32_t code)
{
    uint32_t words[2];
    const uint32_t xpsr = core_reg(twin, UC_ARM_REG_XPSR);
    worlds_enter(twin, false);
    const uint32_t sp = core_reg(twin, UC_ARM_REG_SP);
    if (!twin_read_memory(twin, sp, words, sizeof words))
        twin_fault(twin,
                   "a function returns to the secure world with its stack at 0x%08x, which is "
                   "not in memory",
                   sp);
    const uint32_t number = words[1] & XPSR_NUMBER;
    if (xpsr & XPSR_NUMBER ? (xpsr & XPSR_NUMBER) != 1 || number == 0 : number != 0) {
        worlds_enter(twin, true);
        core_set_reg(twin, UC_ARM_REG_PC, code);
        exception_hard_fault(twin);
        return;
    }
    core_set_reg(twin, UC_ARM_REG_SP, sp + (uint32_t)sizeof words);
    core_set_reg(twin, UC_ARM_REG_XPSR, (xpsr & ~XPSR_NUMBER) | number);
    core_set_reg(twin, UC_ARM_REG_PC, words[0] | 1u);
}

bool worlds_primask(const struct twin *twin, bool nonsecure)
{
    if (nonsecure == twin->nonsecure || !twin->core_state)
        return core_reg(twin, UC_ARM_REG_PRIMASK) & 1u;
    return nonsecure ? unicorn.mrs(twin->core_state, SPECIAL_PRIMASK + SPECIAL_NONSECURE) & 1u
                     : twin->secure_primask;
}

void worlds_reset(struct twin *twin)
{
    twin->returning = twin->faulting = 0;
    if (!twin->worlds || !twin->core_state)
        return;
    worlds_enter(twin, false);
    static const uint32_t cleared[] = {SPECIAL_MSPLIM,
                                       SPECIAL_PSPLIM,
                                       SPECIAL_MSPLIM + SPECIAL_NONSECURE,
                                       SPECIAL_PSPLIM + SPECIAL_NONSECURE,
                                       SPECIAL_PRIMASK + SPECIAL_NONSECURE,
                                       SPECIAL_CONTROL_NS};
    for (size_t i = 0; i < sizeof cleared / sizeof *cleared; i++)
        unicorn.msr(twin->core_state, SPECIAL_WRITE | cleared[i], 0);
    worlds_forget(twin);
}

void worlds_forget(struct twin *twin)
{
    if (twin->worlds && twin->core_object)
        unicorn.forget(twin->core_object);
}

void twin_attribution_changed(struct twin *twin)
{
    worlds_forget(twin);
}

/* ---- the SAU's registers ---- */

static uint32_t *held(struct twin *twin, uint32_t offset)
{
    return &twin->sau_regions[twin->sau.values[SAU_RNR / 4] % REGIONS][offset == SAU_RLAR];
}

static uint32_t sau_read(struct device *device, uint32_t offset, uint32_t value)
{
    return offset == SAU_RBAR || offset == SAU_RLAR ? *held(device->twin, offset) : value;
}

static void sau_write(struct device *device, uint32_t offset, uint32_t old, uint32_t value)
{
    struct twin *twin = device->twin;
    (void)old;
    if (offset == SAU_RNR && value >= REGIONS)
        twin_fault(twin, "SAU_RNR is written %u; there are %u regions", value, REGIONS);
    else if (offset == SAU_RBAR)
        *held(twin, offset) = value & ~0x1fu;
    else if (offset == SAU_RLAR)
        *held(twin, offset) = value & ~0x1cu;
    worlds_forget(twin);
}

static void sau_reset(struct device *device, enum twin_reset reset)
{
    (void)reset;
    memset(device->twin->sau_regions, 0, sizeof device->twin->sau_regions);
}

void twin_two_worlds(struct twin *twin, const struct twin_worlds *worlds)
{
    static const uint16_t gate[] = {SG, SG, STAY}, parking[] = {STAY};
    if (!is_known_unicorn() || !find_theirs()) {
        twin_fault(twin, "two worlds need Unicorn 2.0");
        return;
    }
    twin->crossing = aligned_alloc(CROSSING_SIZE, CROSSING_SIZE);
    if (!twin->crossing)
        abort(); /* nothing sensible can follow on the host */
    memset(twin->crossing, 0, CROSSING_SIZE);
    memcpy(twin->crossing, gate, sizeof gate);
    memcpy(twin->crossing + (PARKING - CROSSING), parking, sizeof parking);
    if (uc_mem_map_ptr(twin->uc, CROSSING, CROSSING_SIZE, UC_PROT_READ | UC_PROT_EXEC,
                       twin->crossing) != UC_ERR_OK)
        twin_fault(twin, "Unicorn maps no page at 0x%08x", CROSSING);
    twin->worlds = worlds;
    twin->sau = (struct device){.name = "SAU",
                                .base = 0xe000edd0u,
                                .size = 0x20u,
                                .regs = sau_regs,
                                .reg_count = sizeof sau_regs / sizeof *sau_regs,
                                .read = sau_read,
                                .write = sau_write,
                                .reset = sau_reset};
    twin_add_device_first(twin, &twin->sau);
    scs_add_nonsecure(twin);
}

void worlds_end(struct twin *twin)
{
    free(twin->crossing);
}
