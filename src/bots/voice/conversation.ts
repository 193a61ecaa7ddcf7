import { type Call, DigitCollector } from "../../call/index.ts";
import {
  contextAggregators,
  EndFrame,
  type ErrorFrame,
  LLMContext,
  Pipeline,
  TTSSpeakFrame,
  TTSStoppedFrame,
} from "../../pipecat/index.ts";
import type { Apologies } from "../conversation/apologies.ts";
import { VoiceBotError } from "../conversation/errors.ts";
import type { ConversationEvent } from "../conversation/events.ts";
import { IdleWatch } from "../conversation/idle-watch.ts";
import type { Tally } from "../conversation/tally.ts";
import { collectDigitsTool } from "../conversation/tools/collect-digits.ts";
import { endCallTool } from "../conversation/tools/end-call.ts";
import { withOwn } from "../conversation/tools/own-tools.ts";
import type { VoiceSettings } from "./options.ts";
import { CartesiaTTSService } from "./services/cartesia/index.ts";
import { DeepgramSTTService } from "./services/deepgram/index.ts";
import { OpenAILLMService } from "./services/openai/index.ts";
import { TurnMeter } from "./turn-meter.ts";

/** So many answers may fail one after the other. */
const MAX_FAILURES = 3;

/** So much of an answer is still heard when a service has gone for good, in ms. */
const MAX_UNHEARD_MS = 5_000;

/** One call of a voice bot: its pipeline, and what becomes of it when a service fails. */
export class Conversation {
  readonly #call: Call;
  readonly #settings: VoiceSettings;
  readonly #apologies: Apologies;
  readonly #tally: Tally;
  readonly #tts: CartesiaTTSService;
  readonly #pipeline: Pipeline;
  readonly #idle: IdleWatch;
  readonly #services: { stt: DeepgramSTTService; llm: OpenAILLMService; tts: CartesiaTTSService };
  #failures = 0;

  constructor(call: Call, settings: VoiceSettings, apologies: Apologies, tally: Tally) {
    this.#call = call;
    this.#settings = settings;
    this.#apologies = apologies;
    this.#tally = tally;

    const digits = new DigitCollector(call);
    const stt = new DeepgramSTTService(settings.deepgram);
    const llm = new OpenAILLMService(settings.openai);
    const tts = new CartesiaTTSService(settings.cartesia);
    this.#tts = tts;
    this.#services = { stt, llm, tts };
    const tools = withOwn(
      [endCallTool(), ...(call.control?.collect === undefined ? [] : [collectDigitsTool(digits)])],
      settings.tools(call),
    );
    const context = new LLMContext({ messages: [{ role: "system", content: settings.instructions }], tools });
    const { userContext, assistantContext } = contextAggregators(context, {
      bargeIn: settings.bargeIn,
      listener: {
        onMessage: (text) => this.#happened({ type: "user", text }),
        onInterruption: (text) => this.#happened({ type: "interruption", text }),
        onFalseStart: (text) => this.#happened({ type: "false-start", text }),
        onAssistantMessage: (text, interrupted) => this.#happened({ type: "bot", text, interrupted }),
      },
    });
    const meter = new TurnMeter((figures) => {
      this.#failures = 0;
      call.report?.("turn", { ...figures });
      this.#happened({ type: "turn", figures });
    });
    this.#idle = new IdleWatch(settings.idleMs, () => {
      void this.#pipeline.queueFrame(new EndFrame({ reason: "idle" }));
    });
    this.#pipeline = new Pipeline([call.input(), digits, stt, userContext, llm, tts, call.output(), assistantContext], {
      onPushFrame: (pushed) => {
        meter.pushed(pushed);
        this.#idle.pushed(pushed.frame);
      },
      onError: (frame) => this.#failed(frame),
    });
  }

  /** @throws VoiceBotError when a service is gone for good, after the caller was told */
  async run(): Promise<void> {
    const unfollow = this.#tally.follow(this.#services);
    try {
      const over = this.#pipeline.run();
      this.#idle.restart();
      const { greeting } = this.#settings;
      if (greeting !== "") void this.#pipeline.queueFrame(new TTSSpeakFrame({ text: greeting }));
      void this.#apologies.prepare((text, signal) => this.#tts.synthesize(text, signal), this.#call.signal);
      await over;
    } catch (error) {
      if (error instanceof VoiceBotError) await this.#lastWords();
      throw error;
    } finally {
      this.#idle.stop();
      unfollow();
    }
  }

  #happened(event: ConversationEvent): void {
    const { own } = this.#tally;
    if (event.type === "user") own.turns++;
    else if (event.type === "interruption") own.interruptions++;
    else if (event.type === "false-start") own.false_starts++;
    try {
      const listening: unknown = this.#settings.onEvent?.(event, this.#call);
      if (listening instanceof Promise) listening.catch(this.#listenerFailed);
    } catch (error) {
      this.#listenerFailed(error);
    }
  }

  /** A mistake of whoever listens, and not of a service: nobody is told that a service has failed. */
  readonly #listenerFailed = (error: unknown): void => {
    this.#pipeline.fail(error instanceof Error ? error : new Error(String(error)));
  };

  /** The caller is told in place of an answer. When nothing works any more the conversation is over. */
  #failed({ error, fatal, processor, exception }: ErrorFrame): void {
    this.#tally.own.troubles++;
    this.#tally.own.apologies++;
    this.#failures++;
    const isLast = fatal || this.#failures >= MAX_FAILURES;
    this.#call.note?.("trouble", error);
    this.#happened({ type: "trouble", message: error, fatal: isLast });
    if (isLast) this.#pipeline.fail(new VoiceBotError(error, { cause: exception }));
    else if (processor === this.#tts.name) {
      // The voice is what has failed: it is not asked to say so.
      void this.#pipeline.queueFrame(this.#apologies.audioOf("again"));
      void this.#pipeline.queueFrame(new TTSStoppedFrame());
    } else {
      const { again } = this.#apologies.texts;
      void this.#pipeline.queueFrame(new TTSSpeakFrame({ text: again, appendToContext: false }));
    }
  }

  /** Behind what the caller is still hearing, unless that is long, and past the pipeline, which is gone. */
  async #lastWords(): Promise<void> {
    try {
      if (this.#call.unheardMs > MAX_UNHEARD_MS) this.#call.interrupt();
      await this.#call.send(this.#apologies.audioOf("goodbye"));
      await this.#call.send(new TTSStoppedFrame());
      await this.#call.waitForPlayout();
    } catch {
      // The caller has hung up meanwhile.
    }
  }
}
