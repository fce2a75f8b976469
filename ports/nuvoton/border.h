/* Where the flash of the non-secure world begins (NSCBA). */
#ifndef OTTER_NUVOTON_BORDER_H
#define OTTER_NUVOTON_BORDER_H

#ifdef __cplusplus
extern "C" {
#endif

/* The bootloader's, before it reads flash above the border: sets the border of the board's map
 * where the chip has another, and resets the chip, which takes it at a start. */
void border_settle(void);

#ifdef __cplusplus
}
#endif

#endif
