/* A board as a twin: its chip and what is soldered around it. One file of machines/ for each board;
 * the list is in machine.c. */
#ifndef OTTER_TWIN_MACHINE_H
#define OTTER_TWIN_MACHINE_H

#include "twin/modem/setup.h"
#include "twin/parts/fault.h"
#include "twin/serial.h"
#include "twin/twin.h"

struct machine {
    const char *board;
    struct twin *twin;
    void *chip;
    /* As a programmer writes the flash before the board is switched on. False where there is none.
     */
    bool (*program)(struct machine *machine, uint32_t address, const uint8_t *data, uint32_t size);
    /* Puts the console at the board's debug port. */
    void (*connect_console)(struct machine *machine, struct serial *console);
    /* Switches the board's modem on, or tells its Ethernet controller what it is to suffer; NULL
     * where it has neither. False without memory. */
    bool (*connect_modem)(struct machine *machine, const struct modem_setup *setup);
    const char *const *modem_faults; /* their names, of setup.h; NULL where nothing has any */
    struct modem_line *modem;        /* a modem at a UART; NULL before */
    /* Pulls the board's Ethernet cable or its access point away, or brings it back; NULL where it
     * has neither. There at first. */
    void (*connect_link)(struct machine *machine, bool there);
    /* From now on the chip's source of entropy gives the same all the time; NULL where there is
     * none to spoil. */
    void (*spoil_entropy)(struct machine *machine);
    /* From now on the NMI of flash that cannot be read comes some instructions behind the load, not
     * in its place; NULL where there is no such NMI. */
    void (*delay_nmi)(struct machine *machine);
    /* From now on no reset makes the banks change places; NULL where none does anyway. */
    void (*hold_banks)(struct machine *machine);
    /* From now on the memory beside the chip goes wrong, with its n-th operation where it works
     * until then; NULL where there is none. */
    void (*spoil_memory)(struct machine *machine, enum part_fault fault, unsigned n);
    void (*free)(struct machine *machine);
};

/* The flash lies in files in FOLDER, which must be there; NULL: nowhere, for tests. NULL with a
 * message on stderr when the board is not known or its files do not open. */
struct machine *machine_new(const char *board, const char *folder);
void machine_free(struct machine *machine);

/* The names of the boards, in order, NULL after the last. */
const char *machine_name(unsigned index);

/* Between the files of this folder: makes one board. */
typedef bool (*machine_maker)(struct machine *machine, const char *folder);
bool machine_b_u585i_iot02a(struct machine *machine, const char *folder);
bool machine_b_u585i_iot02a_trustzone(struct machine *machine, const char *folder);
bool machine_numaker_iot_m467(struct machine *machine, const char *folder);
bool machine_numaker_iot_m487(struct machine *machine, const char *folder);
bool machine_numaker_m2354(struct machine *machine, const char *folder);
bool machine_numaker_pfm_m487(struct machine *machine, const char *folder);
bool machine_stm32h573i_dk(struct machine *machine, const char *folder);

#endif
