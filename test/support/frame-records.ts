import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";

/** The bytes of one field: its tag and its value. */
type FieldBytes = Uint8Array;

const record = (write: (writer: BinaryWriter) => BinaryWriter): FieldBytes => write(new BinaryWriter()).finish();

export const concat = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** A number, in as few bytes as it needs or in more, as protobuf allows. */
function varintBytes(value: bigint, extra: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value, left = extra; rest > 0n || bytes.length === 0 || left-- > 0; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn));
  }
  return Uint8Array.from(bytes, (byte, i) => (i < bytes.length - 1 ? byte | 0x80 : byte));
}

const lengthDelimited = (no: number, bytes: Uint8Array, extra = 0): FieldBytes =>
  concat([record((w) => w.tag(no, WireType.LengthDelimited)), varintBytes(BigInt(bytes.length), extra), bytes]);

const extraBytes = fc.constantFrom(0, 0, 0, 0, 1);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 1_000n }));
const uint32 = fc.oneof(fc.constantFrom(8_000, 16_000, 24_000, 384_000), fc.nat({ max: 10 }), fc.nat(2 ** 32 - 1));

/** A value of each wire type under a number that Pipecat does not have. */
function unknownRecord(first: number): fc.Arbitrary<FieldBytes> {
  const no = fc.oneof(fc.integer({ min: first, max: 20 }), fc.integer({ min: first, max: 2 ** 29 - 1 }));
  const simple = fc.oneof(
    fc.tuple(no, uint64).map(([no, value]) => record((w) => w.tag(no, WireType.Varint).uint64(value))),
    fc.tuple(no, uint64).map(([no, value]) => record((w) => w.tag(no, WireType.Bit64).fixed64(value))),
    fc.tuple(no, uint32).map(([no, value]) => record((w) => w.tag(no, WireType.Bit32).fixed32(value))),
    fc.tuple(no, fc.uint8Array({ maxLength: 200 })).map(([no, value]) => lengthDelimited(no, value)),
  );
  const group = fc
    .tuple(no, fc.array(simple, { maxLength: 2 }))
    .map(([no, inner]) =>
      concat([record((w) => w.tag(no, WireType.StartGroup)), ...inner, record((w) => w.tag(no, WireType.EndGroup))]),
    );
  return fc.oneof({ weight: 4, arbitrary: simple }, group);
}

const varint = (no: number, value: fc.Arbitrary<bigint | number>, extra = extraBytes) =>
  fc
    .tuple(value, extra)
    .map(([value, extra]) => concat([record((w) => w.tag(no, WireType.Varint)), varintBytes(BigInt(value), extra)]));
const string = (no: number) =>
  fc.tuple(fc.string({ unit: "binary", maxLength: 40 }), extraBytes).map(([text, extra]) => {
    return lengthDelimited(no, new TextEncoder().encode(text), extra);
  });
const id = varint(1, uint64);
const name = fc.oneof(
  string(2),
  fc.nat(1_000).map((n) => lengthDelimited(2, new TextEncoder().encode(`OutputAudioRawFrame#${n}`))),
);

/** Some fields of a message, in any order, some twice or not at all. */
const body = (known: fc.Arbitrary<FieldBytes>[], unknown: fc.Arbitrary<FieldBytes> | undefined) =>
  fc
    .tuple(
      fc.tuple(...known),
      fc.array(fc.oneof(...known), { maxLength: 2 }),
      unknown === undefined
        ? fc.constant([])
        : fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(unknown, { maxLength: 3 })),
      fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.nat()),
    )
    .chain(([once, twice, unknown, left]) => {
      const all = [...once, ...twice, ...unknown];
      return fc.shuffledSubarray(all, { minLength: left === undefined ? all.length : left % (all.length + 1) });
    })
    .map(concat);

const pcm = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc.integer({ min: 0, max: 200 }).map((n) => Uint8Array.from({ length: 4 * n }, (_, i) => i)),
  fc.constantFrom(62, 63, 640, 1_920, 8_190, 16_384).map((n) => Uint8Array.from({ length: 2 * n }, (_, i) => i * 37)),
);
const audio = body(
  [
    id,
    name,
    fc.tuple(pcm, extraBytes).map(([bytes, extra]) => lengthDelimited(3, bytes, extra)),
    varint(4, fc.oneof({ weight: 6, arbitrary: fc.constantFrom(8_000, 16_000, 24_000, 384_000) }, uint32)),
    varint(5, fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 8 }) }, uint32)),
    varint(6, uint64),
  ],
  unknownRecord(7),
);
const shortest = fc.constant(0);
const uint63 = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n });
const plainAudio = body(
  [
    varint(1, uint63, shortest),
    fc.stringMatching(/^\w{0,30}#\d$/).map((name) => lengthDelimited(2, new TextEncoder().encode(name))),
    pcm.map((bytes) => lengthDelimited(3, bytes)),
    varint(4, fc.constantFrom(8_000, 16_000, 24_000, 384_000), shortest),
    varint(5, fc.integer({ min: 1, max: 8 }), shortest),
    varint(6, uint63, shortest),
  ],
  undefined,
);
const bodies: [number, fc.Arbitrary<Uint8Array>][] = [
  [1, body([id, name, string(3)], unknownRecord(4))],
  [3, body([id, name, string(3), string(4), string(5)], unknownRecord(6))],
  [4, body([string(1)], unknownRecord(2))],
  [5, body([id, name], unknownRecord(3))],
];
const field = (no: number, body: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(body, extraBytes).map(([bytes, extra]) => lengthDelimited(no, bytes, extra));

const audioFrame = field(2, audio);

/** Audio alone, as the libraries write it: no number longer than it needs, names of ASCII; but in any order. */
export const plainAudioFrame: fc.Arbitrary<Uint8Array> = plainAudio.map((bytes) => lengthDelimited(2, bytes));

/** Frames as any protobuf library may write them, now or after a change of the schema. */
export const anyFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  { weight: 3, arbitrary: audioFrame },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.oneof(audioFrame, ...bodies.map(([no, body]) => field(no, body)), unknownRecord(6)), { maxLength: 4 })
      .map(concat),
  },
);

const cut = (whole: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(whole, fc.nat()).map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1)));

const changed = (whole: fc.Arbitrary<Uint8Array>) =>
  fc
    .tuple(whole, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 }))
    .map(([whole, damages]) => {
      const bytes = [...whole];
      for (const [place, byte, kind] of damages) {
        // Most at the front, where tags and lengths stand.
        const at = (place % 2 === 0 ? place % 64 : place) % (bytes.length + 1);
        bytes.splice(at, kind === 2 ? 0 : 1, ...(kind === 1 ? [] : [byte]));
      }
      return Uint8Array.from(bytes);
    });

/** The same, cut off, with bytes changed, put in or taken out, within a length that is right too; or no frame at all. */
export const damagedFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  cut(anyFrame),
  changed(anyFrame),
  field(2, cut(audio)),
  field(2, changed(audio)),
);
