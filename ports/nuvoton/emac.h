/* The M487's Ethernet MAC: ports/lwip/ethernet.h, and its interrupts. */
#ifndef OTTER_NUVOTON_EMAC_H
#define OTTER_NUVOTON_EMAC_H

#ifdef __cplusplus
extern "C" {
#endif

/* Of reception and transmission both. */
void emac_handler(void);

#ifdef __cplusplus
}
#endif

#endif
