/* Reset, watchdog, high-water mark of the stack, and the record kept over a reset. */
#include "ports/cortex-m/system.h"

#include "port/port.h"
#include "ports/cortex-m/core.h"
#include "ports/cortex-m/uart.h"
#ifdef OTTER_NONSECURE
#include "secure/update.h"
#endif
#ifdef OTTER_SECURE
#include "boards/map.h"
#endif

/* Fixed at the start of RAM by the linker script of both programs; neither initialises it. It holds
 * its contents through a reset and is arbitrary after power-on, hence the magic number. */
#define RESET_NOTE_MAGIC 0x4e4f5445u

static struct {
    struct handover handover;
    uint32_t reset_note; /* RESET_NOTE_MAGIC + enum reset_reason */
    uint32_t resets;     /* RESET_NOTE_MAGIC + those of the bootloader since an image was started */
} shared __attribute__((section(".shared")));

#define STACK_PAINT 0xc0deface

extern uint32_t linker_stack_start[], linker_stack_end[], linker_ram_start[], linker_ram_used_end[];

enum reset_reason system_take_reset_reason(void)
{
    const uint32_t reason = shared.reset_note - RESET_NOTE_MAGIC;
    shared.reset_note = 0;
    const enum reset_reason told = chip_reset_reason();
    if (told == RESET_WATCHDOG)
        return told;
    return reason <= RESET_WATCHDOG ? (enum reset_reason)reason : told;
}

bool system_may_reset(void)
{
    if (shared.resets - RESET_NOTE_MAGIC > BOOT_RESETS_MAX)
        shared.resets = RESET_NOTE_MAGIC;
    if (shared.resets == RESET_NOTE_MAGIC + BOOT_RESETS_MAX)
        return false;
    shared.resets++;
    return true;
}

void system_forget_resets(void)
{
    shared.resets = 0;
}

void system_note_reset(enum reset_reason reason)
{
    shared.reset_note = RESET_NOTE_MAGIC + reason;
    __asm volatile("dsb" ::: "memory");
}

/* A place to find, as boot_go is. */
__attribute__((noinline)) _Noreturn void system_reset(enum reset_reason reason)
{
    system_note_reset(reason);
#ifdef OTTER_NONSECURE
    (void)psa_fwu_request_reboot(); /* the core takes no such request from this world */
#endif
#ifdef BOARD_WHOLE_RESET
    REG32(BOARD_WHOLE_RESET) = 1;
#else
    SCB_AIRCR = SCB_AIRCR_SYSTEM_RESET;
#endif
    for (;;) {
    }
}

_Noreturn void port_reset(void)
{
    console_drain();
    system_reset(RESET_SOFTWARE);
}

const struct handover *port_handover(void)
{
    return shared.handover.magic == HANDOVER_MAGIC ? &shared.handover : NULL;
}

#if !defined OTTER_SECURE && !defined OTTER_NONSECURE /* the bootloader's; trustzone/worlds.c */
_Noreturn void system_start_image(const struct handover *handover, uint32_t address)
{
    const uint32_t *vectors = (const uint32_t *)address;
    shared.handover = *handover;
    shared.handover.magic = HANDOVER_MAGIC;
    watchdog_start();
    SCB_VTOR = address;
#ifdef CORE_HAS_STACK_LIMIT
    __asm volatile("msr msplim, %0" ::"r"(0));
#endif
    __asm volatile("msr msp, %0\n\t"
                   "dsb\n\tisb\n\t"
                   "bx %1" ::"r"(vectors[0]),
                   "r"(vectors[1]));
    __builtin_unreachable();
}
#endif

/* From below up to a little under the stack pointer, which is in use. */
void system_paint_stack(void)
{
    uint32_t *top = (uint32_t *)__builtin_frame_address(0) - 16;
    for (uint32_t *word = linker_stack_start; word < top; word++)
        *word = STACK_PAINT;
}

size_t port_stack_used(void)
{
    const uint32_t *word = linker_stack_start;
    while (word < linker_stack_end && *word == STACK_PAINT)
        word++;
    return (size_t)((const char *)linker_stack_end - (const char *)word);
}

size_t port_stack_size(void)
{
    return (size_t)((const char *)linker_stack_end - (const char *)linker_stack_start);
}

size_t port_ram_used(void)
{
    return (size_t)((const char *)linker_ram_used_end - (const char *)linker_ram_start);
}
