/* Symbols and sections of the bootloader's file, read whole, by the structs of <elf.h>. */
#include "tests/sim/fault_injection/elf.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_whole(struct elf *elf, const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    fseek(file, 0, SEEK_END);
    const long length = ftell(file);
    rewind(file);
    elf->length = length > 0 ? (size_t)length : 0;
    elf->file = malloc(elf->length + 1);
    const int status =
        elf->file != NULL && fread(elf->file, 1, elf->length, file) == elf->length ? 0 : -1;
    fclose(file);
    return status;
}

static const Elf32_Shdr *section(const struct elf *elf, uint32_t type)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)(const void *)elf->file;
    const Elf32_Shdr *sections = (const Elf32_Shdr *)(const void *)(elf->file + header->e_shoff);
    for (unsigned i = 0; i < header->e_shnum; i++) {
        if (sections[i].sh_type == type)
            return &sections[i];
    }
    return NULL;
}

static void take_symbols(struct elf *elf, const Elf32_Shdr *table)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)(const void *)elf->file;
    const Elf32_Shdr *sections = (const Elf32_Shdr *)(const void *)(elf->file + header->e_shoff);
    const char *names = (const char *)elf->file + sections[table->sh_link].sh_offset;
    const Elf32_Sym *symbols = (const Elf32_Sym *)(const void *)(elf->file + table->sh_offset);
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++) {
        const unsigned type = ELF32_ST_TYPE(symbols[i].st_info);
        if ((type != STT_FUNC && type != STT_OBJECT) || elf->symbol_count == ELF_SYMBOLS_MAX)
            continue;
        elf->symbols[elf->symbol_count++] = (struct elf_symbol){
            .name = names + symbols[i].st_name,
            .address = type == STT_FUNC ? symbols[i].st_value & ~1u : symbols[i].st_value,
            .size = symbols[i].st_size,
        };
    }
}

int elf_load(struct elf *elf, const char *path)
{
    memset(elf, 0, sizeof *elf);
    const Elf32_Shdr *table = NULL;
    if (read_whole(elf, path) == 0 && elf->length > sizeof(Elf32_Ehdr) &&
        memcmp(elf->file, ELFMAG, SELFMAG) == 0 && elf->file[EI_CLASS] == ELFCLASS32)
        table = section(elf, SHT_SYMTAB);
    if (table == NULL) {
        fprintf(stderr, "%s is not a 32-bit program with symbols: build the preset mps2-an505\n",
                path);
        return -1;
    }
    take_symbols(elf, table);
    return 0;
}

void elf_free(struct elf *elf)
{
    free(elf->file);
    elf->file = NULL;
}

/* GCC names a function that it made for its callers' constants NAME.constprop.0. */
const struct elf_symbol *elf_named(const struct elf *elf, const char *name)
{
    const size_t length = strlen(name);
    for (unsigned i = 0; i < elf->symbol_count; i++) {
        const char *found = elf->symbols[i].name;
        if (strncmp(found, name, length) == 0 && (found[length] == '\0' || found[length] == '.'))
            return &elf->symbols[i];
    }
    return NULL;
}

const struct elf_symbol *elf_at(const struct elf *elf, uint32_t address)
{
    for (unsigned i = 0; i < elf->symbol_count; i++) {
        const struct elf_symbol *symbol = &elf->symbols[i];
        if (address - symbol->address < symbol->size)
            return symbol;
    }
    return NULL;
}

const uint8_t *elf_bytes(const struct elf *elf, uint32_t address, uint32_t size)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)(const void *)elf->file;
    const Elf32_Phdr *parts = (const Elf32_Phdr *)(const void *)(elf->file + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const uint32_t from = address - parts[i].p_vaddr;
        if (parts[i].p_type == PT_LOAD && from < parts[i].p_filesz &&
            size <= parts[i].p_filesz - from)
            return elf->file + parts[i].p_offset + from;
    }
    return NULL;
}
