otter_fuzz_target(query USES room_cloud_search)
