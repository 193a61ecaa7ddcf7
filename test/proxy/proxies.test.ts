import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { echoBot } from "../../src/bots/index.ts";
import { createServer, type WavixServer } from "../../src/server/index.ts";
import { readSpeechRecording, writeWav } from "../../src/simulator/index.ts";
import { LogCapture } from "../support/log-capture.ts";

const HOST = "bot.example.com";
const SECRET = "secret-of-the-webhook";
const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const NAMES = fileURLToPath(new URL("name-server.cjs", import.meta.url));
const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");

/** The one block of a language in docs/operations.md. */
function snippet(language: string): string {
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "gm"))];
  if (blocks.length !== 1) throw new Error(`docs/operations.md has ${blocks.length} blocks of ${language}`);
  return blocks[0]?.[1] as string;
}

/** What a snippet names that is not here: its place is taken, once, or the snippet has changed. */
function put(text: string, ...pairs: [string, string][]): string {
  for (const [from, to] of pairs) {
    expect(text.split(from), from).toHaveLength(2);
    text = text.replace(from, () => to);
  }
  return text;
}

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

let folder: string;
let server: WavixServer | undefined;
let proxy: ChildProcess | undefined;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pipecat-wavix-"));
  const names = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  execFileSync("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names, ...files], {
    stdio: "pipe",
  });
});

afterAll(() => rmSync(folder, { recursive: true }));

afterEach(async () => {
  proxy?.kill();
  if (proxy?.exitCode === null) await once(proxy, "exit");
  await server?.close();
  proxy = server = undefined;
});

/** A proxy that runs, and the certificate to be trusted. */
interface Proxy {
  port: number;
  ca: string;
}

async function run(command: string, argv: string[], port: number): Promise<void> {
  let said = "";
  const child = spawn(command, argv, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HOME: folder } });
  proxy = child;
  child.on("error", (error) => {
    said += `${error.message}: install ${command}`;
  });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (data) => {
      said += data;
    });
  }
  for (let tries = 0; ; tries++) {
    const socket = connect(port, "127.0.0.1");
    const up = await new Promise((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (up) return;
    if (tries === 100 || child.exitCode !== null || child.pid === undefined) throw new Error(`${command}: ${said}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function nginx(backend: number): Promise<Proxy> {
  const port = await freePort();
  const [ca, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const site = put(
    snippet("nginx"),
    ["listen 443 ssl;", `listen 127.0.0.1:${port} ssl;`],
    ["/etc/ssl/bot.example.com.pem", ca],
    ["/etc/ssl/bot.example.com.key", key],
    ["http://127.0.0.1:7860;", `http://127.0.0.1:${backend};`],
  );
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${folder};`).join("\n");
  const file = join(folder, "nginx.conf");
  const main = `daemon off;\npid ${folder}/nginx.pid;\nerror_log stderr;\nevents {}\n`;
  writeFileSync(file, `${main}http {\naccess_log ${folder}/access.log;\n${paths}\n${site}}\n`);
  await run("nginx", ["-p", folder, "-e", "stderr", "-c", file], port);
  return { port, ca };
}

async function caddy(backend: number): Promise<Proxy> {
  const port = await freePort();
  const site = put(snippet("caddyfile"), ["127.0.0.1:7860", `127.0.0.1:${backend}`]);
  const storage = join(folder, "caddy");
  mkdirSync(storage, { recursive: true });
  // A certificate of its own making in place of one that is asked for in the world.
  const options = ["admin off", "local_certs", "skip_install_trust", "auto_https disable_redirects"];
  const places = [`https_port ${port}`, "default_bind 127.0.0.1", `storage file_system ${storage}`];
  const file = join(folder, "Caddyfile");
  writeFileSync(file, `{\n${[...options, ...places].join("\n")}\n}\n${site}`);
  await run("caddy", ["run", "--config", file, "--adapter", "caddyfile"], port);
  return { port, ca: join(storage, "pki/authorities/local/root.crt") };
}

/** A request through the proxy, from an address of this machine. */
function ask(
  { port, ca }: Proxy,
  path: string,
  { from = "127.0.0.1", method = "POST", headers = {}, body = "{}" } = {},
): Promise<number> {
  return new Promise((resolve, reject) => {
    const host = { host: "127.0.0.1", servername: HOST, headers: { host: HOST, ...headers } };
    const options = { ...host, port, path, method, ca: readFileSync(ca), localAddress: from, agent: false as const };
    const asking = request(options, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode as number));
    });
    asking.once("error", reject).end(method === "GET" ? undefined : body);
  });
}

describe.each([
  ["nginx", nginx],
  ["Caddy", caddy],
] as const)("behind %s, as docs/operations.md has it", (name, open) => {
  /** A server on a port that the proxy knows, which believes what the proxy says of addresses. */
  async function start(options: object = {}) {
    const backend = await freePort();
    const apiPort = await freePort();
    const opened = await open(backend);
    const log = new LogCapture();
    const trust = /`TRUST_PROXY=([^`]+)`:\n\n```/g;
    const trusted = [...page.matchAll(trust)][name === "nginx" ? 0 : 1]?.[1] as string;
    server = createServer({
      // A cushion for a machine on which five programs share the audio.
      ...{ bot: echoBot(), playoutDelayMs: 400, port: backend, webhookSecret: SECRET, trustProxy: trusted.split(",") },
      ...{ publicUrl: `https://${HOST}:${opened.port}`, wavixApiBase: `http://127.0.0.1:${apiPort}` },
      logger: pino({ level: "info" }, log),
      ...options,
    });
    await server.listen();
    return { ...opened, apiPort, log };
  }

  it("a call comes in, is heard both ways, and is over on both sides", async () => {
    const { port, ca, apiPort, log } = await start();
    const webhook = `https://${HOST}:${port}/wavix/inbound/${SECRET}`;
    const { samples, sampleRate } = readSpeechRecording();
    const wav = join(folder, "two-seconds.wav");
    writeFileSync(wav, writeWav(samples.subarray(0, 2 * sampleRate), sampleRate));
    const argv = ["--require", NAMES, MAIN, "call", "--server", webhook, "--api-port", `${apiPort}`, "--wav", wav];
    const child = spawn(process.execPath, [...argv, "--speak-after", "700", "--listen", "900", "--json"], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: ca },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    await once(child, "close");
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ ok: true, hungUp: true, invalidMessages: 0, endedBy: "caller" });
    expect(figures.similarity).toBeGreaterThan(0.9);
    expect(figures.packetsOut).toBeGreaterThan(120);
    expect(await log.line("call ended")).toMatchObject({ endedBy: "caller", messagesDropped: 0 });
    // The path of the webhook is a secret, that of the socket a token.
    const logs = readdirSync(folder).filter((file) => file.endsWith(".log"));
    for (const file of logs) expect(readFileSync(join(folder, file), "utf8")).not.toMatch(/secret-of|\/ws\//);
  });

  it("the server sees who asks, and not what he says of himself", async () => {
    const opened = await start({ webhookAllow: ["127.0.0.2"] });
    const path = `/wavix/inbound/${SECRET}`;
    expect(await ask(opened, path, { from: "127.0.0.2" })).toBe(400);
    expect(await ask(opened, path, { from: "127.0.0.3" })).toBe(403);
    for (const forwarded of ["127.0.0.2", "127.0.0.2, 127.0.0.1"]) {
      const headers = { "x-forwarded-for": forwarded };
      expect(await ask(opened, path, { from: "127.0.0.3", headers })).toBe(403);
      expect(await ask(opened, path, { from: "127.0.0.2", headers })).toBe(400);
    }
  });

  it("lets Wavix in, and nobody to what is for the operator", async () => {
    const opened = await start({ operatorToken: "token-of-the-operator" });
    for (const path of ["/metrics", "/calls", "/health", "/livez", "/", "/wavix", "/wavixinbound", "/wsx"]) {
      expect([path, await ask(opened, path, { method: "GET" })]).toEqual([path, 404]);
    }
    expect(await ask(opened, "/wavix/inbound")).toBe(404);
    expect(await ask(opened, `/wavix/inbound/${SECRET}`)).toBe(400);
  });
});
