# SPDX-License-Identifier: GPL-2.0-or-later
"""A command at a terminal, with job control as a shell does it: this process leads the session.

Everything waits for an event with a deadline, and fails with what was on the terminal.
"""
import atexit
import fcntl
import os
import select
import signal
import struct
import sys
import termios
import time

if os.fork():  # the session's leader must not lead a process group yet
    os._exit(min(os.waitstatus_to_exitcode(os.wait()[1]), 99) & 0xFF)
os.setsid()
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)


class Tty:
    def __init__(self, *argv, rows=24, cols=80):
        self.master, self.slave = os.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        self.resize(rows, cols)
        self.before = self.settings()
        self.output = self.seen = b""
        self.pid = os.fork()
        if self.pid == 0:
            os.setpgid(0, 0)
            os.tcsetpgrp(self.slave, os.getpid())
            for fd in range(3):
                os.dup2(self.slave, fd)
            for sig in (signal.SIGTTOU, signal.SIGHUP):
                signal.signal(sig, signal.SIG_DFL)
            os.closerange(3, 64)
            os.execvp(argv[0], argv)
        atexit.register(self.kill)

    def kill(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)

    def settings(self):
        return termios.tcgetattr(self.slave)

    def raw(self):
        return not self.settings()[3] & termios.ICANON

    def restored(self):
        return self.settings() == self.before

    def resize(self, rows, cols):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def fail(self, what):
        print(f"{what}; on the terminal: {self.output[-2000:]!r}", file=sys.stderr)
        sys.exit(1)

    def read(self, seconds=0.1):
        if select.select([self.master], [], [], seconds)[0]:
            self.output += os.read(self.master, 65536)

    def until(self, what, true, seconds=90):
        """Read on until true() is, and return that."""
        end = time.monotonic() + seconds
        while not (got := true()):
            if time.monotonic() > end:
                self.fail(what)
            self.read()
        return got

    def see(self, text):
        """Wait for text behind what was waited for before."""
        at = len(self.seen)
        self.until(f"no {text!r}", lambda: text in self.output[at:])
        self.seen = self.output[: self.output.index(text, at) + len(text)]

    def type(self, data):
        while data:
            if select.select([self.master], [self.master], [])[1]:
                data = data[os.write(self.master, data[:512]) :]
            self.read(0)

    def kill_by(self, sig):
        os.kill(self.pid, sig)

    def _wait(self):
        pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
        return (status,) if pid else None

    def stopped(self):
        """Wait until it is, then take the terminal as a shell does."""
        status = self.until("it does not stop", self._wait)[0]
        if not os.WIFSTOPPED(status):
            self.fail(f"it has ended with {status}")
        os.tcsetpgrp(self.slave, os.getpgrp())
        return os.WSTOPSIG(status)

    def foreground(self):
        os.tcsetpgrp(self.slave, self.pid)
        os.killpg(self.pid, signal.SIGCONT)

    def ended(self, read=True, seconds=90):
        """Its status: 128 + n when signal n has killed it."""
        end = time.monotonic() + seconds
        while True:
            if got := self._wait():
                break
            if time.monotonic() > end:
                self.fail("it does not end")
            if read:
                self.read()
            else:
                time.sleep(0.05)  # what is not to be read cannot be waited for
        self.pid = 0
        while read and select.select([self.master], [], [], 0)[0]:
            self.read()
        code = os.waitstatus_to_exitcode(got[0])
        return code if code >= 0 else 128 - code


def same(got, want):
    if got != want:
        print(f"{got!r} is not {want!r}", file=sys.stderr)
        sys.exit(1)
