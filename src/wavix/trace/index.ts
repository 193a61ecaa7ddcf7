export { TraceError, type TraceErrorCode } from "./errors.ts";
export {
  type Cut,
  MAX_TRACE_BYTES,
  type SocketStep,
  TRACE_FORMAT,
  TRACE_VERSION,
  type TraceHeader,
  type TraceStep,
} from "./format.ts";
export { parseTrace, type Trace } from "./parse.ts";
export { restore } from "./payload.ts";
export { redact } from "./redact.ts";
