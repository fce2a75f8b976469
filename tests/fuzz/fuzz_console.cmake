otter_fuzz_target(console USES room_console)
