/** Scripts that put no space between words, and their marks, which bring their own. */
const UNSPACED = "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}";
const OWN_SPACE = "、。，．！？：；…」』）】";
/** Between these two nothing belongs. */
const ENDS_UNSPACED = new RegExp(`[${UNSPACED}${OWN_SPACE}]$`, "u");
const BEGINS_UNSPACED = new RegExp(`^[${UNSPACED}「『（【]`, "u");
const ENDS_WITH_OWN_SPACE = new RegExp(`[${OWN_SPACE}]$`, "u");

/**
 * Puts pieces of speech together to a text: with spaces, but not within Chinese or Japanese.
 *
 * @example
 * concatenateText(["Hello", "there."]); // "Hello there."
 * concatenateText(["こんにちは。", "元気ですか。"]); // "こんにちは。元気ですか。"
 */
export function concatenateText(pieces: readonly string[]): string {
  let text = "";
  for (const piece of pieces) {
    if (piece === "") continue;
    const isJoined =
      text === "" || ENDS_WITH_OWN_SPACE.test(text) || (ENDS_UNSPACED.test(text) && BEGINS_UNSPACED.test(piece));
    text += isJoined ? piece : ` ${piece}`;
  }
  return text;
}
