otter_fuzz_target(sigv4 USES room_cloud_sigv4)
