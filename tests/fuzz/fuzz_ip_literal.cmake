otter_fuzz_target(ip_literal USES room_net)
