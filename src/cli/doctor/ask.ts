/** What came back of a request, or why nothing did. */
export type Answer =
  | { readonly status: number; readonly json: unknown }
  | { readonly status: null /** A code of the system or of TLS, or `TIMEOUT`. */; readonly why: string };

const MAX_BYTES = 1 << 20;
export const ASK_MS = 10_000;

/** GETs something. Never rejects; a body that is no JSON, or is longer than 1 MiB, is undefined. */
export async function ask(url: string, headers: Record<string, string> = {}, timeoutMs = ASK_MS): Promise<Answer> {
  const aborter = new AbortController();
  const timer = setTimeout(() => aborter.abort(), timeoutMs);
  try {
    const response = await fetch(url, { headers, redirect: "manual", signal: aborter.signal });
    return { status: response.status, json: await readJson(response) };
  } catch (error) {
    return { status: null, why: aborter.signal.aborted ? "TIMEOUT" : codeOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function readJson(response: Response): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) return undefined;
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `fetch` says what happened in a cause, and of several addresses in that one's `errors`. */
function codeOf(error: unknown, depth = 0): string {
  if (typeof error !== "object" || error === null || depth > 4) return "NO_ANSWER";
  const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown[] };
  if (typeof code === "string" && /^[A-Z0-9_]{1,60}$/.test(code)) return code;
  return codeOf(cause ?? errors?.[0], depth + 1);
}
