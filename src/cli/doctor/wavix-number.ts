import { type Check, lastFour } from "./check.ts";
import { askWavix, fieldsOf, type WavixAccess } from "./wavix-account.ts";

/** Which webhook is to be looked for, and at which numbers. */
export interface NumberQuestion {
  /** Ours. */
  readonly webhookUrl: string;
  /** The same, as it may be shown. */
  readonly shownWebhook: string;
  /** Digits of the one that matters; undefined for any of the account's. */
  readonly number: string | undefined;
  readonly onCallWebhooks: readonly string[];
}

interface WavixNumber {
  readonly number: string;
  readonly callStatusUrl: string | undefined;
  readonly active: boolean;
}

const PER_PAGE = 100;
const MAX_PAGES = 20;

/** Whether a number's `call_status_url` is our webhook (Wavix OpenAPI: GET /v1/numbers). */
export async function checkNumber(access: WavixAccess, question: NumberQuestion): Promise<Check> {
  const name = "Wavix number";
  const numbers = await listNumbers(access, question.number);
  if (typeof numbers === "string") return { name, state: "unknown", text: numbers };
  if (numbers.length === 0) {
    const text =
      question.number === undefined ? "the account has no number: get one" : "the account has no such number";
    return { name, state: "mend", text };
  }
  const ours = numbers.filter(
    ({ callStatusUrl }) => callStatusUrl !== undefined && isSame(callStatusUrl, question.webhookUrl),
  );
  const active = ours.find((one) => one.active);
  if (active !== undefined) {
    const others = ours.length > 1 ? ` and ${ours.length - 1} more` : "";
    return { name, state: "ok", text: `${lastFour(active.number)}${others}: its calls come here` };
  }
  if (ours[0] !== undefined) {
    return { name, state: "mend", text: `${lastFour(ours[0].number)} has the webhook, but is not active` };
  }
  if (question.onCallWebhooks.some((url) => isSame(url, question.webhookUrl))) {
    const text = "none has the webhook; the account's on-call webhook has it, which may do as well";
    return { name, state: "unknown", text };
  }
  const [only] = numbers as [WavixNumber];
  const whose = numbers.length === 1 ? lastFour(only.number) : `none of ${numbers.length} numbers`;
  const has =
    numbers.length === 1 ? (only.callStatusUrl === undefined ? "has no webhook" : "has another webhook") : "has it";
  const where = "Numbers & trunks > My numbers > Edit number > inbound call webhook";
  return { name, state: "mend", text: `${whose} ${has}: paste ${question.shownWebhook} at ${where}` };
}

/** All of the account's, or those that end in these digits; or why they cannot be told. */
async function listNumbers(access: WavixAccess, number: string | undefined): Promise<WavixNumber[] | string> {
  const digits = number?.replace(/\D/g, "");
  const search = digits === undefined ? "" : `&search=${digits}`;
  const found: WavixNumber[] = [];
  for (let page = 1; page <= MAX_PAGES; page++) {
    const answer = await askWavix(access, `/v1/numbers?per_page=${PER_PAGE}&page=${page}${search}`);
    if (answer.status === 401 || answer.status === 403) return "the key lacks numbers:read";
    if (answer.status !== 200) return `the numbers are not told (${answer.status ?? answer.why})`;
    const { items, pagination } = fieldsOf(answer.json);
    if (!Array.isArray(items)) return "the answer is not as Wavix documents it";
    for (const item of items as unknown[]) {
      const { number: text, call_status_url: url, status } = fieldsOf(item);
      if (typeof text !== "string" || (digits !== undefined && !text.replace(/\D/g, "").endsWith(digits))) continue;
      const callStatusUrl = typeof url === "string" && url !== "" ? url : undefined;
      // `inactive` is the one value that says it cannot receive calls; examples have others.
      found.push({ number: text, callStatusUrl, active: status !== "inactive" });
    }
    const { total_pages: pages } = fieldsOf(pagination);
    if (!(typeof pages === "number" && pages > page)) break;
  }
  return found;
}

function isSame(one: string, other: string): boolean {
  if (!URL.canParse(one) || !URL.canParse(other)) return false;
  const whole = (text: string) => new URL(text).href.replace(/\/+$/, "");
  return whole(one) === whole(other);
}
