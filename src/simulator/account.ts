import type { Reply } from "./api-errors.ts";

/** Scopes of requests that only read; see {@link SimulatedAccount.scopes}. */
export type ReadScope = "calls:read" | "account:read" | "numbers:read" | "webhooks:read";

/** What the account of the simulated Wavix is like, for who asks about it. Calls come in whatever stands here. */
export interface SimulatedAccount {
  /** Default: one, without a webhook. */
  numbers?: readonly { number: string; callStatusUrl?: string; status?: string }[];
  /** The account's own webhooks. Default: none. */
  webhooks?: readonly { eventType: "on-call" | "post-call"; url: string }[];
  /** In dollars. Default `"309.06"`. */
  balance?: string;
  /** What a key of restricted scopes may read; else it gets 403. Default: everything. */
  scopes?: readonly ReadScope[];
  /** False: the account is no Flex Pro, and its calls are refused with 403. Default true. */
  provisioned?: boolean;
}

/** The published requests about the account: `profile/config`, `numbers` and `calls/webhooks` (Wavix OpenAPI). */
export class Account {
  readonly #account: SimulatedAccount;

  constructor(account: SimulatedAccount = {}) {
    this.#account = account;
  }

  /** Why this may not be read, if so. */
  refuse(scope: ReadScope): Reply | undefined {
    const { scopes, provisioned = true } = this.#account;
    const refused = (message: string): Reply => ({ status: 403, body: { success: false, message } });
    if (scope === "calls:read" && !provisioned) return refused("The service is not provisioned for your account.");
    return scopes === undefined || scopes.includes(scope) ? undefined : refused("Forbidden");
  }

  config(): Reply {
    const { balance = "309.06" } = this.#account;
    const limits = { max_call_duration: 3600, max_sip_channels: 8, max_call_rate: "99.0" };
    return { status: 200, body: { balance, global_limits: limits } };
  }

  /** @param query `search`, `page` and `per_page` */
  numbers(query: Readonly<Record<string, unknown>>): Reply {
    const { numbers = [{ number: "12025550199" }] } = this.#account;
    const perPage = Number(query.per_page ?? 25);
    const page = Number(query.page ?? 1);
    const found = numbers
      .map(({ number, callStatusUrl = null, status = "active" }, index) => {
        return { id: index + 1, number, channels: 24, status, call_status_url: callStatusUrl };
      })
      .filter(({ number }) => query.search === undefined || number.includes(String(query.search)));
    const pagination = {
      current_page: page,
      per_page: perPage,
      total: found.length,
      total_pages: Math.ceil(found.length / perPage),
    };
    return {
      status: 200,
      body: { items: found.slice((page - 1) * perPage, page * perPage), doc_types: [], pagination },
    };
  }

  /** A bare array. */
  webhooks(): Reply {
    const { webhooks = [] } = this.#account;
    return { status: 200, body: webhooks.map(({ eventType, url }) => ({ event_type: eventType, url })) };
  }
}
