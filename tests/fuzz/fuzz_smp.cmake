otter_fuzz_target(smp USES room_boot_recovery room_image)
