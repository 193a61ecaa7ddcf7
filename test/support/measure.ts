// The definitions that the figures are made by are those the tests hold the codec to.
export { levelDb, sinadDb } from "../../src/web/bench/sinad.ts";
