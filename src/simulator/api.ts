import { setTimeout as delay } from "node:timers/promises";
import express, { type Express, type NextFunction, type Request, type Response } from "express";
import type { Account, ReadScope } from "./account.ts";
import { ApiErrors, type Reply } from "./api-errors.ts";
import type { Behaviour } from "./behaviour.ts";
import type { PlacedCall } from "./call.ts";
import type { WavixCall } from "./call-state.ts";
import type { ApiOperation, Fault, FaultPlan } from "./faults.ts";
import { type FieldErrors, type Parsed, RequestBodies } from "./request-bodies.ts";
import type { RequestLog } from "./request-log.ts";
import type { Outcome } from "./stream-set.ts";

/** What the REST side works on. */
export interface ApiContext {
  apiKey: string | undefined;
  account: Account;
  behaviour: Behaviour;
  faults: FaultPlan;
  log: RequestLog;
  findCall: (id: string) => PlacedCall | undefined;
  /** A call that is over, as long as it is remembered. */
  findEndedCall: (id: string) => WavixCall | undefined;
  activeCalls: () => readonly PlacedCall[];
}

type Handler = (request: Request, body: Record<string, unknown>) => Promise<Reply> | Reply;

const MAX_BODY_BYTES = 64 * 1024;
const done: Reply = { status: 200, body: { success: true } };

/** The REST side of Wavix: the call-control operations of its OpenAPI description that concern inbound calls. */
export function createApi(context: ApiContext): Express {
  const { account, behaviour, log } = context;
  const errors = new ApiErrors(behaviour.errorTexts);
  const bodies = new RequestBodies(behaviour.unknownBodyFields);

  const isParsed = <T>(parsed: Parsed<T>): parsed is { value: T } => "value" in parsed;
  const invalid = (parsed: { errors: FieldErrors }) => errors.invalid(parsed.errors);
  const reply = (operation: ApiOperation, id: string, outcome: Outcome): Reply => {
    if (outcome.ok) return done;
    return outcome.status === 404
      ? errors.notFound(operation, id)
      : errors.invalid(outcome.errors ?? { id: "invalid" });
  };
  // Every operation on a call: 404 without one, 400 for a body it does not take, else what the call makes of it.
  const onCall =
    <T>(
      operation: ApiOperation,
      parse: (body: Record<string, unknown>) => Parsed<T>,
      run: (call: PlacedCall, value: T) => Promise<Outcome> | Outcome,
    ): Handler =>
    async (request, body) => {
      const id = request.params.id as string;
      const call = context.findCall(id);
      if (call === undefined) return errors.notFound(operation, id);
      const parsed = parse(body);
      return isParsed(parsed) ? reply(operation, id, await run(call, parsed.value)) : invalid(parsed);
    };
  const reading =
    (scope: ReadScope, read: (request: Request) => Reply): Handler =>
    (request) =>
      account.refuse(scope) ?? read(request);
  const noBody = () => ({ value: null });

  const operations: [ApiOperation, "get" | "post" | "patch" | "delete", string, Handler][] = [
    [
      "answerCall",
      "post",
      "/v1/calls/:id/answer",
      onCall(
        "answerCall",
        (body) => bodies.answer(body),
        (call, spec) => call.answer(spec),
      ),
    ],
    [
      "startStream",
      "post",
      "/v1/calls/:id/streams",
      async (request, body) => {
        const id = request.params.id as string;
        const call = context.findCall(id);
        const parsed = bodies.stream(body);
        if (call === undefined && behaviour.unknownCallOnStreams === 404) return errors.notFound("startStream", id);
        if (call === undefined) return errors.invalid({ call_id: "not found" });
        if (!isParsed(parsed)) return invalid(parsed);
        const outcome = await call.startStream(parsed.value);
        if (!outcome.ok) return reply("startStream", id, outcome);
        return { status: 200, body: { success: true, stream_id: outcome.streamId } };
      },
    ],
    [
      "stopStream",
      "delete",
      "/v1/calls/:id/streams/:streamId",
      (request) => {
        const id = request.params.id as string;
        const call = context.findCall(id);
        if (call === undefined) {
          return behaviour.unknownStreamOnDelete === 200 ? done : errors.notFound("stopStream", id);
        }
        return reply("stopStream", id, call.stopStream(request.params.streamId as string));
      },
    ],
    ["hangUp", "delete", "/v1/calls/:id", onCall("hangUp", noBody, (call) => call.hangUpOverRest())],
    [
      "updateCall",
      "patch",
      "/v1/calls/:id",
      onCall(
        "updateCall",
        (body) => bodies.tag(body),
        (call, tag) => call.setTag(tag),
      ),
    ],
    // Before the calls, of which none has that id.
    ["listWebhooks", "get", "/v1/calls/webhooks", reading("webhooks:read", () => account.webhooks())],
    [
      "getCall",
      "get",
      "/v1/calls/:id",
      (request) => {
        const id = request.params.id as string;
        const call = context.findCall(id);
        const ended =
          call === undefined ? context.findEndedCall(id) : call.state === "ended" ? call.toWire() : undefined;
        const known = ended === undefined || behaviour.endedCalls === "known" ? (ended ?? call?.toWire()) : undefined;
        if (known === undefined) return errors.notFound("getCall", id);
        return { status: 200, body: { call: known, success: true } };
      },
    ],
    [
      "listCalls",
      "get",
      "/v1/calls",
      reading("calls:read", () => ({
        status: 200,
        body: { calls: context.activeCalls().map((call) => call.toWire()), success: true },
      })),
    ],
    ["getConfig", "get", "/v1/profile/config", reading("account:read", () => account.config())],
    ["listNumbers", "get", "/v1/numbers", reading("numbers:read", ({ query }) => account.numbers(query))],
    [
      "collect",
      "post",
      "/v1/calls/:id/collect",
      onCall(
        "collect",
        (body) => bodies.collect(body),
        (call, spec) => call.act((actions) => actions.collect(spec)),
      ),
    ],
    [
      "play",
      "post",
      "/v1/calls/:id/play",
      onCall(
        "play",
        (body) => bodies.play(body),
        (call) => call.act((actions) => actions.play()),
      ),
    ],
    [
      "stopAudio",
      "delete",
      "/v1/calls/:id/audio",
      onCall("stopAudio", noBody, (call) => call.act((actions) => actions.stopPlaying())),
    ],
  ];

  const app = express();
  app.disable("x-powered-by");
  // Read as text whatever its type, so that malformed JSON is answered in Wavix's words.
  app.use(express.text({ type: () => true, limit: MAX_BODY_BYTES }));
  for (const [operation, method, path, handler] of operations) {
    app[method](path, async (request, response) => {
      const json = parseJson(request.body);
      const entry = log.add(operation, request.method, request.path, json.value);
      const send = ({ status, body }: Reply, headers: Record<string, string> = {}) => {
        entry.status = status;
        response.status(status).set(headers).json(body);
      };
      const carryOut = async (): Promise<Reply> => {
        if (!isAuthorized(request, context.apiKey)) return errors.unauthorized();
        if (method === "get" || method === "delete") return handler(request, {});
        return isObject(json.value) ? handler(request, json.value) : errors.notJson();
      };
      const fault = context.faults.take(operation);
      if (fault === null) send(await carryOut());
      else await misbehave(fault, response, carryOut, send);
    });
  }
  app.use((request, response) => {
    const entry = log.add(null, request.method, request.path, parseJson(request.body).value);
    const { status, body } = errors.notFound(null, "");
    entry.status = status;
    response.status(status).json(body);
  });
  // What express itself refuses: a body that is too large or cut off, a path that cannot be decoded.
  app.use((error: { status?: number }, request: Request, response: Response, _next: NextFunction) => {
    const status = error.status ?? 500;
    log.add(null, request.method, request.path, undefined).status = status;
    response.status(status).json({ success: false, message: "Bad request" });
  });
  return app;
}

async function misbehave(
  fault: Fault,
  response: Response,
  carryOut: () => Promise<Reply>,
  send: (reply: Reply, headers?: Record<string, string>) => void,
): Promise<void> {
  if (fault.kind === "delay") {
    // A request whose client has left, or that the closing simulator cut, is not carried out any more.
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    const waited = await delay(fault.delayMs, true, { signal: gone.signal }).catch(() => false);
    if (waited) send(await carryOut());
    return;
  }
  if (fault.carriesOut) await carryOut();
  if (fault.kind === "reset") response.req.socket.resetAndDestroy();
  if (fault.kind === "status") {
    const body = fault.body ?? { success: false, message: "Injected fault" };
    send({ status: fault.status, body: body as Reply["body"] }, fault.headers);
  }
  // "no-answer": the request stays open until the client leaves or the simulator closes.
}

function isAuthorized(request: Request, apiKey: string | undefined): boolean {
  return apiKey === undefined || request.headers.authorization === `Bearer ${apiKey}`;
}

function parseJson(text: unknown): { value: unknown } {
  if (typeof text !== "string" || text === "") return { value: undefined };
  try {
    return { value: JSON.parse(text) };
  } catch {
    return { value: text };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
