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
/** From the middle of a line of text to its base line. */
const BASE = 4;

/** The room a label takes. */
export function labelBox({ x, y, text, anchor }: Label): Box {
  const width = text.length * CHARACTER;
  const left = x - { start: 0, middle: width / 2, end: width }[anchor];
  return { left, top: y + 3 - HEIGHT, right: left + width, bottom: y + 3 };
}

export const overlap = (a: Box, b: Box) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/**
 * Finds a place for the label of each point: beside it, above or below, the first that is inside of the frame and
 * free of points and of labels already placed; if there is none, the one with the fewest in its way.
 */
export function placeLabels(points: readonly Labelled[], frame: Box): Label[] {
  const taken: Box[] = points.map(({ x, y }) => {
    return { left: x - POINT, top: y - POINT, right: x + POINT, bottom: y + POINT };
  });
  const trouble = (label: Label) => {
    const box = labelBox(label);
    const outside =
      box.left < frame.left || box.right > frame.right || box.top < frame.top || box.bottom > frame.bottom;
    return (outside ? 10 : 0) + taken.filter((other) => overlap(box, other)).length;
  };
  return points.map((point) => {
    const best = placesFor(point).reduce((a, b) => (trouble(b) < trouble(a) ? b : a));
    taken.push(labelBox(best));
    return best;
  });
}

/** Where the label of a point may stand, the best place first. */
function placesFor({ x, y, text }: Labelled): Label[] {
  return [0, -17, 17, -32, 32, -47, 47, -62, 62].flatMap((shift) => {
    const label = { text, y: y + BASE + shift, far: Math.abs(shift) > 20 };
    const beside: Label[] = [
      { ...label, x: x + GAP, anchor: "start" },
      { ...label, x: x - GAP, anchor: "end" },
    ];
    return shift === 0 ? beside : [{ ...label, x, anchor: "middle" }, ...beside];
  });
}
