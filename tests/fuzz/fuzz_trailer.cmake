otter_fuzz_target(trailer USES room_image)
