/** Pictures and their joiners; © ® ™ are pictures by Unicode's book, words by the ear. */
const EMOJI = /(?![©®™])\p{Extended_Pictographic}|\p{Regional_Indicator}|\p{Emoji_Modifier}|\uFE0F|\u200D|\u20E3/gu;

/**
 * A text without what is written for the eye: Markdown's signs and emojis. Spaces at its ends stay, as one each.
 *
 * @example
 * speakable("## **Prices**: `12` € 🎉 per [month](https://example.com) "); // "Prices: 12 € per month "
 */
export function speakable(text: string): string {
  return (
    text
      .replace(/!?\[([^\]\n]*)\]\([^)\s]*\)/g, "$1")
      .replace(/`+/g, "")
      .replace(EMOJI, "")
      // At the beginning of a line: a heading, a quotation, a point of a list, a rule, the head of a table.
      .replace(/^[ \t]*(?:#{1,6}[ \t]+|>+[ \t]*|[-*+•▪◦–][ \t]+|(?:[-*_=][ \t]*){3,}$|[|:\- ]+$)/gm, "")
      // Emphasis holds on to its words; «2 * 3» and a_name stay.
      .replace(/(?<=\S)[*~]{1,3}|[*~]{1,3}(?=\S)/g, "")
      .replace(/(?<![\p{L}\p{N}_])_{1,3}(?=\S)|(?<=\S)_{1,3}(?![\p{L}\p{N}_])/gu, "")
      .replace(/\|/g, " ")
      .replace(/\s+/g, " ")
  );
}

/** Whether there is anything in a text that can be said. @example isSpeakable("**"); // false */
export function isSpeakable(text: string): boolean {
  return /[\p{L}\p{N}]/u.test(text);
}
