/* What the fault injection needs of the bootloader's ELF file: functions, objects and code. */
#ifndef OTTER_TESTS_SIM_FAULT_INJECTION_ELF_H
#define OTTER_TESTS_SIM_FAULT_INJECTION_ELF_H

#include <stddef.h>
#include <stdint.h>

#define ELF_SYMBOLS_MAX 1024u

struct elf_symbol {
    const char *name;
    uint32_t address; /* of code: without the Thumb bit */
    uint32_t size;
};

struct elf {
    uint8_t *file;
    size_t length;
    struct elf_symbol symbols[ELF_SYMBOLS_MAX]; /* functions and objects */
    unsigned symbol_count;
};

/* 0, or -1 with a line on stderr: no such file, or no 32-bit ELF program with symbols. */
int elf_load(struct elf *elf, const char *path);
void elf_free(struct elf *elf);

/* NULL if there is none of that name; the one that holds the address. */
const struct elf_symbol *elf_named(const struct elf *elf, const char *name);
const struct elf_symbol *elf_at(const struct elf *elf, uint32_t address);

/* `size` bytes that the program has at `address`; NULL if it has none there. */
const uint8_t *elf_bytes(const struct elf *elf, uint32_t address, uint32_t size);

#endif
