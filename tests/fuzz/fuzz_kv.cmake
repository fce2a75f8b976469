otter_fuzz_target(kv USES room_store)
