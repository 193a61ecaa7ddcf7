import { timingSafeEqual } from "node:crypto";
import express, { type NextFunction, type Request, type Response, type Router } from "express";
import type { CallEvent } from "../wavix/control/index.ts";
import { parseCallEvent } from "../wavix/control/index.ts";

/** What Wavix is told: it takes any 200, the words are for people. */
export interface WebhookAnswer {
  readonly accepted: boolean;
  readonly reason?: string;
}

/** Wavix's events are under 1 KiB. */
const MAX_BODY_BYTES = 64 * 1024;

/**
 * `POST /wavix/inbound`, or `POST /wavix/inbound/<secret>` when there is one; the other path is then not there.
 * Wavix signs nothing, so the secret is all that tells its webhooks from others'.
 */
export function webhookRouter(secret: string | undefined, onEvent: (event: CallEvent) => WebhookAnswer): Router {
  const router = express.Router();
  const handle = (request: Request, response: Response) => {
    const parsed = parseCallEvent(request.body);
    if (parsed.ok) response.json(onEvent(parsed.event));
    else response.status(400).json({ accepted: false, reason: parsed.reason });
  };
  const body = express.json({ limit: MAX_BODY_BYTES, type: () => true });
  if (secret === undefined) {
    router.post("/wavix/inbound", body, handle);
  } else {
    const expected = Buffer.from(secret);
    const guard = (request: Request, response: Response, next: NextFunction) => {
      const given = Buffer.from(String(request.params.secret));
      if (given.length === expected.length && timingSafeEqual(given, expected)) next();
      else response.status(404).json({ error: "not found" });
    };
    router.post("/wavix/inbound/:secret", guard, body, handle);
  }
  return router;
}
