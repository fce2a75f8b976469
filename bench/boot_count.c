/* Counts instructions of the bootloader on the emulated Cortex-M33. Run with QEMU's -icount
 * shift=0, where each instruction takes one nanosecond of the board's time, so the 20 MHz counter
 * of the FPGA I/O block advances once in 50 instructions. Linked in place of boot_main.c with one
 * update mode and one cryptography; the primary slot must hold a signed image. Prints "NAME VALUE"
 * lines and ends QEMU by semihosting. */
#include <stdio.h>

#include "boards/board.h"
#include "boot/boot.h"
#include "port/port.h"
#include "ports/mps2-an505/mps2.h"
#include "ports/cortex-m/system.h"
#include "ports/cortex-m/uart.h"

#define INSTRUCTIONS_PER_TICK (1000000000u / CORE_CLOCK_HZ)

static void print(const char *name, uint32_t value)
{
    char line[64];
    const int length = snprintf(line, sizeof line, "%s %lu\n", name, (unsigned long)value);
    uart_write(line, (size_t)length);
}

static void start_counter(void)
{
    FPGAIO_PRESCALE = 0;
    FPGAIO_COUNTER = 0;
}

/* Instructions since start_counter; 32 bits hold the 4 * 10^9 of a boot that is far too slow. */
static uint32_t counted(void)
{
    return FPGAIO_COUNTER * INSTRUCTIONS_PER_TICK;
}

/* A check as any program does it; then what the bootloader adds, which is the key and signature
 * once more and so tells what they take. */
static otter_status count_check(const struct image_policy *policy)
{
    static uint8_t buffer[1024];
    struct image_check check;
    start_counter();
    otter_status status = image_check_init(&check, &board.primary, board.image_size_max, policy);
    if (status != OTTER_OK)
        return status;
    do
        status = image_check_step(&check, buffer, sizeof buffer);
    while (status == OTTER_E_AGAIN);
    const uint32_t once = counted();
    if (status == OTTER_OK)
        status = image_check_again(&check, buffer);
    print("signature", counted() - once);
    print("verify", once);
    print("hashed", check.image.hashed_end);
    return status;
}

static otter_status count_boot(const struct image_policy *policy)
{
    const struct boot_slots slots = {.primary = &board.primary, .secondary = &board.secondary};
    const struct boot_config config = {
        .images = &slots,
        .image_count = 1,
        .scratch = &board.scratch,
        .max_sectors = board.max_sectors,
        .max_align = board.max_align,
        .policy = *policy,
    };
    struct boot_result result;
    system_paint_stack();
    start_counter();
    const otter_status status = boot_go(&config, &result);
    print("boot", counted());
    print("stack", (uint32_t)port_stack_used());
    return status;
}

static _Noreturn void leave(void)
{
    register uint32_t call __asm("r0") = 0x18;      /* SYS_EXIT */
    register uint32_t reason __asm("r1") = 0x20026; /* ADP_Stopped_ApplicationExit */
    __asm volatile("bkpt 0xab" ::"r"(call), "r"(reason) : "memory");
    for (;;) {
    }
}

int main(void)
{
    uart_start();
    const struct image_policy policy = {.keys = image_keys, .key_count = image_key_count};
    const otter_status checked = count_check(&policy);
    const otter_status booted = count_boot(&policy);
    print("check_status", (uint32_t)checked);
    print("boot_status", (uint32_t)booted);
    leave();
}
