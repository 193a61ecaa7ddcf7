import type { Peer } from "./peer.ts";

/** What sample code does: a straight line between two samples, each chunk for itself. */
export const linearPeer: Peer = {
  name: "linear",
  version: "",
  setting: "naive, without a state, as in sample code",
  lowestSinadDb: 0,
  slack: 0,
  memoryStreams: 0,
  open: ({ inputRate, outputRate }) => {
    const step = inputRate / outputRate;
    return {
      process(input, output) {
        const last = input.length - 1;
        const length = Math.min(output.length, Math.round(input.length / step));
        for (let i = 0; i < length; i++) {
          const position = i * step;
          const index = Math.floor(position);
          const before = input[index]!;
          const after = input[Math.min(index + 1, last)]!;
          output[i] = Math.round(before + (after - before) * (position - index));
        }
        return length === output.length ? output : output.subarray(0, length);
      },
      close() {},
    };
  },
};
