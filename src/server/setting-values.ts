import { availableParallelism } from "node:os";
import { z } from "zod";
import { AddressList } from "./client-address.ts";

// Values that only a server's settings have; see settings/ for the others.

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
