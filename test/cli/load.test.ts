import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command, folder, localUrl, running, start } from "../support/commands.ts";
import { freePort } from "../support/free-port.ts";

async function serverFor(env: Record<string, string> = {}) {
  const apiPort = `${await freePort()}`;
  const server = await start([], { WAVIX_API_BASE: `http://127.0.0.1:${apiPort}`, ...env });
  return { server, argv: ["load", "--server", localUrl(server.output), "--api-port", apiPort, "--json"] };
}

describe("load", () => {
  it("places its calls from several processes at a server of its own, and measures", async () => {
    const argv = ["load", "--bot", "echo", "--calls", "8", "--seconds", "2", "--ramp", "0.4s", "--processes", "2"];
    const { code, stdout, stderr } = await command([...argv, "--json"]);
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toHaveLength(1);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({
      ok: true,
      calls: 8,
      held: 8,
      setUpFailures: 0,
      broken: 0,
      processes: 2,
      seconds: 2,
    });
    expect(figures).toMatchObject({ packetsLost: 0, invalidMessages: 0, reasons: {}, firstReason: null, problems: [] });
    // 2.35 s each.
    expect(figures.packetsSent).toBeGreaterThan(8 * 100);
    expect(figures.packetsSent).toBeLessThanOrEqual(8 * 118);
    expect(figures.packetsReceived).toBeGreaterThan(8 * 80);
    // The echo is 60 ms of playout delay away, at least, and one packet.
    expect(figures.roundTripMs.p50).toBeGreaterThanOrEqual(60);
    expect(figures.markersHeard).toBeGreaterThanOrEqual(8);
    for (const name of ["p50", "p95", "p99"]) expect(figures.setUpMs[name]).toBeGreaterThan(0);
    expect(typeof figures.trusted).toBe("boolean");
    for (const name of ["loadCores", "serverCores", "serverRssMb"]) expect(figures[name]).toBeGreaterThan(0);
    expect(code).toBe(0);
  }, 30_000);

  it("counts the calls for which a server has no room, and says why", async () => {
    const { server, argv } = await serverFor({ MAX_CALLS: "3", WEBHOOK_SECRET: "not-for-logs" });
    argv[2] += "/wavix/inbound/not-for-logs";
    const { code, stdout } = await command([...argv, "--calls", "5", "--seconds", "1", "--ramp", "10"]);
    const figures = JSON.parse(stdout);
    expect(figures).toMatchObject({ ok: false, calls: 5, held: 3, setUpFailures: 2, broken: 0 });
    expect(figures).toMatchObject({ reasons: { "not accepted: capacity": 2 }, firstReason: "not accepted: capacity" });
    expect(figures.problems).toEqual(["2 of 5 calls were not held; the first: not accepted: capacity"]);
    expect(code).toBe(1);
    server.child.kill("SIGTERM");
    expect(await server.exit).toBe(0);
  }, 30_000);

  it("ends when the server dies", async () => {
    const { server, argv } = await serverFor();
    const { outcome } = running([...argv, "--calls", "3", "--seconds", "60"]);
    while (server.output.split("call streaming").length < 4) await once(server.child.stdout, "data");
    server.child.kill("SIGKILL");
    const { code, stdout } = await outcome;
    expect(JSON.parse(stdout)).toMatchObject({ held: 0, broken: 3, firstReason: "the stream's socket broke" });
    expect(code).toBe(1);
  }, 30_000);

  it("hangs up and prints what it has on Ctrl-C; a bot that is no echo has no round trip", async () => {
    const bot = join(folder(), "bot.mjs");
    writeFileSync(bot, 'export default (call) => (console.error("up"), call.closed);');
    const { child, outcome } = running(["load", "--bot", bot, "--calls", "4", "--seconds", "60", "--ramp", "2"]);
    let said = "";
    child.stderr!.on("data", (data) => {
      said += data;
    });
    // The first one warms the server up.
    while (said.split("up\n").length < 3) await once(child.stderr!, "data");
    child.kill("SIGINT");
    const { code, stdout, stderr } = await outcome;
    expect(stderr).toMatch(/^(up\n){2,4}$/);
    expect(stdout).toMatch(
      /^4 calls to a server started for this, http:.*: 2 more a second, then 60 s with all of them\n/,
    );
    expect(stdout).toMatch(/round trip {2}not measured: no echo of the markers came back\n/);
    expect(stdout).toMatch(/Not right: stopped after \d\.\d s\n/);
    expect(code).toBe(1);
  }, 30_000);

  it("says in a line what is wrong", async () => {
    const port = await freePort();
    const mistakes: [string[], number, RegExp][] = [
      [
        ["--server", `http://127.0.0.1:${port}`],
        1,
        /^pipecat-wavix load: no server at http.*ECONNREFUSED.*npm start\n$/,
      ],
      [["--ramp", "slow"], 2, /--ramp must be calls a second, such as 50, or a time, such as 30s, got slow\n$/],
      [["--calls", "0"], 2, /--calls must be a whole number from 1 to 20000, got 0\n$/],
      [
        ["--bot", "nobody"],
        2,
        /--bot must be echo, pipecat, voice, realtime or a file such as .\/my-bot.mjs, got nobody\n$/,
      ],
      [["--bot", "echo", "--server", "http://127.0.0.1"], 2, /--bot is for the server that is started here/],
    ];
    const outcomes = await Promise.all(mistakes.map(([argv]) => command(["load", ...argv])));
    for (const [i, { code, stderr, stdout }] of outcomes.entries()) {
      expect(stderr).toMatch(mistakes[i]![2]);
      expect(stderr.trim().split("\n")).toHaveLength(1);
      expect([code, stdout]).toEqual([mistakes[i]![1], ""]);
    }
  }, 30_000);
});

describe("soak", () => {
  it("lets calls come and go in every way, accounts for all packets and leaves nothing behind", async () => {
    const { code, stdout, stderr } = await command(["soak", "--minutes", "0.04", "--calls", "10", "--json"]);
    expect(stderr).toBe("");
    const report = JSON.parse(stdout);
    expect(report.problems).toEqual([]);
    expect(report).toMatchObject({ ok: true, calls: 10, heap: null, rss: null });
    expect(Object.keys(report.ends).sort()).toEqual(["bot", "caller", "cut", "early caller", "interrupting caller"]);
    for (const direction of [report.toServer, report.fromServer]) {
      expect(direction.sent).toBeGreaterThan(200);
      expect(direction.sent).toBe(direction.received + direction.reportedLost + direction.onCutSockets);
    }
    expect(code).toBe(0);
  }, 40_000);
});
