/* A memory that keeps its contents without power: a file of the host's, mapped, so that whatever a
 * model writes there outlives a twin that is killed. */
#ifndef OTTER_TWIN_NVM_H
#define OTTER_TWIN_NVM_H

#include <stdbool.h>
#include <stdint.h>

struct nvm {
    uint8_t *bytes;
    uint32_t size;
    int fd;
};

/* Opens FOLDER/NAME, or makes it, full of 0xff; one whose making was cut off is made to its end.
 * Its room on the disk is taken here. On failure false, with a message on stderr. Another twin
 * cannot open the same file meanwhile. */
bool nvm_open(struct nvm *nvm, const char *folder, const char *name, uint32_t size);
/* A memory without a file, for tests: gone with nvm_close. */
bool nvm_open_nameless(struct nvm *nvm, uint32_t size);
void nvm_close(struct nvm *nvm);

/* What an operation leaves that power was cut from, always the same for the same place: of an erase
 * some bits are set and others not; of a program of `size` bytes some bits are written. */
void nvm_tear_erase(struct nvm *nvm, uint32_t offset, uint32_t size);
void nvm_tear_program(struct nvm *nvm, uint32_t offset, const uint8_t *data, uint32_t size);

#endif
