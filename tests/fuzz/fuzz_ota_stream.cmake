otter_fuzz_target(ota_stream USES room_ota)
