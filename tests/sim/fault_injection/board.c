/* Registers, RAM and flash of the emulated board, saved and put back. */
#include "tests/sim/fault_injection/board.h"

#include <stdio.h>
#include <string.h>

#define WFI 0xbf30u

const char *const outcome_names[OUTCOMES] = {"refused", "crashed", "hung", "STARTED"};

/* Where the bootloader stays when nothing may be started: the `wfi` behind main's decision. */
static uint32_t find_halt(const struct elf *elf)
{
    const char *const names[] = {"stop", "main", "reset_handler"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const struct elf_symbol *symbol = elf_named(elf, names[i]);
        const uint8_t *code = symbol == NULL ? NULL : elf_bytes(elf, symbol->address, symbol->size);
        for (uint32_t at = 0; code != NULL && at + 1 < symbol->size; at += 2) {
            if ((code[at] | code[at + 1] << 8) == WFI)
                return symbol->address + at;
        }
    }
    return 0;
}

static uint32_t address_of(const struct elf *elf, const char *name)
{
    const struct elf_symbol *symbol = elf_named(elf, name);
    return symbol == NULL ? 0 : symbol->address;
}

/* RAM ends with the core's buffer or what else .bss holds. */
static uint32_t ram_size(const struct elf *elf)
{
    uint32_t size = 0x2000;
    for (unsigned i = 0; i < elf->symbol_count; i++) {
        const uint32_t end = elf->symbols[i].address + elf->symbols[i].size - RAM_START;
        if (elf->symbols[i].address >= RAM_START && end <= RAM_MAX && end > size)
            size = end;
    }
    return (size + 3) & ~3u;
}

int board_start(struct board *board, const struct elf *elf, const char *program, const char *folder)
{
    board->elf = elf;
    board->ram_size = ram_size(elf);
    board->boot_go = address_of(elf, "boot_go");
    board->halt = find_halt(elf);
    board->fault_handler = address_of(elf, "fault_handler");
    board->system_reset = address_of(elf, "system_reset");
    if (board->boot_go == 0 || board->halt == 0 || board->fault_handler == 0 ||
        board->system_reset == 0) {
        fprintf(stderr, "%s: boot_go, fault_handler, system_reset or main's wfi not found\n",
                program);
        return -1;
    }
    target_start(&board->target, program, folder);
    target_break(&board->target, board->halt);
    target_break(&board->target, board->fault_handler);
    target_break(&board->target, board->system_reset);
    target_break(&board->target, IMAGE_ENTRY);
    return 0;
}

void board_stop(struct board *board)
{
    target_stop(&board->target);
}

void board_put(struct board *board, const struct slot_image *image)
{
    memset(board->flash, 0xff, sizeof board->flash);
    memcpy(board->flash + SLOT_OFFSET, image->bytes, image->length);
    memcpy(board->target.flash, board->flash, sizeof board->flash);
}

static void restore_flash(struct board *board)
{
    if (memcmp(board->target.flash, board->flash, sizeof board->flash) != 0)
        memcpy(board->target.flash, board->flash, sizeof board->flash);
}

void board_boot(struct board *board)
{
    restore_flash(board);
    target_reset(&board->target);
    target_break(&board->target, board->boot_go);
    target_run(&board->target, 20000);
    target_unbreak(&board->target, board->boot_go);
}

void board_save(struct board *board, struct moment *moment)
{
    target_get(&board->target, &moment->registers);
    target_read(&board->target, RAM_START, moment->ram, board->ram_size);
}

void board_restore(struct board *board, const struct moment *moment)
{
    restore_flash(board);
    target_write(&board->target, RAM_START, moment->ram, board->ram_size);
    target_set(&board->target, &moment->registers);
}

void board_restore_all(struct board *board, const struct moment *moment)
{
    board_boot(board);
    board_restore(board, moment);
}

/* Where the core is says how it ended; OUTCOMES if it has not. */
static enum outcome end_at(const struct board *board, uint32_t pc)
{
    if (pc - TARGET_FLASH_BASE < TARGET_FLASH_SIZE)
        return STARTED;
    if (pc == board->halt)
        return REFUSED;
    return pc == board->fault_handler || pc == board->system_reset ? CRASHED : OUTCOMES;
}

enum outcome board_finish(struct board *board, unsigned limit_ms)
{
    struct registers registers;
    target_get(&board->target, &registers);
    enum outcome outcome = end_at(board, registers.r[REG_PC]);
    if (outcome != OUTCOMES)
        return outcome;
    if (target_run(&board->target, limit_ms) == TARGET_DIED)
        return CRASHED;
    target_get(&board->target, &registers);
    outcome = end_at(board, registers.r[REG_PC]);
    return outcome == OUTCOMES ? HUNG : outcome;
}
