/** Protobuf's numbers: seven bits to a byte, the lowest first; the top bit says that more follow. */

/** Bytes of a number below 2²¹. @internal */
export const varintByteLength = (value: number) => (value < 0x80 ? 1 : value < 0x4000 ? 2 : 3);

/** Writes a number below 2²¹. @returns where the next byte goes @internal */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;
  return end;
}

/** Reads a number below 2²¹ that has no more bytes than it needs; −1 for any other. @internal */
export function readVarint(bytes: Uint8Array, at: number): number {
  const end = Math.min(at + 3, bytes.length);
  let value = 0;
  for (let i = at, shift = 0; i < end; i++, shift += 7) {
    const byte = bytes[i] as number;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return byte === 0 && shift > 0 ? -1 : value;
  }
  return -1;
}

/** @returns where a number of at most nine bytes, 63 bits, ends; −1 when it is longer or cut off @internal */
export function skipVarint(bytes: Uint8Array, at: number): number {
  const end = Math.min(at + 9, bytes.length);
  for (let i = at; i < end; i++) {
    if ((bytes[i] as number) < 0x80) return i + 1;
  }
  return -1;
}
