/* One emulated board under control: a QEMU process, spoken to through gdb's remote protocol, with
 * its flash mapped into this process. A failure of QEMU itself ends the program. */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_TARGET_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TARGET_FLASH_SIZE 0x1000000u
#define TARGET_FLASH_BASE 0x80000000u

struct registers {
    uint32_t r[16];
    uint32_t xpsr;
};
#define REG_SP 13
#define REG_LR 14
#define REG_PC 15

struct target {
    pid_t qemu;
    int gdb;
    uint8_t *flash; /* TARGET_FLASH_SIZE bytes */
    char socket_path[108];
    char flash_path[256];
    const char *program;
    uint32_t breakpoints[8];
    unsigned breakpoint_count;
    char packet[8192];
    size_t packet_length;
    uint8_t input[4096];
    size_t input_at, input_have;
    unsigned starts; /* of QEMU: more than one if it gave up */
};

/* Starts QEMU with `program` (ELF) and a flash file in `folder` whose content may be written
 * through target->flash; the core waits before its first instruction. */
void target_start(struct target *target, const char *program, const char *folder);
void target_stop(struct target *target);
/* The core and memory as after power-on, flash and breakpoints as they are. */
void target_reset(struct target *target);

void target_get(struct target *target, struct registers *registers);
void target_set(struct target *target, const struct registers *registers);
void target_read(struct target *target, uint32_t address, void *data, uint32_t size);
void target_write(struct target *target, uint32_t address, const void *data, uint32_t size);
/* False where the core may not write: it left the Secure state, say. */
bool target_try_write(struct target *target, uint32_t address, const void *data, uint32_t size);
void target_break(struct target *target, uint32_t address);
void target_unbreak(struct target *target, uint32_t address);

/* TARGET_DIED: QEMU gave up over what the core did (a fault in a fault handler) and was started
 * anew, as by target_start. */
enum target_stop { TARGET_STOPPED, TARGET_TIME_OUT, TARGET_DIED };
/* One instruction. */
enum target_stop target_step(struct target *target);
/* Until a breakpoint, or for so long; stopped by then. */
enum target_stop target_run(struct target *target, unsigned limit_ms);

#endif
