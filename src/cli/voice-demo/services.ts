import type { VoiceBotOptions } from "../../bots/voice/index.ts";
import {
  type CartesiaStandIn,
  createCartesiaStandIn,
  createDeepgramStandIn,
  createOpenAIStandIn,
  type DeepgramStandIn,
  type OpenAIReply,
  type OpenAIStandIn,
} from "../../simulator/services/index.ts";

/** The services of a voice bot, on this machine, with a script. */
export interface StandInServices extends AsyncDisposable {
  readonly deepgram: DeepgramStandIn;
  readonly openai: OpenAIStandIn;
  readonly cartesia: CartesiaStandIn;
  /** What a voice bot has to be told to use them. */
  readonly options: Pick<VoiceBotOptions, "deepgram" | "openai" | "cartesia">;
  /** What the bot did that the services do not take. */
  problems(): readonly string[];
}

/** What the services are to answer, as fast as the real ones may be on a good day. */
export async function openServices(
  utterances: readonly (string | null)[],
  replies: readonly (OpenAIReply | string)[],
): Promise<StandInServices> {
  const deepgram = await createDeepgramStandIn({ utterances, delayMs: 40 });
  const openai = await createOpenAIStandIn({ replies, firstTokenMs: 300, tokenMs: 15 });
  const cartesia = await createCartesiaStandIn({ firstChunkMs: 90, speed: 8 });
  const apiKey = "none-is-needed-here";
  return {
    deepgram,
    openai,
    cartesia,
    options: {
      deepgram: { apiKey, baseUrl: deepgram.url },
      openai: { apiKey, baseUrl: openai.url },
      cartesia: { apiKey, baseUrl: cartesia.url },
    },
    problems: () => [...deepgram.problems, ...openai.problems, ...cartesia.problems],
    async [Symbol.asyncDispose]() {
      await Promise.all([deepgram.close(), openai.close(), cartesia.close()]);
    },
  };
}
