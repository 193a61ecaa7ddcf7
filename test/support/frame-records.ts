import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import fc from "fast-check";

/** The bytes of one field: its tag and its value. */
type Record = Uint8Array;

const record = (write: (writer: BinaryWriter) => BinaryWriter): Record => write(new BinaryWriter()).finish();

export const concat = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

/** A field with bytes in it, its length in as few bytes as it needs or in more, as protobuf allows. */
const lengthDelimited = (no: number, bytes: Uint8Array, extra = 0): Record => {
  const length = [];
  for (let rest = bytes.length, left = extra; rest > 0 || length.length === 0 || left-- > 0; rest >>>= 7) {
    length.push(rest & 0x7f);
  }
  const last = length.length - 1;
  const head = length.map((byte, i) => (i < last ? byte | 0x80 : byte));
  return concat([record((w) => w.tag(no, WireType.LengthDelimited)), Uint8Array.from(head), bytes]);
};

const extraBytes = fc.constantFrom(0, 0, 0, 0, 1);
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 1_000n }));
const uint32 = fc.oneof(fc.constantFrom(8_000, 16_000, 24_000, 384_000), fc.nat({ max: 10 }), fc.nat(2 ** 32 - 1));

/** A value of each wire type under a number that Pipecat does not have. */
function unknownRecord(first: number): fc.Arbitrary<Record> {
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

const varint = (no: number, value: fc.Arbitrary<bigint | number>) =>
  value.map((value) => record((w) => w.tag(no, WireType.Varint).uint64(value)));
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
const body = (known: fc.Arbitrary<Record>[], unknown: fc.Arbitrary<Record>) =>
  fc
    .tuple(
      fc.tuple(...known),
      fc.array(fc.oneof(...known), { maxLength: 2 }),
      fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.array(unknown, { maxLength: 3 })),
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
const bodies: [number, fc.Arbitrary<Uint8Array>][] = [
  [1, body([id, name, string(3)], unknownRecord(4))],
  [3, body([id, name, string(3), string(4), string(5)], unknownRecord(6))],
  [4, body([string(1)], unknownRecord(2))],
  [5, body([id, name], unknownRecord(3))],
];
const field = (no: number, body: fc.Arbitrary<Uint8Array>) =>
  fc.tuple(body, extraBytes).map(([bytes, extra]) => lengthDelimited(no, bytes, extra));

/** One field of a Frame with audio in it, and nothing else. */
export const audioFrame: fc.Arbitrary<Uint8Array> = field(2, audio);

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

/** The same, cut off, with bytes changed, put in or taken out; or no frame at all. */
export const damagedFrame: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 60 }),
  fc.tuple(anyFrame, fc.nat()).map(([bytes, at]) => bytes.slice(0, at % (bytes.length + 1))),
  fc
    .tuple(anyFrame, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(2)), { minLength: 1, maxLength: 3 }))
    .map(([frame, damages]) => {
      const bytes = [...frame];
      for (const [place, byte, kind] of damages) {
        // Most at the front, where tags and lengths stand.
        const at = (place % 2 === 0 ? place % 64 : place) % (bytes.length + 1);
        if (kind === 0) bytes.splice(at, 1, byte);
        else if (kind === 1) bytes.splice(at, 1);
        else bytes.splice(at, 0, byte);
      }
      return Uint8Array.from(bytes);
    }),
);
