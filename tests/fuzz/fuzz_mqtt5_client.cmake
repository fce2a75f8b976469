otter_fuzz_target(mqtt5_client USES room_codec)
