otter_fuzz_target(hex USES room_tool_image)
