otter_fuzz_target(mqtt USES room_net)
