/**
 * A command's words, as a shell would see them, and no more of a shell than that: blanks part them, `'…'` and `"…"` hold
 * them together, and a backslash keeps what follows from meaning anything (not within `'…'`).
 *
 * @throws TypeError when a quote is not closed, or there is no word
 *
 * @example
 * splitCommand(`python "my bot.py" --port 80`); // ["python", "my bot.py", "--port", "80"]
 */
export function splitCommand(command: string): [string, ...string[]] {
  const words: string[] = [];
  // Undefined between words: "" is one.
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < command.length; i++) {
    const char = command[i] as string;
    if (char === "\\" && quote !== "'") {
      if (++i === command.length) throw new TypeError("command must not end with a backslash");
      word = (word ?? "") + command[i];
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word += char;
    } else if (char === "'" || char === '"') {
      quote = char;
      word ??= "";
    } else if (/\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") throw new TypeError(`command must close its ${quote}`);
  if (word !== undefined) words.push(word);
  const [program, ...args] = words;
  if (program === undefined || program === "") throw new TypeError("command must name a program");
  return [program, ...args];
}
