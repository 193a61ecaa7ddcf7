import { type ParseArgsConfig, parseArgs } from "node:util";

/** A mistake on the command line or in the settings: said in a line or a few, exit code 2. */
export class UsageError extends Error {}

export type Options = NonNullable<ParseArgsConfig["options"]>;

/** The options of a command line, as `parseArgs` gives them. */
export type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

/** Parses a command line; `--help` prints `help` and gives null. */
export function readArguments<T extends Options>(argv: string[], help: string, options: T): Values<T> | null {
  const config = { args: argv, strict: true, options: { ...options, help: { type: "boolean", short: "h" } } } as const;
  try {
    const { values } = parseArgs(config);
    if (!(values as { help?: boolean }).help) return values as Values<T>;
    console.log(help);
    return null;
  } catch (error) {
    throw new UsageError(`${(error as Error).message.split(/\.\s/)[0]}; try --help`);
  }
}

/** The words that are no options, and the rest: {@link readArguments} takes no such words. */
export function takeOperands(argv: string[], options: Options): { operands: string[]; rest: string[] } {
  const config = { args: argv, options, strict: false, allowPositionals: true, tokens: true } as const;
  const places = new Set<number>();
  for (const token of parseArgs(config).tokens) if (token.kind === "positional") places.add(token.index);
  return { operands: argv.filter((_, i) => places.has(i)), rest: argv.filter((_, i) => !places.has(i)) };
}

/** The whole number behind an option. */
export function readInteger(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max) {
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, got ${text}`);
  }
  return value;
}
