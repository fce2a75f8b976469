/* The secure program: started by the bootloader, which has verified it and the firmware. Its
 * services come up, then the firmware is started in the other world; what is left of it here are
 * gates and faults. */
#include "boards/map.h"
#include "image/image.h"
#include "image/lent.h"
#include "port/log.h"
#include "ports/cortex-m/clock.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/trustzone/worlds.h"
#include "ports/cortex-m/uart.h"
#include "secure/secure.h"

static const struct flash_area firmware = BOARD_AREA(BOARD_PRIMARY);

void port_log_write(const char *line, size_t length)
{
    uart_write(line, length);
    uart_write("\r\n", 2);
}

/* An update goes on trial with what came with it: before the firmware can rely on it, this program
 * has to show that it works. */
static bool is_fit(void)
{
    psa_fwu_component_info_t info;
    if (psa_fwu_query(FWU_COMPONENT_SECURE, &info) != PSA_SUCCESS || info.state != PSA_FWU_TRIAL)
        return true;
#ifdef SECURE_IS_UNFIT
    return false; /* as on a chip that computes wrongly */
#else
    return secure_self_test();
#endif
}

int main(void)
{
    struct image_header header;
    clock_start();
    uart_start();
    if (!image_lends(image_lent_vector)) { /* as an update: the one before it comes back */
        LOG_ERR("SECURE", "the bootloader lends too little: it is older than this program needs");
        system_reset(RESET_SOFTWARE);
    }
    worlds_start();
    if (!is_fit()) {
        LOG_ERR("SECURE", "self-test failed; going back to the secure program before this one");
        (void)psa_fwu_reject(SECURE_UNFIT);
        system_reset(RESET_SOFTWARE);
    }
    const struct handover *told = port_handover();
    static const struct handover nobody;
    if (image_header_read(&firmware, &header) != OTTER_OK) {
        LOG_ERR("SECURE", "there is no firmware to start");
        system_reset(RESET_SOFTWARE);
    }
    worlds_enter(told != NULL ? told : &nobody,
                 AREA_ADDRESS(BOARD_PRIMARY) + OTTER_NONSECURE_ALIAS + header.header_size);
}
