import type { CallerFigures } from "./caller.ts";
import { type BotName, GREETING, INTERRUPTION, LONG_ANSWER, QUESTION, SCRIPTED_MS, SHORT_ANSWER } from "./scenario.ts";
import type { CallHistory } from "./server-child.ts";

/** An echo's first and last words are lost where the stream begins and ends. */
const LEAST_MARKERS = 0.9;

/** What was not as scripted in a call, in a line each: nothing is worth timing then. `heardAtMs` as the services tell it. */
export function problemsOf(
  bot: BotName,
  caller: CallerFigures,
  history: CallHistory,
  heardAtMs: readonly number[],
): string[] {
  const { failure, invalidMessages } = caller;
  const checks: [boolean, string][] = [
    [failure === null, failure ?? ""],
    [invalidMessages === 0, `${invalidMessages} messages were not as Wavix wants them`],
    ...(bot === "echo" ? echoChecks(caller) : conversationChecks(caller, history, heardAtMs)),
  ];
  return checks.filter(([right]) => !right).map(([, problem]) => `${bot}: ${problem}`);
}

function echoChecks({ markers }: CallerFigures): [boolean, string][] {
  const { said = 0, heard = 0 } = markers ?? {};
  return [[said > 0 && heard >= LEAST_MARKERS * said, `${heard} of ${said} sounds came back`]];
}

function conversationChecks(
  { cycles, answerMs, silencedAtMs }: CallerFigures,
  { user, bot, turns, interruptions, troubles }: CallHistory,
  heardAtMs: readonly number[],
): [boolean, string][] {
  const said = Array.from({ length: cycles }, () => [QUESTION.text, INTERRUPTION.text]).flat();
  const [greeting, ...answers] = bot;
  const isRight = ({ text, interrupted }: CallHistory["bot"][number], i: number) =>
    i % 2 === 0 ? interrupted && isBeginning(text) : !interrupted && text === SHORT_ANSWER;
  const silentMs = silencedAtMs.map((atMs, i) => atMs - (heardAtMs[2 * i + 1] ?? Number.NaN));
  return [
    [cycles > 0, "there was no conversation"],
    [same(user, said), `understood was «${user.join("», «")}», not «${said.join("», «")}»`],
    [greeting?.text === GREETING && !greeting.interrupted, `the greeting was «${greeting?.text}»`],
    [answers.length === said.length && answers.every(isRight), `heard of the bot was «${textsOf(answers)}»`],
    [answerMs.length === said.length, `${answerMs.length} of ${said.length} answers were heard`],
    [turns.length === said.length, `${turns.length} of ${said.length} turns were measured`],
    [answerMs.every((ms) => ms >= SCRIPTED_MS), "an answer came before the turn was over"],
    [interruptions === cycles, `${interruptions} of ${cycles} interruptions were understood`],
    [heardAtMs.length === said.length, `${heardAtMs.length} of ${said.length} turns were heard of`],
    [silentMs.every((ms) => ms > 0 && ms < INTERRUPTION.durationMs / 2), "the bot spoke on when it was interrupted"],
    [troubles.length === 0, troubles.join("; ")],
  ];
}

const isBeginning = (text: string) => text !== "" && text !== LONG_ANSWER && LONG_ANSWER.startsWith(text);
const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((text, i) => text === b[i]);
const textsOf = (answers: CallHistory["bot"]) => answers.map(({ text }) => text).join("», «");
