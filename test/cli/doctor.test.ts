import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Check } from "../../src/cli/doctor/check.ts";
import { checkPackages } from "../../src/cli/doctor/providers.ts";
import { checkPublicUrl, isPrivate } from "../../src/cli/doctor/public-url.ts";
import { checkSetUp } from "../../src/cli/doctor/set-up.ts";
import { openTrialServer } from "../../src/cli/doctor/trial-server.ts";
import { createWavixSimulator, type SimulatorOptions } from "../../src/simulator/index.ts";
import {
  createCartesiaStandIn,
  createDeepgramStandIn,
  createOpenAIStandIn,
} from "../../src/simulator/services/index.ts";
import { command, folder, start } from "../support/commands.ts";
import { installFakeNgrok } from "../support/fake-ngrok.ts";
import { freePort } from "../support/free-port.ts";
import { openProviderStub } from "../support/provider-stub.ts";

const KEY = "key-of-the-account";
const SECRET = "secret-of-the-webhook";
const CALLER = "+12025550143";
const OURS = "+12025550199";

/** The findings of a doctor that is asked in the folder of the test. */
async function doctor(env: Record<string, string>, argv: string[] = []) {
  const { code, stdout, stderr } = await command(["doctor", "--json", ...argv], env);
  expect(stderr).toBe("");
  expect(stdout.trim().split("\n")).toHaveLength(1);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Check[] };
  expect(code).toBe(ok ? 0 : 1);
  expect(ok).toBe(checks.every(({ state }) => state !== "mend"));
  const found = Object.fromEntries(checks.map(({ name, state, text }) => [name, `${state}: ${text}`]));
  return { ok, checks, found, stdout };
}

/** A set-up in which all is right, on this machine. */
async function openSetUp(options: SimulatorOptions = {}) {
  const port = await freePort();
  const publicUrl = `http://127.0.0.1:${port}`;
  const numbers = [{ number: "12025550111" }, { number: OURS, callStatusUrl: `${publicUrl}/wavix/inbound/${SECRET}` }];
  const { account, ...others } = options;
  const simulator = await createWavixSimulator({ apiKey: KEY, account: { numbers, ...account }, ...others });
  const env = {
    WAVIX_API_KEY: KEY,
    WAVIX_API_BASE: simulator.apiUrl,
    WEBHOOK_SECRET: SECRET,
    PUBLIC_URL: publicUrl,
    HOST: "127.0.0.1",
    PORT: `${port}`,
  };
  return { env, port, simulator, [Symbol.asyncDispose]: () => simulator.close() };
}

describe("doctor", () => {
  it("finds nothing to mend where all is right, and shows neither keys nor numbers", async () => {
    await using setUp = await openSetUp();
    const { ok, found, stdout } = await doctor(setUp.env);
    expect(found).toEqual({
      Node: `ok: ${process.versions.node}`,
      ".env": expect.stringMatching(/^not-needed: there is none/),
      Settings: "ok: all can be used",
      "Webhook secret": "ok: set",
      "Wavix key": "ok: accepted (…ount)",
      "Wavix scopes": expect.stringMatching(
        /^ok: calls:read, account:read, numbers:read, webhooks:read; calls:write shows/,
      ),
      "Wavix account": "ok: balance 309.06, 8 outbound calls at once",
      "Wavix number": "ok: …0199: its calls come here",
      Port: `ok: ${setUp.port}: free`,
      "Public URL": `ok: 127.0.0.1:${setUp.port} leads here, as seen from here`,
      WebSocket: "ok: upgrades come through",
      Deepgram: "not-needed: no DEEPGRAM_API_KEY; --bot voice would need it",
      OpenAI: "not-needed: no OPENAI_API_KEY; --bot voice and realtime would need it",
      Cartesia: "not-needed: no CARTESIA_API_KEY; --bot voice would need it",
      Packages: "not-needed: none beyond this one",
    });
    expect(ok).toBe(true);
    for (const secret of [KEY, SECRET, "2025550199"]) expect(stdout).not.toContain(secret);
    // It has only read.
    expect(setUp.simulator.requests.every(({ method }) => method === "GET")).toBe(true);
  }, 30_000);

  it("reads .env, prints a line a check, and asks the running server", async () => {
    await using setUp = await openSetUp();
    const lines = Object.entries(setUp.env).map(([name, value]) => `${name}=${value}`);
    writeFileSync(join(folder(), ".env"), lines.join("\n"));
    const server = await start(["--port", `${setUp.port}`]);
    const { code, stdout } = await command(["doctor"]);
    expect(stdout).toMatch(/^ {2}✓ ok {11}\.env {13}read$/m);
    expect(stdout).toMatch(/^ {2}✓ ok {11}Port {13}\d+: the server runs$/m);
    expect(stdout).toMatch(/^ {2}✓ ok {11}WebSocket {8}upgrades come through$/m);
    expect(stdout).toMatch(/\nNothing needs mending\.\n$/);
    expect(stdout).not.toContain("\u001b");
    expect(code).toBe(0);
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
  }, 30_000);

  it("says what to mend about the key, the account and the number", async () => {
    const numbers = [{ number: OURS, callStatusUrl: "https://elsewhere.example.com" }, { number: "12025550111" }];
    await using setUp = await openSetUp({
      account: { numbers, balance: "-1.5", scopes: ["account:read", "numbers:read"] },
    });
    const paste = `paste http://127.0.0.1:${setUp.port}/wavix/inbound/<WEBHOOK_SECRET> at Numbers & trunks`;
    const first = await doctor(setUp.env);
    expect(first.found).toMatchObject({
      "Wavix scopes": expect.stringMatching(/^unknown: without calls:read, webhooks:read less can be told/),
      "Wavix account": "mend: there is no money on it",
      "Wavix number": expect.stringContaining(`mend: none of 2 numbers has it: ${paste}`),
    });
    const one = await doctor(setUp.env, ["--number", "0199"]);
    expect(one.found["Wavix number"]).toContain(`mend: …0199 has another webhook: ${paste}`);
    const none = await doctor(setUp.env, ["--number", "+442079460000"]);
    expect(none.found["Wavix number"]).toBe("mend: the account has no such number");
    const wrongKey = await doctor({ ...setUp.env, WAVIX_API_KEY: "another-key" });
    expect(wrongKey.found["Wavix key"]).toMatch(/^mend: WAVIX_API_KEY is not accepted \(…-key\)/);
    expect(wrongKey.found["Wavix number"]).toBeUndefined();
    const nobody = await doctor({ ...setUp.env, WAVIX_API_BASE: `http://127.0.0.1:${await freePort()}` });
    expect(nobody.found["Wavix key"]).toBe("mend: Wavix cannot be reached (ECONNREFUSED)");
  }, 60_000);

  it("knows an account that may not stream, a number that is off, and the account's own webhook", async () => {
    await using flex = await openSetUp({ account: { provisioned: false, scopes: ["account:read", "calls:read"] } });
    const { found } = await doctor(flex.env);
    expect(found["Wavix scopes"]).toMatch(
      /^mend: calls are not provisioned for the account: call streaming needs Flex Pro/,
    );
    expect(found["Wavix number"]).toBe("unknown: the key lacks numbers:read");

    await using setUp = await openSetUp();
    const url = `${setUp.env.PUBLIC_URL}/wavix/inbound/${SECRET}`;
    const others = Array.from({ length: 150 }, (_, i) => ({ number: `1202556${1000 + i}` }));
    for (const [account, text] of [
      [
        { numbers: [{ number: OURS, callStatusUrl: url, status: "inactive" }] },
        "mend: …0199 has the webhook, but is not active",
      ],
      [{ webhooks: [{ eventType: "on-call", url }] }, /^unknown: none has the webhook; the account's on-call webhook/],
      [{ numbers: [] }, "mend: the account has no number: get one"],
      [{ numbers: [...others, { number: OURS, callStatusUrl: `${url}/` }] }, "ok: …0199: its calls come here"],
    ] as const) {
      await using other = await createWavixSimulator({ apiKey: KEY, account });
      const { found } = await doctor({ ...setUp.env, WAVIX_API_BASE: other.apiUrl });
      expect(found["Wavix number"]).toMatch(text);
    }
  }, 60_000);

  it("opens the tunnel for a moment, where the server has one", async () => {
    installFakeNgrok(folder());
    await using setUp = await openSetUp();
    const { PUBLIC_URL: _, ...env } = setUp.env;
    const { found } = await doctor({ ...env, NGROK_AUTH_TOKEN: "good-token" });
    expect(found["Public URL"]).toMatch(/^ok: 127\.0\.0\.1:\d+ leads here/);
    expect(found["Wavix number"]).toMatch(/^unknown: the tunnel has another address at every start/);
    expect(found.Packages).toBe("ok: @ngrok/ngrok");
    const bad = await doctor({ ...env, NGROK_AUTH_TOKEN: "bad-token" });
    expect(bad.found["Public URL"]).toMatch(/^mend: the tunnel cannot be opened: .*ERR_NGROK_105/);
  }, 30_000);

  it("checks the services of a voice bot, and those of which there is a key", async () => {
    await using setUp = await openSetUp();
    await using good = await openProviderStub({
      "/v1/auth/token": 200,
      "/models/gpt-5-mini": 200,
      "/voices?limit=1": 200,
    });
    await using bad = await openProviderStub({ "/v1/auth/token": 401, "/models": 403, "/voices?limit=1": 500 });
    const at = ({ url }: { url: string }) => ({ DEEPGRAM_BASE_URL: url, OPENAI_BASE_URL: url, CARTESIA_BASE_URL: url });
    const keys = { DEEPGRAM_API_KEY: "deepgram-key", OPENAI_API_KEY: "openai-key", CARTESIA_API_KEY: "cartesia-key" };
    const fine = await doctor({ ...setUp.env, ...keys, ...at(good), OPENAI_MODEL: "gpt-5-mini" });
    expect(fine.found).toMatchObject({
      Deepgram: "ok: key accepted (…-key)",
      OpenAI: "ok: key accepted (…-key), gpt-5-mini is there",
      Cartesia: "ok: key accepted (…-key)",
    });
    const shown = good.requests.map(({ headers }) => headers.authorization ?? headers["x-api-key"]);
    expect(shown.sort()).toEqual(["Bearer openai-key", "Token deepgram-key", "cartesia-key"]);
    expect(good.requests.find(({ url }) => url.startsWith("/voices"))?.headers["cartesia-version"]).toMatch(/^\d{4}-/);
    for (const key of Object.values(keys)) expect(fine.stdout).not.toContain(key);

    const refused = await doctor({ ...setUp.env, ...keys, ...at(bad) });
    expect(refused.found).toMatchObject({
      Deepgram: "mend: DEEPGRAM_API_KEY is not accepted (…-key)",
      OpenAI: "mend: OPENAI_API_KEY may not do this (…-key, 403)",
      Cartesia: "unknown: answered with 500",
    });
    const choices = { OPENAI_MODEL: "gone", CARTESIA_VOICE_ID: "gone" };
    const gone = await doctor({ ...setUp.env, ...keys, ...at(good), ...choices });
    expect(gone.found).toMatchObject({
      OpenAI: "mend: key accepted, but there is no gone for it: mend OPENAI_MODEL",
      Cartesia: "mend: key accepted, but there is no gone for it: mend CARTESIA_VOICE_ID",
    });
    const missing = await doctor(setUp.env, ["--bot", "voice"]);
    expect(missing.found).toMatchObject({
      Deepgram: "mend: DEEPGRAM_API_KEY is missing",
      OpenAI: "mend: OPENAI_API_KEY is missing",
      Cartesia: "mend: CARTESIA_API_KEY is missing",
      "Voice settings": "ok: all can be used",
    });
    // Also the model that the bot takes by itself must be there.
    const byItself = await doctor({ ...setUp.env, ...keys, ...at(good), VOICE_MIN_WORDS: "x" }, ["--bot", "voice"]);
    expect(byItself.found.OpenAI).toMatch(/^mend: key accepted, but there is no gpt-\S+ for it/);
    expect(byItself.found["Voice settings"]).toMatch(/^mend: VOICE_MIN_WORDS must be a whole number/);
    // Of Deepgram's models the request says nothing.
    const unnamed = await doctor({ ...setUp.env, ...keys, DEEPGRAM_BASE_URL: `${good.url}/old`, DEEPGRAM_MODEL: "x" });
    expect(unnamed.found.Deepgram).toBe("unknown: answered with 404");
  }, 60_000);

  it("finds the stand-ins of the services to be what they stand for", async () => {
    await using setUp = await openSetUp();
    await using deepgram = await createDeepgramStandIn({ apiKey: "deepgram-key" });
    await using openai = await createOpenAIStandIn({ apiKey: "openai-key" });
    await using cartesia = await createCartesiaStandIn({ apiKey: "cartesia-key" });
    const keys = { DEEPGRAM_API_KEY: "deepgram-key", OPENAI_API_KEY: "openai-key", CARTESIA_API_KEY: "cartesia-key" };
    const env = { DEEPGRAM_BASE_URL: deepgram.url, OPENAI_BASE_URL: openai.url, CARTESIA_BASE_URL: cartesia.url };
    const { found } = await doctor({ ...setUp.env, ...keys, ...env }, ["--bot", "voice"]);
    expect(found).toMatchObject({
      Deepgram: "ok: key accepted (…-key)",
      OpenAI: expect.stringMatching(/^ok: key accepted \(…-key\), gpt-\S+ is there$/),
      Cartesia: "ok: key accepted (…-key)",
    });
    const wrong = Object.fromEntries(Object.keys(keys).map((name) => [name, "another-key"]));
    const refused = await doctor({ ...setUp.env, ...wrong, ...env }, ["--bot", "voice"]);
    for (const name of ["Deepgram", "OpenAI", "Cartesia"]) {
      expect(refused.found[name]).toMatch(/^mend: \S+_API_KEY is not accepted/);
    }
  }, 60_000);

  it("checks the speech-to-speech bot by its own variables", async () => {
    await using setUp = await openSetUp();
    const missing = await doctor(setUp.env, ["--bot", "realtime"]);
    expect(missing.found).toMatchObject({
      OpenAI: "mend: OPENAI_API_KEY is missing",
      Deepgram: expect.stringMatching(/^not-needed/),
      "Realtime settings": "ok: all can be used",
      Packages: "not-needed: none beyond this one",
    });
    await using service = await openProviderStub({ "/models/gpt-realtime-x": 200 });
    const env = {
      ...{ ...setUp.env, OPENAI_API_KEY: "openai-key", OPENAI_MODEL: "of-another-bot" },
      OPENAI_REALTIME_BASE_URL: service.url.replace("http", "ws"),
    };
    const fine = await doctor({ ...env, OPENAI_REALTIME_MODEL: "gpt-realtime-x" }, ["--bot", "realtime"]);
    expect(fine.found.OpenAI).toBe("ok: key accepted (…-key), gpt-realtime-x is there");
    // What the bot takes by itself.
    const wrong = await doctor({ ...env, OPENAI_REALTIME_SILENCE_MS: "never" }, ["--bot", "realtime"]);
    expect(wrong.found.OpenAI).toMatch(/there is no gpt-realtime\S+ for it: mend OPENAI_REALTIME_MODEL$/);
    expect(wrong.found["Realtime settings"]).toMatch(/^mend: OPENAI_REALTIME_SILENCE_MS must be a whole number/);
  }, 60_000);

  it("does not take a web page for a service, nor any word for a bot", async () => {
    await using setUp = await openSetUp();
    const page = createServer((_, response) => response.end("<html>Welcome</html>")).listen(0, "127.0.0.1");
    await once(page, "listening");
    try {
      const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`;
      const env = { ...setUp.env, WAVIX_API_BASE: url, OPENAI_API_KEY: "openai-key", OPENAI_BASE_URL: url };
      const { found } = await doctor(env);
      expect(found.OpenAI).toBe("mend: is not what answers: mend OPENAI_BASE_URL");
      expect(found["Wavix key"]).toBe("mend: Wavix is not what answers: mend WAVIX_API_BASE");
      expect(found["Wavix number"]).toBeUndefined();
    } finally {
      page.close();
    }
    const misspelt = await command(["doctor", "--bot", "voise"], setUp.env);
    expect(misspelt.stderr).toMatch(/^pipecat-wavix doctor: --bot must be echo, .* got voise\n$/);
    expect(misspelt.code).toBe(2);
    const pipecat = await doctor({ ...setUp.env, BOT_PROTOCOL: "smoke" }, ["--bot", "pipecat"]);
    expect(pipecat.found["Pipecat settings"]).toMatch(/^mend: BOT_PROTOCOL must be/);
  }, 60_000);
});

describe("doctor --call", () => {
  it("lets a bot have the call, writes the reports, and keeps to itself what is private", async () => {
    await using simulator = await createWavixSimulator({
      apiKey: KEY,
      behaviour: { timestampUnit: "ms", timestampStart: 20, eventsBeforeAnswer: ["ringing"] },
    });
    const port = await freePort();
    const env = {
      ...{ WAVIX_API_KEY: KEY, WAVIX_API_BASE: simulator.apiUrl, WEBHOOK_SECRET: "secret-of-the-webhook" },
      ...{ PUBLIC_URL: `http://127.0.0.1:${port}`, HOST: "127.0.0.1", PORT: `${port}` },
    };
    const doctor = await start(["--call", "--bot", "echo", "--wait", "20"], env, "doctor", /Waiting for 20 s/);
    const webhookUrl = `http://127.0.0.1:${port}/wavix/inbound/secret-of-the-webhook`;
    const call = simulator.placeCall({ webhookUrl, from: CALLER, hangUpAfterMs: 800 });
    expect((await call.ended).received.packets).toBeGreaterThan(10);
    expect(await doctor.exit).toBe(0);
    const files = readdirSync(folder()).sort();
    expect(files).toEqual([
      expect.stringMatching(/^wavix-call-\d+T\d+Z\.json$/),
      expect.stringMatching(/^wavix-call-\d+T\d+Z\.md$/),
    ]);
    const [json, markdown] = files.map((file) => readFileSync(join(folder(), file), "utf8")) as [string, string];
    expect(JSON.parse(json)).toMatchObject({
      complete: true,
      differs: { timestampUnit: "ms", timestampStart: 20 },
    });
    expect(markdown).toContain('behaviour: { timestampUnit: "ms", timestampStart: 20 }');
    expect(markdown).toContain("| events before the answer | ringing |");
    for (const secret of [KEY, "secret-of-the-webhook", "2025550", call.id]) {
      for (const text of [json, markdown, doctor.output]) expect(text).not.toContain(secret);
    }
  }, 40_000);

  it.each([
    ["the script has", []],
    ["a bot has", ["--bot", "echo"]],
  ])(
    "hangs up the call that %s when it is stopped",
    async (_, argv) => {
      await using simulator = await createWavixSimulator({ apiKey: KEY });
      const port = await freePort();
      const env = {
        ...{ WAVIX_API_KEY: KEY, WAVIX_API_BASE: simulator.apiUrl, WEBHOOK_SECRET: "secret-of-the-webhook" },
        ...{ PUBLIC_URL: `http://127.0.0.1:${port}`, HOST: "127.0.0.1", PORT: `${port}` },
      };
      const doctor = await start(["--call", ...argv], env, "doctor", /Waiting for 600 s/);
      const call = simulator.placeCall({ webhookUrl: `http://127.0.0.1:${port}/wavix/inbound/secret-of-the-webhook` });
      expect(await call.answered).toBe(true);
      // A bot's call is complete once it has had a stream.
      const echoes = () => argv.length === 0 || call.report().received.packets > 0;
      await expect.poll(echoes, { timeout: 20_000 }).toBe(true);
      doctor.child.kill("SIGINT");
      expect((await call.ended).endedBy).toBe("rest");
      expect(await doctor.exit).toBe(argv.length === 0 ? 1 : 0);
      if (argv.length === 0) expect(doctor.output).toContain("Cut short: it was stopped");
    },
    40_000,
  );

  it("ends when it is stopped before a call came", async () => {
    const doctor = await start(["--call", "--port", `${await freePort()}`], {}, "doctor", /Waiting for 600 s/);
    doctor.child.kill("SIGTERM");
    expect(await doctor.exit).toBe(1);
    expect(doctor.output).toContain("it was stopped before a call came");
  }, 20_000);

  it("says in a line what is wrong", async () => {
    const cases: [string[], RegExp][] = [
      [["--wait", "5"], /^pipecat-wavix doctor: --wait goes with --call\n$/],
      [["--number", "12"], /^pipecat-wavix doctor: --number must be a telephone number, .*\n$/],
      [["--call", "--out", "no"], /^pipecat-wavix doctor: --out no: there is no such folder\n$/],
      [["--call", "--wait", "0"], /^pipecat-wavix doctor: --wait must be a whole number from 1 to 86400, got 0\n$/],
      [["--call", "--number", "+12025550199"], /^pipecat-wavix doctor: --number does not go with --call: dial any\n$/],
      [["--call", "--port", "0"], /^pipecat-wavix doctor: --call needs a PORT that is known beforehand, got 0\n$/],
    ];
    const outcomes = await Promise.all(cases.map(([argv]) => command(["doctor", ...argv])));
    outcomes.forEach(({ code, stderr }, i) => {
      expect(stderr).toMatch(cases[i]![1]);
      expect(code).toBe(2);
    });
    const nobody = await command(["doctor", "--call", "--wait", "1", "--port", `${await freePort()}`, "--json"]);
    expect(nobody.stderr).toMatch(
      /^pipecat-wavix doctor: no call came within 1 s; pipecat-wavix doctor may say why\n$/,
    );
    expect([nobody.code, nobody.stdout]).toEqual([1, ""]);
  }, 40_000);
});

describe("the public address", () => {
  const question = { instance: "me", isServer: false, wavixIsLocal: true };
  const lookup = (address: string) => async () => [{ address }];

  it("leads here, or somewhere else", async () => {
    const port = await freePort();
    const trial = await openTrialServer("127.0.0.1", port);
    await using other = await openProviderStub({ "/livez": 502 });
    try {
      const publicUrl = `http://127.0.0.1:${port}`;
      const here = await checkPublicUrl({ ...question, publicUrl, instance: trial.instance });
      expect(here.map(({ state }) => state)).toEqual(["ok", "ok"]);
      const [elsewhere] = await checkPublicUrl({ ...question, publicUrl });
      expect(elsewhere).toMatchObject({ state: "mend", text: "leads to another server of this kind" });
      const [proxy] = await checkPublicUrl({ ...question, publicUrl: other.url });
      expect(proxy).toMatchObject({ state: "mend", text: expect.stringContaining("something else, with 502") });
      const nobody = await checkPublicUrl({ ...question, publicUrl: `http://127.0.0.1:${await freePort()}` });
      expect(nobody).toEqual([{ name: "Public URL", state: "mend", text: "nothing answers there (ECONNREFUSED)" }]);
    } finally {
      await trial.close();
    }
  });

  it("must be known to everybody, and trusted", async () => {
    const real = { ...question, wavixIsLocal: false, publicUrl: "https://bot.example.com" };
    const textOf = async (checks: Promise<Check[]>) => (await checks)[0]?.text;
    expect(await textOf(checkPublicUrl({ ...real, publicUrl: "http://bot.example.com" }))).toMatch(/^must be https/);
    expect(await textOf(checkPublicUrl({ ...real, lookup: lookup("192.168.1.7") }))).toMatch(
      /of this machine or its network/,
    );
    const fail = (code: string) => async () => {
      throw Object.assign(new Error(), { code });
    };
    expect(await textOf(checkPublicUrl({ ...real, lookup: fail("ENOTFOUND") }))).toBe(
      "bot.example.com is not in the DNS",
    );
    const [unsure] = await checkPublicUrl({ ...real, lookup: fail("EAI_AGAIN") });
    expect(unsure).toMatchObject({ state: "unknown", text: "bot.example.com cannot be looked up (EAI_AGAIN)" });
    for (const address of ["10.1.2.3", "127.0.0.1", "100.64.0.1", "172.31.0.1", "::1", "fd00::1", "fe80::1"]) {
      expect(isPrivate(address), address).toBe(true);
    }
    for (const address of ["62.212.73.112", "172.32.0.1", "2001:db8::1"])
      expect(isPrivate(address), address).toBe(false);
  });

  it("needs a proxy that passes upgrades on itself, also below /ws", async () => {
    let answer = (_path: string) => 503;
    const proxy = createServer((_, response) => response.end(JSON.stringify({ live: true, instance: "me" })));
    proxy.on("upgrade", (request, socket) => {
      socket.end(`HTTP/1.1 ${answer(request.url ?? "")} Said\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    try {
      const asked = {
        ...question,
        publicUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
        isServer: true,
      };
      const stateOf = async () => (await checkPublicUrl(asked)).find(({ name }) => name === "WebSocket")?.state;
      expect(await stateOf()).toBe("mend");
      answer = (path) => (path === "/ws" ? 401 : 404);
      expect(await stateOf()).toBe("mend");
      answer = () => 401;
      expect(await stateOf()).toBe("ok");
    } finally {
      proxy.close();
    }
  });

  it("needs a proxy that passes upgrades on", async () => {
    // Node without a listener for upgrades is as good as a proxy that drops the header.
    const proxy = createServer((request, response) => {
      const isLive = request.url === "/livez";
      response.writeHead(isLive ? 200 : 404).end(isLive ? JSON.stringify({ live: true, instance: "me" }) : "");
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    try {
      const publicUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
      for (const isServer of [true, false]) {
        expect(await checkPublicUrl({ ...question, publicUrl, isServer })).toMatchObject([
          { name: "Public URL", state: "ok" },
          {
            name: "WebSocket",
            state: "mend",
            text: expect.stringContaining("answered with 404: let the proxy pass Upgrade"),
          },
        ]);
      }
    } finally {
      proxy.close();
    }
  });
});

describe("the set-up", () => {
  it("says all that is wrong with it at once", () => {
    const { checks, settings } = checkSetUp({ PORT: "x", WAVIX_API_KEY: "a b" }, false, false, "20.18.0");
    expect(settings).toBeUndefined();
    expect(checks.find(({ name }) => name === "Node")).toMatchObject({ state: "mend" });
    const { text = "" } = checks.find(({ name }) => name === "Settings") ?? {};
    expect(text).toMatch(/^PORT must be .*; WAVIX_API_KEY must be .*; PUBLIC_URL is missing/);
    const open = checkSetUp({ WAVIX_API_KEY: "long-enough", PUBLIC_URL: "https://a.example" }, true, false);
    expect(open.checks.find(({ name }) => name === "Webhook secret")).toMatchObject({ state: "mend" });
  });

  it("names packages that are missing", () => {
    expect(checkPackages("voice", true, () => undefined)).toEqual({
      name: "Packages",
      state: "mend",
      text: "npm install @deepgram/sdk openai @ngrok/ngrok",
    });
    expect(checkPackages("voice", false, () => "file:///there.js")).toMatchObject({ state: "ok" });
    expect(checkPackages("echo", false, () => undefined)).toMatchObject({ state: "not-needed" });
  });
});
