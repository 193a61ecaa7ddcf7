/** In ms; the same clock for all processes of the machine, as `performance.now` is not. */
export const clockMs = () => Number(process.hrtime.bigint()) / 1e6;
