import { createHash, timingSafeEqual } from "node:crypto";
import express, {
  type ErrorRequestHandler,
  type NextFunction,
  type Request,
  type Response,
  type Router,
} from "express";

/** What the route needs of a server. */
export interface TwilioCallsOptions {
  /** Ends the call of this id; whether there is one. `server.hangUp` does. */
  hangUp(callId: string): boolean | Promise<boolean>;
  /** What the bot must have as `TWILIO_ACCOUNT_SID`; undefined: anything. */
  readonly accountSid?: string | undefined;
  /** What it must have as `TWILIO_AUTH_TOKEN`; undefined: anything, since a call's id is known to Wavix and its bot alone. */
  readonly authToken?: string | undefined;
}

/** A form of one field. Others that clients add, such as `StatusCallback`, are not minded. */
const form = express.urlencoded({ extended: false, limit: 4_096, parameterLimit: 20, inflate: false });

/**
 * The part of Twilio's REST API with which a Pipecat bot hangs up, for bots whose `TwilioFrameSerializer` has this server as
 * its `base_url` (Pipecat 1.5 and newer): `POST /2010-04-01/Accounts/{AccountSid}/Calls/{CallSid}.json` with the form
 * `Status=completed`. The `CallSid` is Wavix's call id. A call that is over is 404 with Twilio's code 20404, which Pipecat
 * takes for done. Source: Twilio's «Update a Call resource».
 *
 * The password of HTTP Basic is what counts, with the `AccountSid` or an API key's sid before it. Without `authToken` no
 * credentials are looked at: the call id is the secret then, so that whoever knows one may end that call.
 *
 * @throws TypeError for an `authToken` that is empty: it would look like one
 * @example
 * server.app.use(twilioCallsRouter({ hangUp: (callId) => server.hangUp(callId), authToken: "secret" }));
 */
export function twilioCallsRouter({ hangUp, accountSid, authToken }: TwilioCallsOptions): Router {
  if (authToken === "") throw new TypeError("authToken must not be empty; leave it out to take any credentials");
  const router = express.Router();
  const path = "/2010-04-01/Accounts/:account/Calls/:call.json";
  const authorize = (request: Request, response: Response, next: NextFunction) => {
    const password = passwordOf(request);
    const isRight = authToken === undefined || (password !== undefined && isSame(password, authToken));
    const isHere = accountSid === undefined || request.params.account === accountSid;
    if (isRight && isHere) return next();
    response.set("www-authenticate", 'Basic realm="Twilio API"');
    refuse(response, 401, 20003, "Authenticate");
  };
  const update = async (request: Request, response: Response) => {
    const { account, call } = request.params;
    const status: unknown = (request.body as Record<string, unknown> | undefined)?.Status;
    if (status !== "completed" && status !== "canceled") {
      refuse(response, 400, 20001, "Status must be completed: calls are ended here, and nothing else");
    } else if (await hangUp(String(call))) {
      response.json({ sid: call, account_sid: account, status: "completed" });
    } else refuse(response, 404, 20404, "The requested resource was not found");
  };
  // In Twilio's words too, which is what a client of Twilio's reads.
  const failed: ErrorRequestHandler = (error: { status?: number }, _request, response, next) => {
    if (response.headersSent) next(error);
    else if ((error.status ?? 500) < 500) refuse(response, 400, 20001, "The body must be a form of at most 4096 bytes");
    else refuse(response, 500, 20500, "Internal Server Error");
  };
  router.post(path, authorize, form, update, failed);
  return router;
}

function refuse(response: Response, status: number, code: number, message: string): void {
  // What is still to come of a body that nobody wants is not waited for.
  if (!response.req.complete) response.set("connection", "close");
  response.status(status).json({ code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status });
}

/** Of HTTP Basic. */
function passwordOf(request: Request): string | undefined {
  const [, credentials] = /^Basic ([A-Za-z0-9+/=]{1,4096})$/i.exec(request.get("authorization") ?? "") ?? [];
  if (credentials === undefined) return undefined;
  const text = Buffer.from(credentials, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : text.slice(colon + 1);
}

/** In a time that tells nothing of where they differ. */
function isSame(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
