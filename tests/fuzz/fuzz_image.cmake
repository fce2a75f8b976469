otter_fuzz_target(image USES room_image)
