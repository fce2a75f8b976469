list(APPEND otter_sources cloud_dir.c)
list(APPEND otter_uses room_cloud_gateway room_cloud_api)

# Without the HTTP APIs there is no cloud to start.
if(NOT TARGET room_cloud_api OR NOT TARGET room_cloud_gateway)
    list(REMOVE_ITEM otter_sources cloud.c cloud_dir.c)
    list(REMOVE_ITEM otter_uses room_cloud_gateway room_cloud_api)
    list(REMOVE_ITEM otter_definitions OTTER_HAS_CLOUD)
endif()
