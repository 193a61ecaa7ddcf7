/** What a worker's program needs, without the front door: a worker has no port. */
export { ServerError } from "../../errors.ts";
export { runWorker, type WorkerProgram } from "./run-worker.ts";
