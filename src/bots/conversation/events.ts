import type { TurnFigures } from "./turn-figures.ts";

/** What happens in a conversation. Texts are what people said: they belong into no log. */
export type ConversationEvent =
  /** The caller has finished a turn. */
  | { readonly type: "user"; readonly text: string }
  /** The bot has said something, and the caller heard it; `interrupted`: no more than this was heard of it. */
  | { readonly type: "bot"; readonly text: string; readonly interrupted: boolean }
  /** The caller interrupts; `text` is what was understood so far. */
  | { readonly type: "interruption"; readonly text: string }
  /** Not enough to interrupt the bot, which goes on. */
  | { readonly type: "false-start"; readonly text: string }
  /** How fast an answer was. */
  | { readonly type: "turn"; readonly figures: TurnFigures }
  /** Something failed, and the caller is told so; `fatal`: it was the end of the conversation. */
  | { readonly type: "trouble"; readonly message: string; readonly fatal: boolean };
