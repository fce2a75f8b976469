otter_fuzz_target(mqtt5 USES room_codec)
