/* The board at the moment of a fault: saved once, restored for each fault tried there. */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_BOARD_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_BOARD_H

#include "tests/sim/fault_injection/elf.h"
#include "tests/sim/fault_injection/images.h"
#include "tests/sim/fault_injection/target.h"

#define RAM_START   0x38000000u
#define RAM_MAX     0x4000u
#define SLOT_OFFSET 0x10000u
#define SLOT_SIZE   0x73000u
#define FLASH_USED  0x101000u /* what the bootloader knows of the flash */

struct moment {
    struct registers registers;
    uint8_t ram[RAM_MAX];
};

enum outcome { REFUSED, CRASHED, HUNG, STARTED, OUTCOMES };
extern const char *const outcome_names[OUTCOMES];

struct board {
    struct target target;
    const struct elf *elf;
    uint32_t ram_size;
    uint32_t boot_go, halt, fault_handler, system_reset;
    uint8_t flash[FLASH_USED]; /* as each run finds it */
};

/* 0, or -1 if the bootloader lacks what must be found in it. */
int board_start(struct board *board, const struct elf *elf, const char *program,
                const char *folder);
void board_stop(struct board *board);

/* Flash that is erased but for the image in the primary slot. */
void board_put(struct board *board, const struct slot_image *image);
/* Resets and runs to the start of boot_go. */
void board_boot(struct board *board);

void board_save(struct board *board, struct moment *moment);
/* Enough after a run that ended in a refusal. */
void board_restore(struct board *board, const struct moment *moment);
/* After any other: peripherals, code and the state of exceptions too. */
void board_restore_all(struct board *board, const struct moment *moment);

/* The core is at an end: what end, else runs until it is. */
enum outcome board_finish(struct board *board, unsigned limit_ms);

#endif
