otter_fuzz_target(http_answer USES room_net)
