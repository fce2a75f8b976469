otter_fuzz_target(cbor USES room_codec)
