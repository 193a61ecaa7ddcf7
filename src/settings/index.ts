/**
 * What a variable of the environment may hold. The messages go behind its name: "PORT must be …". The value is never
 * quoted: it may be a secret, mistyped.
 */
import { z } from "zod";

export const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);
export const seconds = (min: number, max: number) => integer(min, max).transform((value) => value * 1_000);
export const flag = z
  .string()
  .regex(/^(0|1|true|false)$/, "must be 1 or 0")
  .transform((value) => value === "1" || value === "true");
export const url = (protocols: string[]) =>
  z
    .string()
    .refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol), {
      message: `must be a URL that starts with ${protocols.map((protocol) => `${protocol}//`).join(" or ")}`,
    })
    .transform((value) => new URL(value))
    .refine(({ search, hash, username, password }) => search + hash + username + password === "", {
      message: "must be a URL without user name, query and fragment",
    })
    // Paths are put behind it.
    .transform(({ href }) => href.replace(/\/+$/, ""));
export const oneOf = <T extends string>(...values: [T, ...T[]]) =>
  z.enum(values, { message: `must be one of ${values.join(", ")}` });
/** Values with commas between them. */
export const list = <T>(item: z.ZodType<T, string>, max: number) =>
  z
    .string()
    .transform((value) => value.split(",").map((part) => part.trim()))
    .pipe(z.array(item).max(max, `must have ${max} values at most`));
/** A key of somebody's service. */
export const key = z.string().regex(/^\S+$/, "must be a key: no spaces");
export const word = z.string().regex(/^\S{1,200}$/, "must be one word");
export const text = z.string().max(20_000, "must have 20000 characters at most");

/** Those of an environment that are set: what is empty is not. */
export function givenOf<Name extends string>(
  names: readonly Name[],
  env: Readonly<Record<string, string | undefined>>,
): Partial<Record<Name, string>> {
  const trimmed = names.map((name) => [name, env[name]?.trim()]);
  return Object.fromEntries(trimmed.filter(([, value]) => value !== undefined && value !== "")) as never;
}

/** Which keys are missing, all of them in a line; none when all are there. */
export function missingKeys<Name extends string>(
  names: readonly Name[],
  given: Partial<Record<Name, string>>,
): string[] {
  const missing = names.filter((name) => given[name] === undefined);
  if (missing.length === 0) return [];
  const [are, them] = missing.length === 1 ? ["is", "it"] : ["are", "them"];
  return [`${missing.join(", ")} ${are} missing: set ${them} in .env (see .env.example)`];
}

/** What is wrong with them, a line each. */
export function problemsOf(error: z.ZodError | undefined): string[] {
  return (error?.issues ?? []).map(({ path, message }) => `${String(path[0])} ${message}`);
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined> } & {
  [K in keyof T as undefined extends T[K] ? never : K]: T[K];
};

/** Without what is undefined: that would hide a default behind it. */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}
