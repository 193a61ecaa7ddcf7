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
import { IdleWatch } from "../conversation/idle-watch.ts";
import { sayLastWords } from "../conversation/last-words.ts";
import type { Tally } from "../conversation/tally.ts";
import { Teller } from "../conversation/teller.ts";
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

/** One call of a voice bot: its pipeline, and what becomes of it when a service fails. */
export class Conversation {
  readonly #call: Call;
  readonly #settings: VoiceSettings;
  readonly #apologies: Apologies;
  readonly #tally: Tally;
  readonly #tts: CartesiaTTSService;
  readonly #pipeline: Pipeline;
  readonly #idle: IdleWatch;
  readonly #teller: Teller;
  readonly #services: { stt: DeepgramSTTService; llm: OpenAILLMService; tts: CartesiaTTSService };
  #failures = 0;

  constructor(call: Call, settings: VoiceSettings, apologies: Apologies, tally: Tally) {
    this.#call = call;
    this.#settings = settings;
    this.#apologies = apologies;
    this.#tally = tally;

    this.#teller = new Teller({
      call,
      tally,
      onEvent: settings.onEvent,
      onFailed: (error) => this.#pipeline.fail(error),
    });
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
        onMessage: (text) => this.#teller.tell({ type: "user", text }),
        onInterruption: (text) => this.#teller.tell({ type: "interruption", text }),
        onFalseStart: (text) => this.#teller.tell({ type: "false-start", text }),
        onAssistantMessage: (text, interrupted) => this.#teller.tell({ type: "bot", text, interrupted }),
      },
    });
    const meter = new TurnMeter((figures) => {
      this.#failures = 0;
      call.report?.("turn", { ...figures });
      this.#teller.tell({ type: "turn", figures });
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
      // Past the pipeline, which is gone.
      if (error instanceof VoiceBotError) await sayLastWords(this.#call, this.#apologies.audioOf("goodbye"));
      throw error;
    } finally {
      this.#idle.stop();
      unfollow();
    }
  }

  /** The caller is told in place of an answer. When nothing works any more the conversation is over. */
  #failed({ error, fatal, processor, exception }: ErrorFrame): void {
    this.#tally.own.troubles++;
    this.#tally.own.apologies++;
    this.#failures++;
    const isLast = fatal || this.#failures >= MAX_FAILURES;
    this.#call.note?.("trouble", error);
    this.#teller.tell({ type: "trouble", message: error, fatal: isLast });
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
}
