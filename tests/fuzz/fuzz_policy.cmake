otter_fuzz_target(policy USES room_cloud_core)
