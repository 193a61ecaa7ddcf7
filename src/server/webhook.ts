import type { IncomingMessage } from "node:http";
import express, { type NextFunction, type Request, type Response, type Router } from "express";
import type { CallEvent } from "../wavix/control/index.ts";
import { parseCallEvent } from "../wavix/control/index.ts";
import { isOneOf } from "./secrets.ts";

/** What Wavix is told: it takes any 200, the words are for people. */
export interface WebhookAnswer {
  readonly accepted: boolean;
  readonly reason?: string;
}

/** Why a webhook was not listened to. */
export type WebhookRefusal = "rate" | "address" | "secret" | "malformed";

/** What the route needs of the server. */
export interface WebhookOptions {
  /** All that are good; none: everybody may post. */
  readonly secrets: readonly string[];
  /** What is wrong with where a request comes from. */
  gate(request: IncomingMessage): "rate" | "address" | undefined;
  onEvent(event: CallEvent): WebhookAnswer;
  onRefused(reason: WebhookRefusal): void;
}

/**
 * What is to be pasted at Wavix.
 *
 * @example
 * webhookUrlOf("https://bot.example.com", "a-secret"); // https://bot.example.com/wavix/inbound/a-secret
 */
export function webhookUrlOf(publicUrl: string, secret: string | undefined): string {
  return `${publicUrl}/wavix/inbound${secret === undefined ? "" : `/${secret}`}`;
}

/** Wavix's events are under 1 KiB. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * `POST /wavix/inbound`; where there is a secret `POST /wavix/inbound/<secret>`, or the first with the secret in the
 * header `x-webhook-secret`, which a proxy may add. Whoever has no secret is told that there is nothing here.
 * Wavix signs nothing, so the secret is all that tells its webhooks from others'.
 */
export function webhookRouter({ secrets, gate, onEvent, onRefused }: WebhookOptions): Router {
  const guard = (request: Request, response: Response, next: NextFunction) => {
    const wrong = gate(request);
    if (wrong !== undefined) {
      onRefused(wrong);
      if (wrong === "rate") response.set("retry-after", "1");
      // What is still to come of the body is not waited for.
      response.set("connection", "close").status(wrong === "rate" ? 429 : 403);
      response.json({ error: wrong === "rate" ? "too many requests" : "forbidden" });
      return;
    }
    const { secret } = request.params;
    const given = secret === undefined ? request.get("x-webhook-secret") : String(secret);
    const good = secrets.length === 0 || (given !== undefined && isOneOf(secrets, given));
    if (good) return next();
    onRefused("secret");
    response.status(404).json({ error: "not found" });
  };
  const handle = (request: Request, response: Response) => {
    const parsed = parseCallEvent(request.body);
    if (parsed.ok) {
      response.json(onEvent(parsed.event));
      return;
    }
    onRefused("malformed");
    response.status(400).json({ accepted: false, reason: parsed.reason });
  };
  const body = express.json({ limit: MAX_BODY_BYTES, type: () => true });
  const router = express.Router();
  const paths = secrets.length === 0 ? "/wavix/inbound" : ["/wavix/inbound", "/wavix/inbound/:secret"];
  router.post(paths, guard, body, handle);
  return router;
}
