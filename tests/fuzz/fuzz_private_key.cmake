otter_fuzz_target(private_key USES room_pki)
