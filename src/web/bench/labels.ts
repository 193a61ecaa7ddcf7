export interface Labelled {
  readonly x: number;
  readonly y: number;
  readonly text: string;
}
/** A label where it stands: `x` is its beginning, middle or end, `y` its base line. */
export interface Label extends Labelled {
  readonly anchor: "start" | "middle" | "end";
  /** Stands so far from its point that a line must lead to it. */
  readonly far: boolean;
  /** There was room: it is inside of the frame, and nobody else's. */
  readonly clear: boolean;
}
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const CHARACTER = 7.1;
const HEIGHT = 13;
const POINT = 6;
const GAP = 8;
/** A label that is no farther than this from another's point on its line is taken for that one's. */
const STRANGE = 16;
/** From the middle of a line of text to its base line. */
const BASE = 4;

/** The room a label takes. */
export function labelBox({ x, y, text, anchor }: Omit<Label, "far" | "clear">): Box {
  const width = text.length * CHARACTER;
  const left = x - { start: 0, middle: width / 2, end: width }[anchor];
  return { left, top: y + 3 - HEIGHT, right: left + width, bottom: y + 3 };
}

export const overlap = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Finds a place for the label of each point: beside it, above or below, the first that is inside of the frame, free of
 * points and of labels already placed, and not beside another's point; if there is none, the one with the fewest in its
 * way.
 *
 * @param taken more that must not be covered
 */
export function placeLabels(points: readonly Labelled[], frame: Box, taken: readonly Box[] = []): Label[] {
  const around = ({ x, y }: Labelled, width: number): Box => {
    return { left: x - width, top: y - POINT, right: x + width, bottom: y + POINT };
  };
  const placed = [...taken];
  return points.map((point) => {
    // Of points that lie on each other, nobody can say whose label is whose.
    const others = points.filter(({ x, y }) => Math.abs(x - point.x) > GAP || Math.abs(y - point.y) > GAP);
    const obstacles = [
      ...placed,
      ...points.map((other) => around(other, POINT)),
      ...others.map((other) => around(other, STRANGE)),
    ];
    const trouble = (place: Place) => {
      const box = labelBox(place);
      const outside =
        box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
      return (outside ? 10 : 0) + obstacles.filter((other) => overlap(box, other)).length;
    };
    const best = placesFor(point).reduce((a, b) => (trouble(b) < trouble(a) ? b : a));
    const label = { ...best, clear: trouble(best) === 0 };
    placed.push(labelBox(label));
    return label;
  });
}

type Place = Omit<Label, "clear">;

/** Where the label of a point may stand, the best place first. */
function placesFor({ x, y, text }: Labelled): Place[] {
  return [0, -17, 17, -32, 32, -47, 47, -62, 62].flatMap((shift) => {
    const place = { text, y: y + BASE + shift, far: Math.abs(shift) > 20 };
    const beside: Place[] = [
      { ...place, x: x + GAP, anchor: "start" },
      { ...place, x: x - GAP, anchor: "end" },
    ];
    return shift === 0 ? beside : [{ ...place, x, anchor: "middle" }, ...beside];
  });
}
