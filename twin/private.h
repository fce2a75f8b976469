/* Private to twin/: what the files behind twin.h share. */
#ifndef OTTER_TWIN_PRIVATE_H
#define OTTER_TWIN_PRIVATE_H

#include <poll.h>
#include <unicorn/unicorn.h>

#include "twin/twin.h"

/* Exceptions by number: 2 NMI, 3 HardFault, 11 SVCall, 14 PendSV, 15 SysTick, 16 + n IRQ n. */
#define EXCEPTION_NMI        2u
#define EXCEPTION_HARD_FAULT 3u
#define EXCEPTION_SECURE     7u
#define EXCEPTION_SVCALL     11u
#define EXCEPTION_PENDSV     14u
#define EXCEPTION_SYSTICK    15u
#define EXCEPTION_IRQ0       16u
#define EXCEPTION_COUNT      (EXCEPTION_IRQ0 + TWIN_IRQ_COUNT)
/* Of two worlds each has some of the core's exceptions of its own: the non-secure ones are kept
 * behind all others. */
#define EXCEPTION_NONSECURE(number) (EXCEPTION_COUNT + (number))
#define EXCEPTION_SLOTS             (EXCEPTION_COUNT + EXCEPTION_IRQ0)
#define EXCEPTION_DEPTH             16u

struct exceptions {
    bool pending[EXCEPTION_SLOTS];
    bool enabled[EXCEPTION_SLOTS];
    bool level[EXCEPTION_COUNT];     /* of the line: pends again as long as it is up */
    bool nonsecure[EXCEPTION_COUNT]; /* of interrupts: NVIC_ITNS */
    uint8_t priority[EXCEPTION_SLOTS];
    unsigned active[EXCEPTION_DEPTH];  /* the innermost last */
    uint32_t returns[EXCEPTION_DEPTH]; /* the EXC_RETURN that each was entered with */
    unsigned depth;
    unsigned waiting; /* how many are pending: 0 is looked at often */
};

struct systick {
    struct twin_timer timer;
    twin_ns started;
    uint32_t from; /* value at `started` */
};

struct watch {
    int fd;
    void (*ready)(void *ctx);
    void *ctx;
};

/* Who has file descriptors that change from poll to poll. */
struct poller {
    /* Puts at most `max` of them down, says how many; may shorten the wait. */
    nfds_t (*fill)(void *ctx, struct pollfd *polls, nfds_t max, int *wait_ms);
    void (*done)(void *ctx, const struct pollfd *polls, nfds_t count);
    void *ctx;
    struct poller *next;
};

struct memory {
    uint32_t base;
    uint32_t size;
    uint8_t *bytes;
    bool own;   /* RAM: the twin's */
    bool *code; /* of RAM: a page for each; instructions have been fetched from it. stores.c */
    struct memory *mirror_of;      /* the same bytes, at an address that guards know. NULL: none */
    const struct rom_guard *guard; /* NULL: none */
    bool watched;                  /* the guard sees each load without a look */
    uc_hook load_hook;             /* its look at each load, while it looks */
    struct memory *next;
};

/* A cut in operations of one name, and how many are to come with it. */
struct named_cut {
    const char *name;
    unsigned left;
};

struct twin {
    uc_engine *uc;
    enum twin_core core;
    struct checked *checked; /* blocks that baseline.c has seen; NULL: it looks at none */
    uc_hook access_hook;     /* its look at each access; 0: none */
    /* time */
    twin_ns now; /* twin_now brings it up to date while the core runs */
    uint64_t clocks;
    uint64_t settled;    /* the clocks that `now` has in it */
    uint64_t clock_rest; /* part of a nanosecond, in 1 / hz */
    uint32_t hz;
    uint32_t hz_at_power_on;
    uint64_t slice_end;     /* in clocks: where the present slice stops */
    uint64_t block_size;    /* clocks of the block that runs, not yet counted */
    uint64_t cut_at;        /* in clocks */
    unsigned cut_operation; /* the one that the cut lies in, 0 for none */
    unsigned operations;
    unsigned reset_operation[2]; /* by enum twin_moment; 0: none */
    struct named_cut before, within;
    bool cut_within; /* the operation that has started */
    const char *last_operation;
    uint32_t last_offset;
    bool cut; /* the power is gone */
    struct twin_timer *timers;
    twin_ns polled; /* when the host was looked at last */
    bool hurry;
    int64_t anchor; /* of virtual to host time in a busy stretch; see host.c */
    bool anchored;
    /* the core */
    struct device scs;
    struct device dwt, mpu;
    struct device scs_nonsecure, mpu_nonsecure, sau_hidden; /* of two worlds */
    uint32_t mpu_regions[2][8][2];                          /* by world; RBAR, RLAR */
    struct systick systick[2];
    struct exceptions exceptions;
    uint32_t vectors;
    enum twin_reset reset_wanted;
    bool reset_due;
    enum twin_reset last_reset;
    bool between; /* the slice was ended between two blocks */
    bool slept;   /* it ended by itself: WFI */
    bool masked;  /* something waits for PRIMASK to be cleared */
    /* worlds.c; NULL: there is one world, and the rest of this is not used */
    const struct twin_worlds *worlds;
    bool access_nonsecure; /* of the register that is accessed */
    bool nonsecure;        /* where the core is */
    bool secure_primask;   /* while it is non-secure */
    struct device sau;
    uint32_t sau_regions[8][2];     /* RBAR, RLAR */
    void *core_state, *core_object; /* Unicorn's, once the core has run */
    uint8_t *crossing;              /* the page that the core crosses to the secure world by */
    bool crosses, lenient;
    uint32_t returning; /* an exception's return, to be done when the slice has ended; 0: none */
    uint32_t faulting;  /* where a refused fetch was to go on; 0: none */
    uint32_t refused;   /* the address that the core was last refused */
    bool looking;       /* a guard is shown a load or store, in the middle of it */
    uint32_t changed, changed_end; /* what Unicorn is to forget behind it; 0, 0: nothing */
    /* guard.c */
    bool guarded, exact;
    bool loads_matter, looks;
    uint64_t mattered;        /* in clocks: when they ceased to */
    uc_hook code_hook;        /* while it is exact */
    uint32_t block_start;     /* of the block that runs, or was to run when the slice ended */
    struct memory *abandoned; /* where a load was not done */
    uint8_t *undo_at;         /* a store into guarded memory, which must not stay */
    uint32_t undo_size;
    uint8_t undo[8];
    uint32_t fetched; /* stores.c: the page of the last block */
    /* the rest */
    struct device *devices;
    struct device *last_device;
    struct memory *memories;
    struct watch watches[TWIN_WATCHES];
    struct poller *pollers;
    bool stopping;
    bool faulted;
    bool trace_all;
    const char *trace;
    char fault[320];
};

/* bus.c */
void bus_start(struct twin *twin);
/* Found before those that are there: it lies in one of them. */
void twin_add_device_first(struct twin *twin, struct device *device);
void bus_reset(struct twin *twin, enum twin_reset reset);
struct memory *bus_memory(struct twin *twin, uint32_t address, uint32_t size);
/* The address that a memory's guard knows. */
uint32_t bus_told(const struct memory *memory, uint32_t address);
/* Not within a load or store: has Unicorn forget what changed in one. */
void bus_settle(struct twin *twin);

/* exceptions.c: entering and leaving, by hand. */
void exceptions_reset(struct twin *twin);
void exception_pend(struct twin *twin, unsigned number);
void exception_unpend(struct twin *twin, unsigned number);
/* Takes the most urgent exception if the core is to leave what it does for it. */
void exceptions_take(struct twin *twin);
/* True when something is pending that ends a WFI. */
bool exceptions_wake(struct twin *twin);
void exception_return(struct twin *twin, uint32_t code);
/* The number of the exception that is handled, 0 for none. */
unsigned exception_active(const struct twin *twin);
/* Something waits for PRIMASK alone, and it is clear by now. */
bool exceptions_unmasked(const struct twin *twin);
/* What the core did cannot be done: the secure world's exception, or the next worse one. */
void exception_fault(struct twin *twin);
/* The same where the exception of its own is not enabled. */
void exception_hard_fault(struct twin *twin);

/* What Unicorn has translated is translated anew. */
void bus_forget_code(struct twin *twin);

/* stores.c: what makes a program's stores slow, left out. */
bool *stores_pages(uint32_t size); /* for a memory's `code`; NULL: no memory */
void stores_of(struct twin *twin); /* before the core runs: it is this one's */
void stores_end(const struct twin *twin);
void stores_fetch(struct twin *twin, uint32_t address, uint32_t size); /* a block, before it runs */

/* guard.c: accesses that a memory's model wants to see. */
void guard_fetch(struct twin *twin, uint32_t address, uint32_t size);
/* For Unicorn's refusals: true when a store is done, false when it is none of a guard's. */
bool guard_store(struct twin *twin, uint32_t address, unsigned size, uint32_t value);
/* Between two slices: begins or ceases to look at loads. */
void guard_settle(struct twin *twin);
/* Takes back what a store left in guarded memory. */
void guard_undo(struct twin *twin);
/* After a slice: true when it ended because a load was abandoned. */
bool guard_resume(struct twin *twin);

/* worlds.c */
enum attribution { NONSECURE, CALLABLE, SECURE };
enum attribution worlds_attribution(const struct twin *twin, uint32_t address);
/* Whether an access to this address is a non-secure one now. */
bool worlds_is_nonsecure(const struct twin *twin, uint32_t address);
/* For the registers of the core and its alias, and of peripherals: where its device is. */
uint32_t worlds_register(const struct twin *twin, uint32_t address);
/* Unicorn's core gave up a load, store or fetch: true when a world was the reason. */
bool worlds_refused(struct twin *twin, bool fetch);
/* In a callback, at the end of a slice: to a block that the core can fetch, which does not run. */
void worlds_park(struct twin *twin);
/* A function that was called by BLXNS returns, or one that was not tries to. Between two slices. */
void worlds_function_return(struct twin *twin, uint32_t code);
/* Between two slices: the core changes to that world; its program counter is anything then. */
void worlds_enter(struct twin *twin, bool nonsecure);
void worlds_reset(struct twin *twin);
/* PRIMASK of that world. */
bool worlds_primask(const struct twin *twin, bool nonsecure);
/* Unicorn is to forget what it knows of addresses. */
void worlds_forget(struct twin *twin);
/* After the engine is closed. */
void worlds_end(struct twin *twin);

/* stores.c: the twin whose core runs, NULL for none; one of Unicorn's functions. */
struct twin *stores_running(void);

/* mpu.c */
void mpu_start(struct twin *twin);
void mpu_add_nonsecure(struct twin *twin);

/* baseline.c: what a block of instructions may hold. */
void baseline_start(struct twin *twin);
/* False, with a fault, when it has an instruction that the core has not. */
bool baseline_check(struct twin *twin, uint32_t address, uint32_t size);
/* The memory has changed there. */
void baseline_forget(struct twin *twin, uint32_t address, uint32_t size);

/* scs.c: SysTick, NVIC and system control block as registers. */
void scs_start(struct twin *twin);
void scs_add_nonsecure(struct twin *twin);

/* host.c */
void host_poll(struct twin *twin);
void host_sleep(struct twin *twin, twin_ns until);
void host_keep_pace(struct twin *twin);
void host_add_poller(struct twin *twin, struct poller *poller);
void host_remove_poller(struct twin *twin, struct poller *poller);

/* twin.c */
void twin_end_slice(struct twin *twin);
void twin_advance(struct twin *twin, twin_ns duration);
twin_ns twin_next_event(const struct twin *twin);
uint32_t core_reg(const struct twin *twin, int reg);
void core_set_reg(struct twin *twin, int reg, uint32_t value);

#endif
