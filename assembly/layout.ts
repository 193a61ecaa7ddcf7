// Memory map. Static data of the compiler (the literals of a message) starts at 896 KiB (asconfig.json: memoryBase), so that
// everything below has an address known at compile time.
//
//   0x00000  RESULT    what the last call found, beside its return value (see media-message.ts)
//   0x00100  FREE      heads of the free lists, one per slot size
//   0x00400  PREFIX    start of an outgoing message: everything before the payload
//   0x00A00  HISTORY   room for the samples that precede PCM while a resampler runs
//   0x01000  PCM       PCM16 in: 24,576 samples; 64 spare bytes for kernels that load and store whole vectors and blocks
//   0x10000  MESSAGE   one incoming message, 64 KiB; 64 spare bytes
//   0x21000  OUT       PCM16 out (24,576 × 6 samples at most, 8 → 48 kHz), or outgoing messages; 64 spare bytes before it
//   0x69000  PAIRS     base64: twelve bits → two characters, 8 KiB
//   0x6B000  SEXTETS   base64: a character → six bits, 256 bytes
//   0x6C000  WINDOW    scalar: history and input of the running resampler, as doubles
//   0xA0000  BACKWARDS scalar: the same, the newest first, behind 16 zeros
//   0xE0000  static data, then the heap: resampler slots and tap tables, never moved
//
// A slot is one resampler:
//
//   0   u32  generation; the top bit is set while the slot is in use
//   4   u32  address of the tap table      (while free: address of the next free slot)
//   8   u32  position: outputs so far, modulo the table's period
//   12  u32  next: how many more inputs come before the newest one of the next output
//   16  u8   size of the slot / 64
//   32  i16  history: the last inputs, as many as there are taps
//
// A tap table (tap-table.ts); its blocks, or its directory, begin at 64:
//
//   0   u32  interpolation                 4   u32  decimation
//   8   u32  taps: samples of history      12  u32  period: outputs after which the same rows come again
// Blocks (fir-blocks.ts):
//  16  u32  rows of a block               20  u32  samples by which its newest lies before that of its last output
//  24  u32  vectors of a row              28  u32  first vector of the centre
//  32  u32  vectors of the centre
// Rows (fir-rows.ts), scalar:
//  16  u32  where the rows begin, behind the directory

export const RESULT: usize = 0x00000;
export const FREE: usize = 0x00100;
export const PREFIX: usize = 0x00400;
export const PREFIX_CAPACITY: i32 = 0x600;
export const PCM: usize = 0x01000;
export const PCM_CAPACITY: i32 = 24576;
export const MESSAGE: usize = 0x10000;
export const MESSAGE_CAPACITY: i32 = 65536;
export const OUT: usize = 0x21000;
export const OUT_CAPACITY: i32 = 294912;

export const PAIRS: usize = 0x69000;
export const SEXTETS: usize = 0x6b000;
/** Doubles: the longest history (8 kHz from 48 kHz, 576 taps) and PCM. */
export const WINDOW: usize = 0x6c000;
export const BACKWARDS: usize = 0xa0000;

export const SLOT_GENERATION: usize = 0;
export const SLOT_TABLE: usize = 4;
export const SLOT_NEXT_FREE: usize = 4;
export const SLOT_POSITION: usize = 8;
export const SLOT_NEXT: usize = 12;
export const SLOT_SIZE_CLASS: usize = 16;
export const SLOT_HISTORY: usize = 32;

export const TABLE_INTERPOLATION: usize = 0;
export const TABLE_DECIMATION: usize = 4;
export const TABLE_TAP_COUNT: usize = 8;
export const TABLE_PERIOD: usize = 12;
export const TABLE_BLOCK_ROWS: usize = 16;
export const TABLE_NEWEST_AGE: usize = 20;
export const TABLE_VECTORS: usize = 24;
export const TABLE_COARSE_START: usize = 28;
export const TABLE_COARSE_VECTORS: usize = 32;
export const TABLE_ROWS: usize = 16;
export const TABLE_BODY: usize = 64;

const IN_USE: u32 = 0x80000000;
// A handle is the slot's address / 64 in its low 20 bits and the slot's generation in the upper 12.
const GENERATIONS: u32 = 0xfff;
const HANDLE_LIMIT: usize = 1 << 26;

let heapEnd: usize = 0;

/** The end of the heap, with so much memory behind it; it is not taken. 0 when the engine gives no more. */
export function heapReserve(byteLength: usize): usize {
  if (heapEnd == 0) heapEnd = (__heap_base + 63) & ~63;
  const missing = <i32>(heapEnd + byteLength) - (memory.size() << 16);
  if (missing > 0 && memory.grow((missing + 0xffff) >>> 16) < 0) return 0;
  return heapEnd;
}

/** Takes bytes from the end of the heap for good; 0 when the engine gives no more memory. */
export function allocate(byteLength: usize): usize {
  const rounded = (byteLength + 63) & ~63;
  const start = heapReserve(rounded);
  if (start != 0) heapEnd = start + rounded;
  return start;
}

/** A slot with room for the history, from the free list of its size or from the heap; its handle, or 0. */
export function openSlot(tapCount: i32): u32 {
  const sizeClass = (SLOT_HISTORY + ((<usize>tapCount) << 1) + 63) >> 6;
  const head = FREE + (sizeClass << 2);
  let slot = <usize>load<u32>(head);
  if (slot != 0) {
    store<u32>(head, load<u32>(slot, SLOT_NEXT_FREE));
  } else {
    if (heapEnd >= HANDLE_LIMIT) return 0;
    slot = allocate(sizeClass << 6);
    if (slot == 0) return 0;
    store<u32>(slot, 1, SLOT_GENERATION);
    store<u8>(slot, <u8>sizeClass, SLOT_SIZE_CLASS);
  }
  const generation = load<u32>(slot, SLOT_GENERATION);
  store<u32>(slot, generation | IN_USE, SLOT_GENERATION);
  return (<u32>slot >> 6) | (generation << 20);
}

/** The slot a handle stands for; 0 when it was closed, or never opened. */
export function slotOf(handle: u32): usize {
  const slot = (<usize>handle & 0xfffff) << 6;
  if (slot < __heap_base || slot >= heapEnd) return 0;
  return load<u32>(slot, SLOT_GENERATION) == ((handle >> 20) | IN_USE) ? slot : 0;
}

/** Gives a slot back. Its next generation makes the old handle stale. */
export function closeSlot(handle: u32): bool {
  const slot = slotOf(handle);
  if (slot == 0) return false;
  const generation = ((handle >> 20) + 1) & GENERATIONS;
  store<u32>(slot, generation == 0 ? 1 : generation, SLOT_GENERATION);
  const head = FREE + ((<usize>load<u8>(slot, SLOT_SIZE_CLASS)) << 2);
  store<u32>(slot, load<u32>(head), SLOT_NEXT_FREE);
  store<u32>(head, <u32>slot);
  return true;
}
