"""A pyftpdlib server with the settings given as JSON in the first argument. Started by pyftpdlib.ts."""
import json
import logging
import os
import sys

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler, TLS_FTPHandler
from pyftpdlib.servers import FTPServer

settings = json.loads(sys.argv[1])
tls = settings["tls"]
logging.basicConfig(filename=settings["log"], level=logging.DEBUG)


class Handler(FTPHandler if tls == "none" else TLS_FTPHandler):
    def handle(self):
        if tls == "implicit":
            self.secure_connection(self.ssl_context)
        super().handle()

    # For debug messages, made at any log level. 1.5.7's own throws where an upload's file is closed: with a client that
    # vanishes then, the session is never closed, and is tried again and again, at 10 MB of log a second.
    def get_repr_info(self, as_str=False, extra_info=None):
        addr = f"{self.remote_ip}:{self.remote_port}"
        return f"addr={addr}" if as_str else {"addr": addr}


authorizer = DummyAuthorizer()
authorizer.add_user(settings["user"], settings["password"], settings["home"], perm="elradfmwMT")
Handler.authorizer = authorizer
Handler.auth_failed_timeout = 0
Handler.use_sendfile = tls == "none"
Handler.permit_foreign_addresses = settings.get("allowFxp", False)
Handler.timeout = settings.get("idleTimeout", 300)
if tls != "none":
    Handler.certfile, Handler.keyfile = settings["certFile"], settings["keyFile"]
    Handler.tls_control_required = Handler.tls_data_required = settings.get("requireTls", False)
    Handler.ssl_context = Handler.get_ssl_context()
if "passivePorts" in settings:
    first, last = settings["passivePorts"]
    Handler.passive_ports = range(first, last + 1)
if "deny" in settings:
    Handler.proto_cmds = {k: v for k, v in Handler.proto_cmds.items() if k not in settings["deny"]}
if "rate" in settings:
    throttled = type("Throttled", (ThrottledDTPHandler, Handler.dtp_handler), {})
    throttled.read_limit = throttled.write_limit = settings["rate"]
    Handler.dtp_handler = throttled


class Server(FTPServer):
    def _map_len(self):  # what max_cons is compared with: sessions, not listeners and data connections
        return sum(isinstance(each, FTPHandler) for each in self.ioloop.socket_map.values())


server = Server((settings["host"], settings["port"]), Handler)
server.max_cons = settings.get("maxClients", 200)
server.max_cons_per_ip = settings.get("maxPerHost", 0)
os.setgroups([])
os.setgid(settings["gid"])
os.setuid(settings["uid"])
# With its own time limit, 1.5.7 sleeps for ever when a timer is due at once.
server.serve_forever(timeout=0.05, handle_exit=False)
