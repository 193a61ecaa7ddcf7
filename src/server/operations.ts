import { randomUUID } from "node:crypto";
import express, { type NextFunction, type Request, type Response, type Router } from "express";
import type { Admission } from "./admission.ts";
import type { CallHost } from "./call-host.ts";
import { isOneOf } from "./secrets.ts";

/** What the routes show. */
export interface OperationsOptions {
  readonly admission: Admission;
  readonly host: Pick<CallHost, "size" | "snapshots" | "trace">;
  /** Undefined: there is no `/calls`. */
  readonly operatorToken: string | undefined;
  /** Whether there is a folder for traces. */
  readonly traces: boolean;
  /** The figures in Prometheus' words; what makes them is loaded when it is first asked for. */
  metrics(): Promise<{ contentType: string; text: string }>;
}

/** The routes for those who run the server: `/health`, `/livez`, `/readyz`, `/metrics`, `/calls`, `/calls/:id` and its trace. */
export function operationsRouter({ admission, host, operatorToken, traces, metrics }: OperationsOptions): Router {
  const router = express.Router();
  // Tells this server from another one behind the same name: whether an address leads here can then be seen.
  const instance = randomUUID();
  router.get("/health", (_request, response) => {
    const { draining } = admission;
    response.status(draining ? 503 : 200).json({ status: draining ? "draining" : "ok", calls: host.size });
  });
  router.get("/livez", (_request, response) => {
    response.json({ live: true, instance });
  });
  router.get("/readyz", (_request, response) => {
    const reasons = admission.obstacles();
    if (reasons.length === 0) response.json({ ready: true });
    else response.status(503).json({ ready: false, reasons });
  });
  router.get("/metrics", async (_request, response) => {
    const { contentType, text } = await metrics();
    response.set("content-type", contentType).send(text);
  });
  if (operatorToken === undefined) return router;

  const guard = (request: Request, response: Response, next: NextFunction) => {
    const given = /^Bearer +(\S+)$/i.exec(request.get("authorization") ?? "")?.[1];
    if (given !== undefined && isOneOf([operatorToken], given)) return next();
    response.set("www-authenticate", "Bearer").status(401).json({ error: "unauthorized" });
  };
  router.get("/calls", guard, async (_request, response) => {
    response.json(await host.snapshots());
  });
  router.get("/calls/:id", guard, async (request, response) => {
    const { calls, workersMissing = 0 } = await host.snapshots();
    const call = calls.find(({ callId }) => callId === request.params.id);
    if (call !== undefined) response.json(call);
    else if (workersMissing === 0) response.status(404).json({ error: "no such call" });
    else response.status(503).json(unknownYet(workersMissing));
  });
  if (!traces) return router;
  router.post("/calls/:id/trace", guard, async (request, response) => {
    const { known, file, workersMissing = 0 } = await host.trace(String(request.params.id));
    if (!known && workersMissing > 0) response.status(503).json(unknownYet(workersMissing));
    else if (!known) response.status(404).json({ error: "no such call" });
    else if (file === undefined) response.status(503).json({ error: "no room for a trace" });
    else response.json({ file });
  });
  return router;
}

function unknownYet(workersMissing: number): object {
  return { error: "not known: a worker does not answer", workersMissing };
}
