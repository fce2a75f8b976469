otter_fuzz_target(sntp USES room_time)
