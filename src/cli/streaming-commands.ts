import { UsageError } from "./arguments.ts";

/**
 * Where Wavix finds `/ws` behind a host name; behind a whole URL as well, since that is what one has to copy.
 *
 * @throws UsageError when it is no host
 * @example
 * webSocketUrlOf("bot.example.com"); // wss://bot.example.com/ws
 */
export function webSocketUrlOf(proxy: string): string {
  const text = /^[a-z]+:\/\//i.test(proxy) ? proxy : `https://${proxy}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const { protocol = "", username = "", password = "", search = "", hash = "" } = url ?? {};
  if (!/^(https?|wss?):$/.test(protocol) || username + password + search + hash !== "") {
    throw new UsageError(`--proxy must be a host name such as bot.example.com, got ${proxy}`);
  }
  const { host, pathname } = url as URL;
  const path = pathname.replace(/\/+$/, "").replace(/\/ws$/, "");
  return `${/^(https|wss):$/.test(protocol) ? "wss" : "ws"}://${host}${path}/ws`;
}

/**
 * The two requests with which a call is answered and streamed by hand, as commands for a shell that knows `CALL_ID` and
 * `WAVIX_API_KEY` (Wavix OpenAPI: POST /v1/calls/{id}/answer and /v1/calls/{call_id}/streams).
 */
export function streamingCommands(apiBase: string, webSocketUrl: string): { answer: string; stream: string } {
  const post = (path: string, body: object) =>
    [
      `  curl -X POST "${apiBase.replace(/\/+$/, "")}/v1/calls/$CALL_ID/${path}"`,
      '    -H "Authorization: Bearer $WAVIX_API_KEY"',
      '    -H "Content-Type: application/json"',
      `    -d '${JSON.stringify(body)}'`,
    ].join(" \\\n");
  return {
    answer: post("answer", {}),
    stream: post("streams", { stream_url: webSocketUrl, stream_type: "twoway", stream_channel: "inbound" }),
  };
}
