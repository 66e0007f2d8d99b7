"""A small inetd: inetd.py HOST PORT LOG COMMAND... runs COMMAND for each connection, with the socket as 0, 1 and 2."""
import os
import signal
import socket
import sys

host, port, log, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
listener = socket.create_server((host, port), family=family, backlog=128)
signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
while True:
    connection, peer = listener.accept()
    # Without it, each 226 comes 44 ms late: Nagle's algorithm against delayed acknowledgements.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ftpd waits for children of its own
        with open(log, "a") as file:
            print(os.getpid(), peer, file=file)
        for fd in (0, 1, 2):
            os.dup2(connection.fileno(), fd)
        os.execv(command[0], command)
    connection.close()
