/* An Ethernet transceiver at an MII management bus: 100 and 10 Mbit/s, both duplexes, negotiates
 * with a partner that can do all of them. */
#ifndef OTTER_TWIN_PARTS_PHY_H
#define OTTER_TWIN_PARTS_PHY_H

#include "twin/twin.h"

struct phy;

/* How one part differs from another. */
struct phy_part {
    uint16_t id_1, id_2;
    twin_ns reset_ns;
    bool has_result; /* register 31 says what was negotiated */
};
extern const struct phy_part phy_ip101gr, phy_lan8742;

/* Its cable is in. NULL without memory. */
struct phy *phy_new(struct twin *twin, const struct phy_part *part, unsigned address);
void phy_free(struct phy *phy);

/* The cable. A link is up some time after it came, and down at once when it goes. */
void phy_plug(struct phy *phy, bool plugged);
bool phy_link_is_up(struct phy *phy);
/* It gives the MAC its clock (RMII's REF_CLK): not while it is powered down or reset. */
bool phy_has_clock(const struct phy *phy);
/* What was negotiated; of a link that is up. */
bool phy_is_fast(const struct phy *phy);
bool phy_is_full_duplex(const struct phy *phy);

/* By management frames; a PHY of another address does not answer: 0xffff. */
uint16_t phy_read(struct phy *phy, unsigned address, unsigned reg);
void phy_write(struct phy *phy, unsigned address, unsigned reg, uint16_t value);

#endif
