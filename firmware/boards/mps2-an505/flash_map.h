/* Flash map of the emulated board, and of the host process that stands for it.
 *
 * 16 MiB of NOR in the PSRAM of QEMU's mps2-an505, at 0x80000000. The first MiB is laid out like the
 * internal flash of a NuMaker-IoT-M467 (MCUboot swap using scratch, 4 KiB sectors, write unit 4):
 *
 *   0x000000  bootloader   0x10000  (on this board the bootloader itself lies in code SSRAM)
 *   0x010000  primary      0x73000
 *   0x083000  secondary    0x73000
 *   0x0f6000  store        0x05000  key-value store: configuration, keys, certificates, agent state
 *   0x0fb000  progress     0x02000  which blocks of a download are on flash
 *   0x0fd000  scratch      0x02000
 *   0x0ff000  seed         0x10000  of the random generator: this board has no entropy source. It
 *                                   reaches beyond the first MiB: parts with such a flash have one
 *
 * Plain macros: linker scripts, CMake and the image tool read this file too. */
#ifndef OTTER_BOARD_MPS2_AN505_FLASH_MAP_H
#define OTTER_BOARD_MPS2_AN505_FLASH_MAP_H

#define FLASH_MAP_BASE 0x80000000u
#define FLASH_MAP_SIZE 0x1000000u
#define FLASH_MAP_SECTOR_SIZE 0x1000u
#define FLASH_MAP_WRITE_SIZE 4u

#define FLASH_MAP_SLOT_SIZE 0x73000u
#define FLASH_MAP_HEADER_SIZE 0x1000u
#define FLASH_MAP_PRIMARY 0x010000u
#define FLASH_MAP_SECONDARY 0x083000u
#define FLASH_MAP_STORE 0x0f6000u
#define FLASH_MAP_STORE_SIZE 0x5000u
#define FLASH_MAP_PROGRESS 0x0fb000u
#define FLASH_MAP_PROGRESS_SIZE 0x2000u
#define FLASH_MAP_SCRATCH 0x0fd000u
#define FLASH_MAP_SCRATCH_SIZE 0x2000u
#define FLASH_MAP_SEED 0x0ff000u
#define FLASH_MAP_SEED_SIZE 0x10000u

#endif
