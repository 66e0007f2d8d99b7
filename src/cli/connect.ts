/** One connection for one subcommand: connected, logged in, and closed whatever happens. */
import { type Clients, type ClientsOptions, clientFor, open, parseUrl } from "../index.js";
import { address } from "./address.js";
import { type Context, clientOptions } from "./context.js";

/** Runs `body` with a client of a protocol that is logged in, and the path of the URL ("" where it has none). `more`: options of the protocol. */
export async function withClient<P extends keyof Clients, T>(
  context: Context,
  url: string,
  protocol: P,
  body: (client: Clients[P], path: string) => Promise<T>,
  more: Partial<ClientsOptions[P]> = {},
): Promise<T> {
  const target = address(url, context.globals);
  const client = await clientFor(target, { ...clientOptions(context, target), ...more }, protocol);
  const { signal } = context;
  try {
    await client.connect({ signal });
    await client.login(undefined, { signal });
    return await body(client, parseUrl(target).path);
  } finally {
    await client.quit();
  }
}

/** Runs `body` with a client of whatever protocol the URL names, in its folder, newsgroup or mailbox. */
export async function withOpen<T>(
  context: Context,
  url: string,
  body: (client: Clients[keyof Clients]) => Promise<T>,
): Promise<T> {
  const target = address(url, context.globals);
  const client = await open(target, clientOptions(context, target));
  try {
    return await body(client);
  } finally {
    await client.quit();
  }
}

/** Connects and logs in once, and leaves: what is wrong with a server or a password is told before a job begins. */
export async function greet(client: Clients[keyof Clients], signal: AbortSignal): Promise<void> {
  try {
    await client.connect({ signal });
    await client.login(undefined, { signal });
  } finally {
    await client.quit();
  }
}
