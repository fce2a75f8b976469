otter_fuzz_target(csr USES room_pki)
