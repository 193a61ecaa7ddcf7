import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Puts a stand-in for `@ngrok/ngrok` into the `node_modules` of a folder: its tunnels are relays on this machine, and the
 * token says how it fails (`bad`, `full`, `odd`, `nameless`, `tcp`). What it was asked and that it was closed is in `ngrok.jsonl` there.
 */
export function installFakeNgrok(folder: string): void {
  const place = join(folder, "node_modules", "@ngrok", "ngrok");
  mkdirSync(place, { recursive: true });
  writeFileSync(
    join(place, "package.json"),
    JSON.stringify({ name: "@ngrok/ngrok", version: "1.7.0", main: "index.js" }),
  );
  writeFileSync(join(place, "index.js"), `(${fake})(require, module);`);
}

/** Runs in the command's process, as CommonJS, as the real one does. */
function fake(require: NodeJS.Require, module: { exports: object }): void {
  const { createServer, connect } = require("node:net") as typeof import("node:net");
  const { appendFileSync } = require("node:fs") as typeof import("node:fs");
  const note = (what: object) => appendFileSync("ngrok.jsonl", `${JSON.stringify(what)}\n`);
  const fail = (message: string, errorCode?: string) =>
    Object.assign(new Error(message), { code: "GenericFailure", ...(errorCode === undefined ? {} : { errorCode }) });
  module.exports = {
    async forward(options: { addr: string; authtoken: string; domain?: string }) {
      note({ addr: options.addr, domain: options.domain });
      const { authtoken } = options;
      if (authtoken.startsWith("bad")) {
        throw fail(`failed to connect session: The authtoken is malformed.\nYours: ${authtoken}`, "ERR_NGROK_105");
      }
      if (authtoken.startsWith("full")) {
        throw fail("Your account is limited to 1 simultaneous ngrok agent sessions.\nRead more …", "ERR_NGROK_108");
      }
      if (authtoken.startsWith("odd")) throw fail(`failed for ${authtoken}\nat length`);
      const [host, port] = options.addr.split(":") as [string, string];
      const relay = createServer((from) => {
        const to = connect(Number(port), host);
        for (const [a, b] of [
          [from, to],
          [to, from],
        ] as const) {
          a.on("error", () => b.destroy());
          a.pipe(b);
        }
      });
      await new Promise<void>((resolve) => {
        relay.listen(0, "127.0.0.1", resolve);
      });
      const { port: relayPort } = relay.address() as { port: number };
      return {
        url() {
          if (authtoken.startsWith("nameless")) return null;
          return `${authtoken.startsWith("tcp") ? "tcp" : "http"}://127.0.0.1:${relayPort}`;
        },
        async close() {
          note({ closed: true });
          relay.close();
        },
      };
    },
  };
}
