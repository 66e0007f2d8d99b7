"""A small inetd: inetd.py HOST PORT LOG COMMAND... runs COMMAND for each connection, with the socket as 0, 1 and 2.

With INETD_LIMIT=N, those beyond N at one time get COMMAND -r "Too many connections", with which nnrpd refuses them.
"""
import os
import signal
import socket
import sys

host, port, log, command = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:]
family = socket.AF_INET6 if ":" in host else socket.AF_INET
listener = socket.create_server((host, port), family=family, backlog=128)
limit = int(os.environ.get("INETD_LIMIT", "0"))
if not limit:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies
children = set()
while True:
    connection, peer = listener.accept()
    # They are counted only where there is a limit: then each stays a zombie until the next connection.
    children = {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0] == 0}
    refusal = ["-r", "Too many connections"] if limit and len(children) >= limit else []
    # Without it, each 226 comes 44 ms late: Nagle's algorithm against delayed acknowledgements.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ftpd waits for children of its own
        with open(log, "a") as file:
            print(os.getpid(), peer, file=file)
        for fd in (0, 1, 2):
            os.dup2(connection.fileno(), fd)
        os.execv(command[0], command + refusal)
    if limit:
        children.add(pid)
    connection.close()
