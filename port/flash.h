/* The one flash interface: NOR flash as the bootloader, the store and the update agent see it.
 *
 * Rules that every driver enforces and every caller keeps:
 *   - erase works on whole sectors and sets each byte to `erased_value`;
 *   - a program call starts at a multiple of `write_size`, has a length that is a multiple of it,
 *     and touches only units that have not been programmed since their last erase;
 *   - power may fail in any call: a program leaves any prefix of its units written (the unit in
 *     flight may hold anything), an erase leaves a sector in which any byte may hold anything.
 *
 * A `struct flash` is one device; it is owned by the port and outlives all users. A `struct
 * flash_area` is a part of one device, aligned to sectors, passed by pointer and never changed.
 * Offsets of area functions count from the start of the area; all lengths are in bytes.
 * Errors: OTTER_E_BOUNDS outside of device or area, OTTER_E_ARGUMENT for alignment,
 * OTTER_E_FLASH when the device reports a failure. */
#ifndef OTTER_PORT_FLASH_H
#define OTTER_PORT_FLASH_H

#include <stdint.h>

#include "port/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Largest write unit of any supported part, for buffers on the stack. */
#define FLASH_WRITE_SIZE_MAX 32u

struct flash_sector {
    uint32_t offset; /* from the start of the device */
    uint32_t size;
};

struct flash_ops {
    otter_status (*read)(void *ctx, uint32_t offset, void *data, uint32_t length);
    otter_status (*program)(void *ctx, uint32_t offset, const void *data, uint32_t length);
    /* `offset` is the start of a sector; exactly that sector is erased. */
    otter_status (*erase)(void *ctx, uint32_t offset);
    /* The sector that holds `offset`; `offset` < size of the device. */
    struct flash_sector (*sector_at)(void *ctx, uint32_t offset);
};

struct flash {
    const struct flash_ops *ops;
    void *ctx;
    uint32_t size;
    uint32_t write_size;  /* 1, 2, 4, 8, 16 or 32 */
    uint8_t erased_value; /* 0xff or 0x00 */
};

struct flash_area {
    const struct flash *flash;
    uint32_t offset; /* from the start of the device */
    uint32_t size;
};

/* The board's flash devices, in the order of its map (boards/README.md): defined by the port. */
extern const struct flash port_flash[];

otter_status flash_read(const struct flash_area *area, uint32_t offset, void *data,
                        uint32_t length);
otter_status flash_program(const struct flash_area *area, uint32_t offset, const void *data,
                           uint32_t length);
/* Erases every sector of [offset, offset + length); both ends must be sector borders. */
otter_status flash_erase(const struct flash_area *area, uint32_t offset, uint32_t length);
/* The sector that holds `offset`, its own offset counted from the start of the area.
 * `offset` must lie in the area; outside of it a sector of size 0 comes back. */
struct flash_sector flash_sector_at(const struct flash_area *area, uint32_t offset);
/* OTTER_OK if the range reads as `data`, OTTER_E_FLASH if it does not, or an error. */
otter_status flash_compare(const struct flash_area *area, uint32_t offset, const void *data,
                           uint32_t length);
/* 1 if every byte of the range reads as erased, 0 if not, or an error. */
int flash_is_erased(const struct flash_area *area, uint32_t offset, uint32_t length);

#ifdef __cplusplus
}
#endif

#endif
