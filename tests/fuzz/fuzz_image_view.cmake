otter_fuzz_target(image_view USES room_tool_image dep_jansson)
target_sources(fuzz_image_view PRIVATE ${PROJECT_SOURCE_DIR}/tool/dump.c
               ${PROJECT_SOURCE_DIR}/tool/dump_data.c)
