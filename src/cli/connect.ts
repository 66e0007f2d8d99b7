/** One connection for one subcommand: connected, logged in, and closed whatever happens. */
import { clientFor, type FtpClient, parseUrl } from "../index.js";
import { address } from "./address.js";
import { type Context, clientOptions } from "./context.js";

/** Runs `body` with a client that is logged in, and the path of the URL ("" where it has none). */
export async function withClient<T>(
  context: Context,
  url: string,
  body: (ftp: FtpClient, path: string) => Promise<T>,
): Promise<T> {
  const target = address(url, context.globals);
  const ftp = await clientFor(target, clientOptions(context, target));
  const { signal } = context;
  try {
    await ftp.connect({ signal });
    await ftp.login(undefined, { signal });
    return await body(ftp, parseUrl(target).path);
  } finally {
    await ftp.quit();
  }
}
