import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { pipecatSettingNames } from "../../src/bots/pipecat/index.ts";
import { voiceSettingNames } from "../../src/bots/voice/index.ts";
import { providerSettingNames } from "../../src/cli/doctor/providers.ts";
import { tunnelSettingNames } from "../../src/cli/tunnel.ts";
import { settingNames } from "../../src/server/index.ts";
import { command, folder } from "../support/commands.ts";

const example = readFileSync(new URL("../../.env.example", import.meta.url), "utf8");

describe(".env.example", () => {
  const names = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name as string);

  it("names variables that there are, each once, and all that a first call needs", () => {
    const known = [...settingNames, ...pipecatSettingNames, ...tunnelSettingNames, ...voiceSettingNames];
    // What the doctor asks the services by is what the bot is made by.
    expect(voiceSettingNames).toEqual(expect.arrayContaining([...providerSettingNames]));
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
    const chosen = providerSettingNames.filter((name) => !name.endsWith("_BASE_URL"));
    const needed = ["WAVIX_API_KEY", "PUBLIC_URL", "WEBHOOK_SECRET", ...tunnelSettingNames, ...chosen];
    expect(names).toEqual(expect.arrayContaining(needed));
  });

  it("says where every key comes from, and has none in it", () => {
    const keys = names.filter((name) => /_(KEY|TOKEN)$/.test(name));
    expect(keys.length).toBeGreaterThan(4);
    for (const key of keys) {
      const [, block = ""] = new RegExp(`((?:^#.*\\n)+)${key}=$`, "m").exec(example) ?? [];
      expect(block, key).toContain("https://");
    }
  });

  it("is as good as nothing until it is filled in", async () => {
    writeFileSync(join(folder(), ".env"), example);
    const { stdout } = await command(["doctor", "--json"]);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; text: string }[] };
    expect(checks.find(({ name }) => name === ".env")?.text).toBe("read");
    expect(checks.find(({ name }) => name === "Settings")?.text).toBe(
      "WAVIX_API_KEY is missing; PUBLIC_URL is missing, or NGROK_AUTH_TOKEN",
    );
  });
});
