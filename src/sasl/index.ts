/** `polywire/sasl`: logging in by SASL (RFC 4422), without a connection: for whoever adds a protocol. */
export type { ChannelBinding } from "../client/session.js";
export {
  authenticate,
  type SaslContext,
  type SaslStep,
  type SaslWire,
} from "./authenticate.js";
export { chooseMechanisms, type MechanismChoice } from "./choose.js";
export {
  MECHANISM_NAMES,
  type Mechanism,
  type MechanismName,
  type MechanismRefusal,
  type MechanismSetup,
} from "./mechanism.js";
export { saslprep } from "./saslprep.js";
