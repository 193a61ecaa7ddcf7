import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import type { Seat } from "../../../src/bots/pipecat/seat.ts";
import { BotProcess } from "../../../src/bots/pipecat/seats/bot-process.ts";
import { takeFreePort } from "../../../src/bots/pipecat/seats/free-port.ts";
import { type CommandSeatsOptions, commandSeats, splitCommand } from "../../../src/bots/pipecat/seats/index.ts";
import { OutputTail } from "../../../src/bots/pipecat/seats/output-tail.ts";
import { StartBackOff } from "../../../src/bots/pipecat/seats/start-back-off.ts";
import { childrenOf, isRunning, untilGone } from "../../support/processes.ts";

const SCRIPT = fileURLToPath(new URL("../../support/bot-process.js", import.meta.url));
const OWNER = fileURLToPath(new URL("../../support/seats-owner.js", import.meta.url));
const bot = (more = "") => `'${process.execPath}' '${SCRIPT}' --port {port} ${more}`;
/** Processes start as fast as the machine is free. */
const patient = { timeout: 10_000 };
const forever = new AbortController().signal;

function open(options: Partial<CommandSeatsOptions> = {}) {
  const seats = commandSeats({ command: bot(), ...options });
  return {
    seats,
    /** A call's seat, and what its bot says of itself. */
    async take(
      signal = forever,
    ): Promise<{ seat: Seat; pid: number; grandchild: number; env: string[]; args: string[] }> {
      for await (const seat of seats.offer({ callId: "call-1" }, signal)) {
        const about = await (await fetch(seat.url.replace("ws:", "http:"))).json();
        return { seat, ...about };
      }
      throw new Error("there was no seat");
    },
    counters: seats.counters as Record<string, number>,
    [Symbol.asyncDispose]: () => seats.close(),
  };
}

const died = (code = 1, said = "no such module") => bot(`--say 'first\nFailure: ${said}' --die ${code}`);

describe("command seats", () => {
  it("give every call a process of its own, which ends with it", async () => {
    await using pool = open();
    const first = await pool.take();
    const second = await pool.take();
    expect(new Set([first.pid, second.pid]).size).toBe(2);
    expect(first.seat.url).toBe(`ws://127.0.0.1:${first.args[1]}/ws-client`);
    expect(first.seat.headers).toEqual({});
    first.seat.release();
    first.seat.release();
    await untilGone(first.pid);
    expect(isRunning(second.pid)).toBe(true);
    second.seat.release();
    await untilGone(second.pid);
    const third = await pool.take();
    expect([first.pid, second.pid]).not.toContain(third.pid);
    expect(pool.counters.processes_failed).toBe(0);
  });

  it("keep processes warm, and make up for those that were taken at once", async () => {
    await using pool = open({ warm: 2 });
    await expect.poll(() => pool.counters.processes_started, patient).toBe(2);
    await pool.take();
    await expect.poll(() => pool.counters.processes_started, patient).toBe(3);
    await pool.take();
    await expect.poll(() => pool.counters.processes_started, patient).toBe(4);
    await pool.seats.close();
    expect(pool.counters.processes_started).toBe(4);
  });

  it("start one for a call when none is kept warm", async () => {
    await using pool = open({ warm: 0 });
    expect(pool.counters.processes_started).toBe(0);
    const { seat, pid } = await pool.take();
    seat.release();
    await untilGone(pid);
    expect(pool.counters.processes_started).toBe(1);
  });

  it("have at most so many processes, and refuse what goes beyond", async () => {
    await using pool = open({ max: 2, warm: 2 });
    const [first] = await Promise.all([pool.take(), pool.take()]);
    await expect(pool.take()).rejects.toMatchObject({ name: "BotError", code: "NO_BOT_FREE" });
    expect(pool.counters.processes_started).toBe(2);
    first.seat.release();
    const third = await pool.take();
    // The first one's place was free when it had gone.
    expect(isRunning(first.pid)).toBe(false);
    expect(isRunning(third.pid)).toBe(true);
  });

  it("let a call wait no longer than its signal, and keep what it does not take", async () => {
    await using pool = open({ command: bot("--deaf"), startTimeoutMs: 60_000 });
    const call = new AbortController();
    const offer = pool.seats.offer({}, call.signal).next();
    await expect.poll(() => pool.counters.processes_started, patient).toBe(2);
    call.abort();
    expect(await offer).toEqual({ done: true, value: undefined });
    expect(await pool.seats.offer({}, call.signal).next()).toEqual({ done: true, value: undefined });
  });

  it("tell what a process said last when it does not come up, and wait ever longer", async () => {
    await using pool = open({ command: died(7) });
    const error = await pool.take().catch((error: Error) => error);
    expect(error).toMatchObject({
      name: "BotError",
      code: "BOT_START_FAILED",
      message: "the bot's process ended with exit code 7: Failure: no such module",
      cause: { message: "first\nFailure: no such module" },
    });
    // It is not even tried until the time has come; without calls it is tried too, since one is to be warm.
    const { processes_started: before } = pool.counters;
    await expect(pool.take()).rejects.toMatchObject({ code: "BOT_START_FAILED" });
    expect(pool.counters.processes_started).toBe(before);
    await vi.waitFor(() => expect(pool.counters.processes_started).toBeGreaterThan(before as number), 5_000);
    expect(pool.counters.processes_started).toBeLessThan(8);
  });

  it("tell of a program that there is not, and of one that never answers", async () => {
    await using none = open({ command: "/nowhere/python bot.py {port}" });
    await expect(none.take()).rejects.toThrow(
      "the bot's process cannot be started (there is no program /nowhere/python)",
    );
    await using deaf = open({ command: bot("--say hello --deaf"), startTimeoutMs: 600, warm: 0 });
    await expect(deaf.take()).rejects.toThrow("the bot's process did not answer on its port within 600 ms: hello");
  });

  it("start another one at once when the first does not come up: its port may have been taken", async () => {
    const folder = mkdtempSync(join(tmpdir(), "bot-"));
    try {
      await using pool = open({ command: bot(`--once '${join(folder, "done")}'`), warm: 0 });
      await pool.take();
      expect(pool.counters).toEqual({ processes_started: 2, processes_failed: 1 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("do not start too many at once", async () => {
    await using pool = open({ command: bot("--deaf"), warm: 50 });
    expect(pool.counters.processes_started).toBe(Math.min(50, 2 * availableParallelism()));
  });

  it("replace a process that dies before its call, ever later", async () => {
    await using pool = open({ command: bot("--say bye --live 100") });
    await expect.poll(() => pool.counters.processes_failed, { interval: 10, ...patient }).toBeGreaterThan(3);
    // Nothing starts for 800 ms.
    const { processes_started: before } = pool.counters;
    expect(before).toBe(pool.counters.processes_failed);
    await expect(pool.take()).rejects.toThrow("the bot's process ended with exit code 4: bye");
    expect(pool.counters.processes_started).toBe(before);
    await expect.poll(() => pool.counters.processes_started, patient).toBeGreaterThan(before as number);
  });

  it("do not count a process that dies with its call, and give its place to another", async () => {
    await using pool = open({ max: 1 });
    const { seat, pid } = await pool.take();
    process.kill(pid, "SIGKILL");
    await expect.poll(() => pool.counters.processes_started, patient).toBe(2);
    const second = await pool.take();
    seat.release();
    expect(isRunning(second.pid)).toBe(true);
    await expect(pool.take()).rejects.toMatchObject({ code: "NO_BOT_FREE" });
    expect(pool.counters.processes_failed).toBe(0);
  });

  it("offer another process to a call that could not be connected, three at most", async () => {
    await using pool = open({ warm: 2 });
    const urls: string[] = [];
    for await (const seat of pool.seats.offer({}, forever)) {
      urls.push(seat.url);
      seat.failed();
      seat.release();
    }
    expect(new Set(urls).size).toBe(3);
    expect(pool.counters.processes_failed).toBe(3);
  });

  it("hand on the key and the body, and not the server's secrets", async () => {
    vi.stubEnv("WAVIX_API_KEY", "secret");
    vi.stubEnv("WEBHOOK_SECRET_PREVIOUS", "secret");
    vi.stubEnv("STREAM_TOKEN_SECRET", "secret");
    vi.stubEnv("OPERATOR_TOKEN", "secret");
    vi.stubEnv("DEEPGRAM_API_KEY", "the bot's");
    try {
      await using pool = open({ url: "ws://localhost:{port}/ws?a=b", key: "pk", body: { language: "de" } });
      const { seat, env } = await pool.take();
      const url = new URL(seat.url);
      expect(url.searchParams.get("a")).toBe("b");
      expect(JSON.parse(atob(url.searchParams.get("body") as string))).toEqual({ language: "de", call_id: "call-1" });
      expect(seat.headers).toEqual({ authorization: "Bearer pk" });
      expect(env).toContain("DEEPGRAM_API_KEY");
      expect(env.filter((name) => /WAVIX|SECRET|OPERATOR/.test(name))).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });
});

describe("the end of a bot's process", () => {
  it("is that of all it has started, SIGKILL for what does not go", async () => {
    await using pool = open({ command: bot("--grandchild --stubborn"), stopMs: 300 });
    const { seat, pid, grandchild } = await pool.take();
    expect([pid, grandchild].every(isRunning)).toBe(true);
    seat.release();
    await untilGone(pid, grandchild);
  });

  it("is that of what it leaves behind when it dies by itself", async () => {
    await using pool = open({ command: bot("--grandchild"), stopMs: 300 });
    const { seat, pid, grandchild } = await pool.take();
    process.kill(pid, "SIGKILL");
    await untilGone(pid, grandchild);
    seat.release();
  });

  it("comes to all when the seats are closed, which waits for it", async () => {
    const pool = open({ warm: 2, command: bot("--grandchild"), stopMs: 300 });
    const { pid, grandchild } = await pool.take();
    const waiting = open({ command: bot("--deaf") });
    const offer = waiting.seats.offer({}, forever).next();
    await Promise.all([pool.seats.close(), waiting.seats.close()]);
    expect([pid, grandchild].filter(isRunning)).toEqual([]);
    expect(await offer).toMatchObject({ done: true });
    expect(await pool.seats.offer({}, forever).next()).toMatchObject({ done: true });
  });

  const ends: [string, (owner: ChildProcess) => unknown, unknown[]][] = [
    ["exits", (owner) => owner.stdin?.write("exit"), [0, null]],
    ["has nothing left to do", (owner) => owner.stdin?.end(), [0, null]],
    ["throws", (owner) => owner.stdin?.write("throw"), [1, null]],
    ["is ended by SIGTERM", (owner) => owner.kill("SIGTERM"), [null, "SIGTERM"]],
    ["is ended by SIGINT", (owner) => owner.kill("SIGINT"), [null, "SIGINT"]],
    ["is killed by SIGKILL", (owner) => owner.kill("SIGKILL"), [null, "SIGKILL"]],
  ];
  it.concurrent.for(ends)("comes when the process that started it %s", async ([, end, how], { expect }) => {
    const owner = spawn(process.execPath, [OWNER, bot("--grandchild")], { stdio: ["pipe", "pipe", "ignore"] });
    const [line] = await once(owner.stdout, "data");
    const pids = JSON.parse(String(line)) as number[];
    expect(pids.filter(isRunning)).toEqual(pids);
    const ended = once(owner, "exit");
    end(owner);
    expect(await ended).toEqual(how);
    // The child of the bot does not listen to SIGTERM, which it is given five seconds for.
    await untilGone(...pids);
  });
});

describe("the shell that ends what is left", () => {
  it.runIf(process.platform === "linux")("is not needed where this process can do it itself", async ({ expect }) => {
    const owner = spawn(process.execPath, [OWNER, bot("--grandchild")], { stdio: ["pipe", "pipe", "ignore"] });
    const [line] = await once(owner.stdout, "data");
    const pids = JSON.parse(String(line)) as number[];
    const [guard, ...others] = childrenOf(owner.pid as number).filter(({ name }) => name === "sh");
    expect(others).toEqual([]);
    process.kill(guard?.pid as number, "SIGKILL");
    await vi.waitFor(() => expect(childrenOf(owner.pid as number).map(({ name }) => name)).not.toContain("sh"));
    owner.stdin.write("exit");
    await once(owner, "exit");
    await untilGone(...pids);
  });
});

describe("free ports", () => {
  it("are different ones until they are given back", async () => {
    const places = await Promise.all(Array.from({ length: 30 }, () => takeFreePort()));
    expect(new Set(places.map(({ port }) => port)).size).toBe(30);
    for (const { giveBack } of places) giveBack();
  });

  it("are none that others listen on, nor that the system gives to who names none", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port: blocked } = blocker.address() as AddressInfo;
    const { port: free, giveBack } = await takeFreePort();
    giveBack();
    expect(free).toBeLessThan(32_768);
    const choices = [blocked, free];
    const place = await takeFreePort(() => choices.shift() as number);
    expect(place.port).toBe(free);
    place.giveBack();
    await expect(takeFreePort(() => blocked)).rejects.toThrow("there is no free port");
    await expect(takeFreePort(() => 70_000)).rejects.toThrow(RangeError);
    blocker.close();
  });
});

describe("what a process said last", () => {
  it("is kept to 4 KB, and forgotten with its call", () => {
    const [output, errors] = [new PassThrough(), new PassThrough()];
    const tail = new OutputTail(output, errors, null);
    for (let i = 0; i < 5_000; i++) (i % 2 === 0 ? output : errors).emit("data", Buffer.from(`line ${i}\n`));
    expect(tail.text).toMatch(/line 4998\nline 4999$/);
    expect(tail.text.length).toBeLessThanOrEqual(4_096);
    expect(tail.text.length).toBeGreaterThan(4_000);
    output.emit("data", Buffer.alloc(100_000, "x"));
    expect(tail.text).toBe("x".repeat(4_096));
    tail.forget();
    errors.emit("data", Buffer.from("what a caller has said"));
    expect(tail.text).toBe("");
  });
});

describe("a bot's process", () => {
  it("has said nothing once it has had a call", async () => {
    const words = splitCommand(bot("--say hello"));
    const place = { words, startTimeoutMs: 10_000, output: "drop", stopMs: 5_000 } as const;
    const process = new BotProcess(place);
    expect(await process.started).toBeUndefined();
    expect(process.failure("failed").message).toBe("the bot's process failed: hello");
    process.give();
    expect(process.failure("failed").message).toBe("the bot's process failed");
    await process.stop();
  });
});

describe("a command", () => {
  const words: [string, string[]][] = [
    ["python bot.py --port {port}", ["python", "bot.py", "--port", "{port}"]],
    ["  a\tb\n c ", ["a", "b", "c"]],
    [`"my bot.py" 'it is "so"' ""`, ["my bot.py", 'it is "so"', ""]],
    [String.raw`a\ b 'c\d' "e\"f\\"`, ["a b", String.raw`c\d`, String.raw`e"f\ `.trim()]],
    [`--name='a b'"c d"e`, ["--name=a bc de"]],
    ["a $HOME `b` ; c && d | e > f", ["a", "$HOME", "`b`", ";", "c", "&&", "d", "|", "e", ">", "f"]],
  ];
  it.for(words)("%j is read as a shell would, without being one", ([command, expected]) => {
    expect(splitCommand(command)).toEqual(expected);
  });

  it.for(["", "  ", "''", "a 'b", 'a "b', "a \\"])("%j is refused", (command) => {
    expect(() => splitCommand(command)).toThrow(TypeError);
  });
});

describe("the back-off of starts", () => {
  it("is none after the first failure, doubles to 30 s, and ends with a success", () => {
    vi.useFakeTimers();
    try {
      const backOff = new StartBackOff();
      const waits = Array.from({ length: 12 }, () => {
        backOff.failed(0);
        return backOff.waitMs;
      });
      expect(waits.slice(0, 5)).toEqual([0, 200, 400, 800, 1_600]);
      expect(waits.slice(-2)).toEqual([30_000, 30_000]);
      expect(backOff.isBroken).toBe(true);
      vi.advanceTimersByTime(29_999);
      expect(backOff.waitMs).toBe(1);
      vi.advanceTimersByTime(2);
      expect(backOff.waitMs).toBe(0);
      backOff.failed(10_000);
      expect([backOff.waitMs, backOff.isBroken]).toEqual([0, false]);
      backOff.failed(0);
      backOff.succeeded();
      expect([backOff.waitMs, backOff.isBroken]).toEqual([0, false]);
    } finally {
      vi.useRealTimers();
    }
  });
});
