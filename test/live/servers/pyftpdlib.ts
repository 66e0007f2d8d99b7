/** pyftpdlib: a server of one process, whose 125 comes in place of 150. Run by pyftpdlib.py with the system's Python. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Server, USER, USUAL } from "./server.js";

/** Debian's Python, which has the package; one of pyenv or conda, first in PATH, does not. */
export const PYTHON = "/usr/bin/python3";
const SCRIPT = fileURLToPath(new URL("pyftpdlib.py", import.meta.url));

export const pyftpdlib: Server = {
  abilities: {
    tls: true,
    implicit: true,
    reuse: false,
    mlsd: true,
    ccc: false,
    active: true,
    hash: false,
    setTime: "MFMT",
  },
  takes: USUAL,
  files: [PYTHON, "/usr/lib/python3/dist-packages/pyftpdlib/__init__.py", "/usr/lib/python3/dist-packages/OpenSSL"],
  async prepare({ host, port, home, work, options, certFile, keyFile, password, owner }) {
    const log = join(work, "pyftpdlib.log");
    const settings = { ...options, host, port, home, log, certFile, keyFile, user: USER, password, ...owner };
    return { command: PYTHON, args: ["-I", SCRIPT, JSON.stringify(settings)], logs: [log] };
  },
};
