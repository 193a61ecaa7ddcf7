import { type Answer, ask } from "./ask.ts";
import { type Check, lastFour } from "./check.ts";

/** Where Wavix is, and as whom it is asked. */
export interface WavixAccess {
  readonly apiBase: string;
  readonly apiKey: string;
}

/** What the account's own requests have told. */
export interface AccountFacts {
  readonly checks: readonly Check[];
  /** Whether asking for more makes sense. */
  readonly accepted: boolean;
  /** URLs of the account's `on-call` webhooks. */
  readonly onCallWebhooks: readonly string[];
}

/** Requests that only read, by the scope that each needs (Wavix OpenAPI, `security`). */
const READS = [
  { scope: "calls:read", path: "/v1/calls" },
  { scope: "account:read", path: "/v1/profile/config" },
  { scope: "numbers:read", path: "/v1/numbers?per_page=1" },
  { scope: "webhooks:read", path: "/v1/calls/webhooks" },
] as const;

/** GETs something of Wavix's. */
export function askWavix({ apiBase, apiKey }: WavixAccess, path: string): Promise<Answer> {
  return ask(apiBase + path, { authorization: `Bearer ${apiKey}`, accept: "application/json" });
}

/** Whether the key is accepted, what it may read, and how the account stands. */
export async function checkAccount(access: WavixAccess): Promise<AccountFacts> {
  const answers = await Promise.all(READS.map(({ path }) => askWavix(access, path)));
  const [calls, config, , webhooks] = answers as [Answer, Answer, Answer, Answer];
  const accepted = answers.some(acceptsKey);
  const checks = [checkKey(answers, access)];
  if (accepted) checks.push(checkScopes(answers, calls), checkBalance(config));
  const list = webhooks.status === 200 && Array.isArray(webhooks.json) ? (webhooks.json as unknown[]) : [];
  const onCallWebhooks = list.flatMap((webhook) => {
    const { event_type: type, url } = fieldsOf(webhook);
    return type === "on-call" && typeof url === "string" ? [url] : [];
  });
  return { checks, accepted, onCallWebhooks };
}

/** A web page answers with 200 as well, to whatever is asked. */
function acceptsKey(answer: Answer): boolean {
  return answer.status === 403 || (answer.status === 200 && typeof answer.json === "object" && answer.json !== null);
}

function checkKey(answers: readonly Answer[], { apiKey }: WavixAccess): Check {
  const name = "Wavix key";
  const key = lastFour(apiKey);
  if (answers.some(acceptsKey)) return { name, state: "ok", text: `accepted (${key})` };
  if (answers.some(({ status }) => status === 401)) {
    const text = `WAVIX_API_KEY is not accepted (${key}): wrong, switched off, or limited to other IP addresses`;
    return { name, state: "mend", text };
  }
  const [first] = answers as [Answer];
  if (first.status === 200) return { name, state: "mend", text: "Wavix is not what answers: mend WAVIX_API_BASE" };
  if (first.status === null) return { name, state: "mend", text: `Wavix cannot be reached (${first.why})` };
  return { name, state: "unknown", text: `Wavix answers with ${first.status}` };
}

/** No request that only reads shows whether calls may be answered. */
function checkScopes(answers: readonly Answer[], calls: Answer): Check {
  const name = "Wavix scopes";
  // The only text that is documented for it.
  if (calls.status === 403 && /provision/i.test(String(fieldsOf(calls.json).message))) {
    return { name, state: "mend", text: "calls are not provisioned for the account: call streaming needs Flex Pro" };
  }
  const read = READS.filter((_, i) => answers[i]?.status === 200).map(({ scope }) => scope);
  const missing = READS.filter((_, i) => answers[i]?.status === 401 || answers[i]?.status === 403).map(
    ({ scope }) => scope,
  );
  const first = "calls:write shows with the first call";
  if (missing.length === 0) return { name, state: "ok", text: `${read.join(", ")}; ${first}` };
  return { name, state: "unknown", text: `without ${missing.join(", ")} less can be told; ${first}` };
}

/** GET /v1/profile/config: `{ balance: "309.06", global_limits: { max_call_duration, max_sip_channels, … } }`. */
function checkBalance(config: Answer): Check {
  const name = "Wavix account";
  const { balance, global_limits: limits } = config.status === 200 ? fieldsOf(config.json) : {};
  const amount = typeof balance === "string" || typeof balance === "number" ? Number(balance) : Number.NaN;
  if (Number.isNaN(amount)) return { name, state: "unknown", text: "the balance is not told" };
  if (amount <= 0) return { name, state: "mend", text: "there is no money on it" };
  const { max_sip_channels: channels } = fieldsOf(limits);
  const outbound = typeof channels === "number" ? `, ${channels} outbound calls at once` : "";
  return { name, state: "ok", text: `balance ${amount.toFixed(2)}${outbound}` };
}

/** The fields of what may be an object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
