import { availableParallelism } from "node:os";
import { z } from "zod";
import { AddressList } from "./client-address.ts";

// What a variable of the environment may hold. The messages go behind its name: "PORT must be …". The value is never
// quoted: it may be a secret, mistyped.

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

/** More than a machine has cores helps nobody; what is meant is the machine's own number, or a mistake. */
const MAX_WORKERS = 256;
export const workerCount = z
  .string()
  .regex(/^(auto|\d+)$/, `must be a whole number from 1 to ${MAX_WORKERS}, or auto`)
  .transform((value) => (value === "auto" ? Math.min(availableParallelism(), MAX_WORKERS) : Number(value)))
  .refine((value) => value >= 1 && value <= MAX_WORKERS, `must be a whole number from 1 to ${MAX_WORKERS}, or auto`);

/** Addresses and networks, with commas between them. */
export const networks = z
  .string()
  .transform((value) => value.split(",").map((network) => network.trim()))
  .refine(areNetworks, "must be addresses or networks with commas between them, such as 192.0.2.7,10.0.0.0/8");

function areNetworks(values: string[]): boolean {
  try {
    new AddressList(values);
    return true;
  } catch {
    return false;
  }
}
