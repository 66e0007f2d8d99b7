/** The URL of a folder on a live server. */
import type { LiveFtp } from "../servers/ftp.js";

export const url = (server: LiveFtp, path: string) =>
  `ftp://${server.user}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${path}?security=plain`;
