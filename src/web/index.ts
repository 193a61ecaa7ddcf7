/**
 * Pages that the server can hand out. Only this door and what serves them run in Node; the pages run in a browser.
 */
export { benchPage, type PageOptions } from "./page-router.ts";
