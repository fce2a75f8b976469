/* A program's stores, without what Unicorn 2.0 (Debian 12) does at each of them in case that the
 * program changes its own instructions: it takes a tree of page locks, which lock nothing there,
 * and looks for instructions on the page. That is two thirds of a twin's time. Here both are left
 * out, the second one for pages that have held no instructions yet.
 *
 * QEMU marks pages of RAM that hold instructions by letting stores to them take the long way; what
 * lets the others take the short one is never called in Unicorn 2.0. The functions are public
 * symbols of its library, and a program's own come before these. Another Unicorn is left as it is.
 */
#include <dlfcn.h>

#include "twin/private.h"

#define PAGE_BITS 10u /* of an M-profile core, in QEMU */
#define PAGE_SIZE (1u << PAGE_BITS)

/* As QEMU passes them. */
struct memory_attributes {
    unsigned bits;
};
typedef void set_page(void *cpu, uint32_t address, uint64_t physical,
                      struct memory_attributes attributes, int rights, int index, uint32_t size);

static struct {
    bool looked_for;
    set_page *set_page;
    void (*take_short_way)(void *cpu, uint32_t address);
    void (*take_long_way)(void *cpu, uint64_t bytes, uint64_t size);
} unicorn;
/* Unicorn's functions are told of its core, not of ours: the core that runs. */
static struct {
    struct twin *twin;
    void *cpu;
} running;

/* ---- in place of Unicorn's ---- */

void *page_collection_lock_arm(void *engine, uint64_t start, uint64_t end);
void page_collection_unlock_arm(void *set);
set_page tlb_set_page_with_attrs_arm;

void *page_collection_lock_arm(void *engine, uint64_t start, uint64_t end)
{
    (void)engine;
    (void)start;
    (void)end;
    return NULL;
}

void page_collection_unlock_arm(void *set)
{
    (void)set;
}

/* The function of that name which would be called but for ours. */
static void *theirs(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static void look_for_theirs(void)
{
    unicorn.looked_for = true;
    *(void **)&unicorn.set_page = theirs("tlb_set_page_with_attrs_arm");
    if (uc_version(NULL, NULL) >> 16 != 0x0200u)
        return;
    *(void **)&unicorn.take_short_way = theirs("tlb_set_dirty_arm");
    *(void **)&unicorn.take_long_way = theirs("tlb_reset_dirty_arm");
}

static bool *code_at(struct twin *twin, uint32_t address)
{
    struct memory *memory = twin ? bus_memory(twin, address, 1) : NULL;
    return memory && memory->own ? &memory->code[(address - memory->base) >> PAGE_BITS] : NULL;
}

/* The core looks at a page for the first time, or again. */
void tlb_set_page_with_attrs_arm(void *cpu, uint32_t address, uint64_t physical,
                                 struct memory_attributes attributes, int rights, int index,
                                 uint32_t size)
{
    if (!unicorn.looked_for)
        look_for_theirs();
    unicorn.set_page(cpu, address, physical, attributes, rights, index, size);
    const bool *code = code_at(running.twin, address);
    running.cpu = cpu;
    if (running.twin)
        running.twin->core_object = cpu;
    if (code && !*code && unicorn.take_short_way && unicorn.take_long_way)
        unicorn.take_short_way(cpu, address & ~(PAGE_SIZE - 1u));
}

/* ---- for the twin ---- */

bool *stores_pages(uint32_t size)
{
    return calloc((size + PAGE_SIZE - 1u) >> PAGE_BITS, sizeof(bool));
}

void stores_of(struct twin *twin)
{
    if (running.twin != twin)
        running.cpu = NULL;
    running.twin = twin;
}

struct twin *stores_running(void)
{
    return running.twin;
}

void stores_end(const struct twin *twin)
{
    if (running.twin == twin)
        running.twin = NULL;
}

static void holds_code(struct twin *twin, uint32_t address)
{
    bool *code = code_at(twin, address);
    if (!code || *code)
        return;
    *code = true;
    const struct memory *memory = bus_memory(twin, address, 1);
    const uint32_t page = (address - memory->base) & ~(PAGE_SIZE - 1u);
    if (running.cpu && unicorn.take_long_way)
        unicorn.take_long_way(running.cpu, (uintptr_t)(memory->bytes + page), PAGE_SIZE);
}

void stores_fetch(struct twin *twin, uint32_t address, uint32_t size)
{
    const uint32_t last = address + (size ? size - 1u : 0);
    if (address >> PAGE_BITS == twin->fetched && last >> PAGE_BITS == twin->fetched)
        return;
    holds_code(twin, address);
    holds_code(twin, last);
    twin->fetched = last >> PAGE_BITS;
}
