/** `polywire/smtp`: the SMTP client alone. */
export type { MailDraft, MessageWriter, Submitted } from "../message/writer.js";
export { SmtpClient } from "./client.js";
export type {
  DkimOptions,
  Envelope,
  MailInput,
  MailParameters,
  RawMessage,
  RcptParameters,
  Recipient,
  SendMailOptions,
  SmtpOptions,
} from "./options.js";
export type { RateLimit } from "./rate.js";
export {
  type PartlySentError,
  type RecipientResult,
  SendError,
  type SendErrorDetails,
  type SendOutcome,
  type SendResult,
  type SendState,
} from "./result.js";
export type { Messages } from "./send-all.js";
export type { SendSubmitOptions } from "./submit.js";
export {
  type PolywireTransport,
  type PolywireTransportOptions,
  type PolywireTransportPool,
  polywireTransport,
} from "./transport.js";
export { TransportError } from "./transport-error.js";
export type { TransportInfo } from "./transport-mail.js";
