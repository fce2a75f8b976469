@ Where the gates of the secure program are that was released (secure/gate.h). Firmware in the field calls
@ them there: none of these lines is ever changed. A gate that is new comes behind them by itself, and gets
@ its line with its first release (`arm-none-eabi-nm` of secure-gates.o in the build says where it is).
        .macro  gate name, address
        .global gate_\name
        .type   gate_\name, %function
        .size   gate_\name, 8
        .set    gate_\name, \address + 1 @ Thumb
        .endm

        gate    make_key, 0x00021100
        gate    export_public_key, 0x00021108
        gate    destroy_key, 0x00021110
        gate    sign_hash, 0x00021118
        gate    generate_random, 0x00021120
        gate    seal, 0x00021128
        gate    its, 0x00021130
        gate    fwu_query, 0x00021138
        gate    fwu, 0x00021140
        gate    fwu_write, 0x00021148
        gate    fwu_read, 0x00021150
        gate    reboot, 0x00021158
        gate    feed, 0x00021160
