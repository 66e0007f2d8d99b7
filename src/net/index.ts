/** `polywire/net`: sockets, TLS, proxies and the line session, for whoever adds a protocol. */
export { channelBinding } from "./channel-binding.js";
export { dial } from "./dial.js";
export { explain, type Place } from "./explain.js";
export { LineSession, type LineSessionSetup, type SendOptions } from "./line-session.js";
export { openSink, openSource, type SinkWriter } from "./stream.js";
export type { NetCall } from "./tcp.js";
export { detach, secure, startTls, type TlsCall } from "./tls.js";
