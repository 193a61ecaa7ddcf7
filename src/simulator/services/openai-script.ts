/** A call of a function, as the stand-in's model makes it. */
export interface OpenAIScriptedToolCall {
  readonly name: string;
  /** Sent as JSON, or as it is when it is a string, malformed or not; default `{}`. */
  readonly arguments?: unknown;
  /** The arguments as the deltas are to carry them, in place of `arguments`. */
  readonly argumentPieces?: readonly string[];
  /** Default `call_<request>_<index>`. */
  readonly id?: string;
}

/**
 * What the stand-in answers to one request. A token is one delta: a piece of text, or a piece of a tool call's arguments.
 * What is to go wrong goes wrong instead of the token of that number, counted from 0.
 */
export interface OpenAIReply {
  /** What the model says; a list gives the deltas as they are to be cut. */
  readonly text?: string | readonly string[];
  /** What the model calls, behind its text. */
  readonly toolCalls?: readonly OpenAIScriptedToolCall[];
  /** How long nothing comes, in ms; default that of the stand-in. */
  readonly firstTokenMs?: number;
  /** Between two tokens, in ms; default that of the stand-in. */
  readonly tokenMs?: number;
  /** Refuses with this HTTP status, 400 or above, and OpenAI's body for it. */
  readonly status?: number;
  /** `code` of the refusal's body, in place of the usual one: `insufficient_quota`. */
  readonly errorCode?: string;
  /** A `Retry-After` header of the refusal, in seconds; parts of a second are allowed. */
  readonly retryAfter?: number;
  /** Never answers at all. */
  readonly stall?: boolean;
  /** Says no more, and leaves the stream open. */
  readonly stallAfterTokens?: number;
  /** Cuts the connection. */
  readonly closeAfterTokens?: number;
  /** Ends the stream properly, but without a finish reason and without `[DONE]`. */
  readonly endAfterTokens?: number;
  /** Sends an event that is no JSON, and ends the stream. */
  readonly malformedAfterTokens?: number;
  /** Sends an error event, as OpenAI does when it fails while it answers. */
  readonly errorAfterTokens?: number;
  /** Sends an event of a kind that nobody knows, and goes on. */
  readonly unknownAfterTokens?: number;
}

/** How a request ended: answered in full, given up by the client, or cut or left unfinished because the script said so. */
export type OpenAIRequestEnd = "answered" | "aborted" | "cut";

/** A request for a chat completion that the stand-in got. */
export interface OpenAIStandInRequest {
  /** Counted from 0. */
  readonly index: number;
  /** The connection it came on, counted from 0. */
  readonly connection: number;
  /** The whole body. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly model: string;
  readonly messages: readonly Readonly<Record<string, unknown>>[];
  /** Empty when none were sent. */
  readonly tools: readonly Readonly<Record<string, unknown>>[];
  /** Tokens sent so far. */
  readonly tokensSent: number;
  readonly aborted: boolean;
  /** Settles when it is over. */
  readonly ended: Promise<OpenAIRequestEnd>;
}

/** Replies in order, the last one from then on; or a function that is asked for each. A string is its text. */
export type OpenAIReplies =
  | readonly (OpenAIReply | string)[]
  | ((request: OpenAIStandInRequest) => OpenAIReply | string | Promise<OpenAIReply | string>);

export interface OpenAIStandInOptions {
  /** Default 0: a free one. */
  readonly port?: number;
  /** The only key it accepts; without it any. */
  readonly apiKey?: string;
  /** The models it has; any other is refused as OpenAI refuses it. */
  readonly models?: readonly string[];
  /** Default: "Hello.". */
  readonly replies?: OpenAIReplies;
  /** Default 0. */
  readonly firstTokenMs?: number;
  /** Default 0. */
  readonly tokenMs?: number;
}

/** A loopback OpenAI. */
export interface OpenAIStandIn {
  /** The base URL that a client is given: `http://127.0.0.1:<port>/v1`. */
  readonly url: string;
  /** The last 1,000 requests for chat completions, in the order they came. */
  readonly requests: readonly OpenAIStandInRequest[];
  /** How many requests for models came: what keeps a connection warm. */
  readonly modelRequestCount: number;
  /** How many connections were opened so far. */
  readonly connectionCount: number;
  /** What a client did wrong, one line each; the first 1,000. */
  readonly problems: readonly string[];
  /** The request of this number, counted from 0, as soon as it is there. */
  request(index: number): Promise<OpenAIStandInRequest>;
  /** Cuts the idle connections, as OpenAI does after a while. */
  closeIdleConnections(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
