/** developers.deepgram.com/docs/flux/language-prompting */
const LANGUAGES_OF_FLUX: readonly string[] = ["de", "en", "es", "fr", "hi", "it", "ja", "nl", "pt", "ru"];
const TAGS = /^[a-z\d]+(-[a-z\d]+)*(,[a-z\d]+(-[a-z\d]+)*)*$/i;

/** Flux is served by `/v2/listen`, and tells of turns. */
export function isFlux(model: string): boolean {
  return model.startsWith("flux-");
}

/** The model for a language, or several with commas between them: Flux where it knows all of them, nova otherwise. */
export function modelFor(language = "en"): string {
  const spoken = languagesOf(language);
  if (spoken.every((tag) => tag === "en")) return "flux-general-en";
  return spoken.every((tag) => LANGUAGES_OF_FLUX.includes(tag)) ? "flux-general-multi" : "nova-3";
}

/** Why a model cannot be told of a language; undefined: it can be. */
export function languageProblem(model: string, language: string): string | undefined {
  if (!TAGS.test(language)) return `language must be BCP 47 tags with commas between them, not ${language}`;
  const spoken = languagesOf(language);
  if (!isFlux(model)) return spoken.length > 1 ? `${model} takes one language, not ${language}` : undefined;
  const isEnglish = model.endsWith("-en") && spoken.some((tag) => tag !== "en");
  return isEnglish ? `${model} hears English alone, not ${language}; ${modelFor(language)} does` : undefined;
}

/** The query's part about it. */
export function languageQuery(model: string, language: string | undefined): Record<string, string | readonly string[]> {
  if (language === undefined) return {};
  if (!isFlux(model)) return { language };
  return model.endsWith("-en") ? {} : { language_hint: language.split(",") };
}

/** Without what comes behind: `de` of `de-CH`. */
const languagesOf = (language: string): string[] =>
  language.split(",").map((tag) => (tag.split("-")[0] as string).toLowerCase());
