/** This server's own, of which a bot's process has no need. */
const SECRETS = /^(WAVIX_API_KEY|WEBHOOK_SECRET|STREAM_TOKEN_SECRET|OPERATOR_TOKEN)/;

/** What a bot's process gets of an environment: all but the server's secrets. */
export function botEnvironment(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !SECRETS.test(name)));
}
