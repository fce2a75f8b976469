otter_fuzz_target(ota_job USES room_ota)
