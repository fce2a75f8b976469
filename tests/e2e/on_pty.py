#!/usr/bin/env python3
"""Runs a program with its standard input and output at a pseudo-terminal, as a board's serial port is.

    on_pty.py LINK LOG PROGRAM [ARGUMENT...]

LINK becomes a link to the terminal that others open; what the program says is appended to LOG too.
What nobody reads is lost, as at a serial port. Ends with the program, and ends it on SIGTERM.
"""
import os
import select
import signal
import subprocess
import sys
import tty


def main():
    link, log, command = sys.argv[1], sys.argv[2], sys.argv[3:]
    near, far = os.openpty()
    tty.setraw(far)
    os.set_blocking(near, False)
    if os.path.lexists(link):
        os.remove(link)
    with open(log, "ab", buffering=0) as said, subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    ) as program:
        signal.signal(signal.SIGTERM, lambda *_: program.terminate())
        os.symlink(os.ttyname(far), link)
        while True:
            ready, _, _ = select.select([near, program.stdout], [], [])
            if program.stdout in ready:
                data = os.read(program.stdout.fileno(), 4096)
                if not data:
                    break
                said.write(data)
                try:
                    os.write(near, data)
                except BlockingIOError:
                    pass
            if near in ready:
                program.stdin.write(os.read(near, 4096))
    os.remove(link)


main()
