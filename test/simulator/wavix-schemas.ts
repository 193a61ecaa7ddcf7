import { readFileSync } from "node:fs";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { parse } from "yaml";

// The descriptions Wavix publishes are the oracle: what the simulator sends must be allowed by them.
const load = (name: string) =>
  parse(readFileSync(new URL(`../fixtures/wavix/${name}`, import.meta.url), "utf8")) as Record<string, unknown>;

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addFormat("date-time", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
ajv.addFormat("uuid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
ajv.addFormat("uri", (text: string) => URL.canParse(text));
ajv.addFormat("int64", true);
ajv.addFormat("int32", true);
ajv.addSchema({ $id: "asyncapi", ...load("asyncapi-call-streaming.yaml") });
ajv.addSchema({ $id: "openapi", ...load("openapi-calls.yaml") });

function validator(ref: string): ValidateFunction {
  const found = ajv.getSchema(ref);
  if (found === undefined) throw new Error(`no schema ${ref}`);
  return found as ValidateFunction;
}

const streamSchemas = {
  connected: "ConnectedEvent",
  start: "StartEvent",
  media: "OutgoingMediaEvent",
  mark: "OutgoingMarkEvent",
  stop: "StopEvent",
} as const;

/** What the AsyncAPI description has against a message from Wavix; null when nothing. */
export function streamMessageErrors(message: { event: string }): string | null {
  const schema = streamSchemas[message.event as keyof typeof streamSchemas];
  if (schema === undefined) return `unknown event ${message.event}`;
  return errorsOf(validator(`asyncapi#/components/schemas/${schema}`), message);
}

/** What the OpenAPI description has against a value of one of its schemas; null when nothing. */
export function schemaErrors(schema: string, value: unknown): string | null {
  return errorsOf(validator(`openapi#/components/schemas/${schema}`), value);
}

function errorsOf(validate: ValidateFunction, value: unknown): string | null {
  return validate(value) ? null : ajv.errorsText(validate.errors);
}
