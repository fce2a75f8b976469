otter_fuzz_target(json USES room_codec)
