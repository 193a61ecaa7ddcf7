// A voice bot with functions of its own. Keys as for --bot voice: .env.example.
//
//   npm start -- --bot ./examples/voice-bot/pizzeria.mjs
import { readVoiceSettings, voiceBot } from "pipecat-wavix/bots/voice";

const read = readVoiceSettings(process.env);
if (!read.ok) throw new Error(read.problems.join("; "));

const MENU = { margherita: 9, funghi: 10.5, capricciosa: 12 };

/** A bot for each call would be as good; the orders of a call are in the model's context. */
export default voiceBot({
  ...read.settings,
  instructions:
    "You take orders for the pizzeria Napoli, on the telephone. What you write is spoken: one or two short sentences, no " +
    "lists. Look prices up, say the total, place the order, then say goodbye and end the call.",
  greeting: "Pizzeria Napoli, what can I get you?",
  tools: (call) => [
    {
      name: "price_of",
      description: "What a pizza costs, in euros. Says which ones there are when it is not on the menu.",
      parameters: { type: "object", properties: { pizza: { type: "string" } }, required: ["pizza"] },
      run: ({ pizza }) => MENU[String(pizza).toLowerCase()] ?? { error: `there are ${Object.keys(MENU).join(", ")}` },
    },
    {
      name: "place_order",
      description: "Sends the order to the kitchen. Call it once, when the caller has agreed to the total.",
      parameters: {
        type: "object",
        properties: { pizzas: { type: "array", items: { type: "string" }, maxItems: 20 } },
        required: ["pizzas"],
      },
      // Once it is in the oven, an interruption does not take it out.
      cancelOnInterruption: false,
      run: ({ pizzas }) => {
        call.note?.("order", pizzas.join(", "));
        return { readyInMinutes: 20 };
      },
    },
  ],
});
