/* Ethernet transceiver; see phy.h. Registers: IEEE 802.3, clause 22. */
#include "twin/parts/phy.h"

#include <stdlib.h>

enum { CONTROL, STATUS, ID_1, ID_2, ADVERTISED, PARTNER, EXPANSION, RESULT = 31 };

#define RESET     0x8000u
#define FAST      0x2000u
#define NEGOTIATE 0x1000u
#define OFF       0x0800u
#define RESTART   0x0200u
#define FULL      0x0100u

#define STATUS_CAN  0x7809u
#define STATUS_DONE 0x0020u
#define STATUS_LINK 0x0004u

#define ABILITIES 0x01e0u /* of registers 4 and 5 */

#define NEGOTIATE_NS (1500u * TWIN_MS)
#define LINK_NS      (50u * TWIN_MS) /* without negotiation */

#define RESULT_DONE 0x1000u /* of register 31; below it the result */

const struct phy_part phy_ip101gr = {.id_1 = 0x0243, .id_2 = 0x0c54, .reset_ns = 10u * TWIN_MS};
/* Its software reset may take 500 ms; this one takes its time. */
const struct phy_part phy_lan8742 = {
    .id_1 = 0x0007, .id_2 = 0xc131, .reset_ns = 100u * TWIN_MS, .has_result = true};

struct phy {
    struct twin *twin;
    const struct phy_part *part;
    unsigned address;
    bool plugged;
    uint16_t control, advertised;
    twin_ns reset_until;
    twin_ns up_at; /* of the link, as far as cable and control stay so */
    bool was_down; /* since STATUS was read */
};

static bool is_resetting(const struct phy *phy)
{
    return twin_now(phy->twin) < phy->reset_until;
}

bool phy_link_is_up(struct phy *phy)
{
    const bool up = phy->plugged && !(phy->control & OFF) && !is_resetting(phy) &&
                    twin_now(phy->twin) >= phy->up_at;
    phy->was_down |= !up;
    return up;
}

static void begin_link(struct phy *phy)
{
    const bool negotiates = phy->control & NEGOTIATE;
    phy->up_at = twin_now(phy->twin) + (negotiates ? NEGOTIATE_NS : LINK_NS);
    phy->was_down = true;
}

/* The best that both sides have; the partner has all. */
static uint16_t chosen(const struct phy *phy)
{
    for (uint16_t ability = 0x100u; ability >= 0x20u; ability >>= 1)
        if (phy->advertised & ability)
            return ability;
    return 0;
}

bool phy_is_fast(const struct phy *phy)
{
    return phy->control & NEGOTIATE ? chosen(phy) >= 0x80u : (phy->control & FAST) != 0;
}

bool phy_is_full_duplex(const struct phy *phy)
{
    return phy->control & NEGOTIATE ? (chosen(phy) & 0x140u) != 0 : (phy->control & FULL) != 0;
}

static void reset(struct phy *phy)
{
    phy->control = FAST | NEGOTIATE | FULL;
    phy->advertised = 0x01e1u;
    phy->reset_until = twin_now(phy->twin) + phy->part->reset_ns;
    begin_link(phy);
}

static uint16_t read_status(struct phy *phy)
{
    const bool up = phy_link_is_up(phy), done = up && phy->control & NEGOTIATE;
    const bool latched = phy->was_down;
    phy->was_down = false;
    return (uint16_t)(STATUS_CAN | (done ? STATUS_DONE : 0) | (up && !latched ? STATUS_LINK : 0));
}

static uint16_t read_result(struct phy *phy)
{
    const bool done = phy_link_is_up(phy) && phy->control & NEGOTIATE;
    const unsigned speed = phy_is_fast(phy) ? 2u : 1u, duplex = phy_is_full_duplex(phy) ? 4u : 0;
    return (uint16_t)((done ? RESULT_DONE : 0) | (speed | duplex) << 2);
}

uint16_t phy_read(struct phy *phy, unsigned address, unsigned reg)
{
    if (!phy || address != phy->address)
        return 0xffff;
    if (is_resetting(phy) && reg != CONTROL) {
        twin_fault(phy->twin, "the PHY's register %u is read while its reset goes on", reg);
        return 0xffff;
    }
    switch (reg) {
    case CONTROL:
        return (uint16_t)(phy->control | (is_resetting(phy) ? RESET : 0));
    case STATUS:
        return read_status(phy);
    case ID_1:
        return phy->part->id_1;
    case ID_2:
        return phy->part->id_2;
    case ADVERTISED:
        return phy->advertised;
    case PARTNER:
        return phy_link_is_up(phy) && phy->control & NEGOTIATE ? 0x45e1 : 0;
    case EXPANSION:
        return phy_link_is_up(phy) ? 1 : 0;
    default:
        if (reg == RESULT && phy->part->has_result)
            return read_result(phy);
        twin_fault(phy->twin, "the PHY's register %u is read, which is not modelled", reg);
        return 0xffff;
    }
}

static void write_control(struct phy *phy, uint16_t value)
{
    const uint16_t changed = phy->control ^ value;
    if (value & RESET) {
        reset(phy);
        return;
    }
    phy->control = value & (FAST | NEGOTIATE | OFF | FULL);
    if (value & RESTART || changed & (NEGOTIATE | OFF) ||
        (!(value & NEGOTIATE) && changed & (FAST | FULL)))
        begin_link(phy);
}

void phy_write(struct phy *phy, unsigned address, unsigned reg, uint16_t value)
{
    if (!phy || address != phy->address)
        return;
    if (is_resetting(phy))
        twin_fault(phy->twin, "the PHY's register %u is written while its reset goes on", reg);
    else if (reg == CONTROL)
        write_control(phy, value);
    else if (reg == ADVERTISED)
        phy->advertised = (uint16_t)((value & ABILITIES) | 1u); /* from the next negotiation on */
    else
        twin_fault(phy->twin, "the PHY's register %u is written, which is not modelled", reg);
}

bool phy_has_clock(const struct phy *phy)
{
    return !(phy->control & OFF) && !is_resetting(phy);
}

void phy_plug(struct phy *phy, bool plugged)
{
    if (plugged == phy->plugged)
        return;
    phy->plugged = plugged;
    begin_link(phy);
}

struct phy *phy_new(struct twin *twin, const struct phy_part *part, unsigned address)
{
    struct phy *phy = calloc(1, sizeof *phy);
    if (!phy)
        return NULL;
    phy->twin = twin;
    phy->part = part;
    phy->address = address;
    phy->plugged = true;
    reset(phy);
    phy->reset_until = 0;
    return phy;
}

void phy_free(struct phy *phy)
{
    free(phy);
}
