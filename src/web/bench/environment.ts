/** Where figures come from. Shown, and part of what is downloaded; never sent. */
export interface Environment {
  readonly browser: string;
  readonly engine: string;
  readonly system: string;
  readonly cores: number;
}

/**
 * Names browser, engine and system from what a browser says of itself.
 *
 * @example
 * describeBrowser("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", 8).engine; // "SpiderMonkey"
 */
export function describeBrowser(userAgent: string, cores: number): Environment {
  // The order counts: Edge and Opera also say Chrome, and all of them say Safari.
  const names: [RegExp, string][] = [
    [/\bEdg(?:A|iOS)?\/(\d+)/, "Edge"],
    [/\bOPR\/(\d+)/, "Opera"],
    [/\b(?:Firefox|FxiOS)\/(\d+)/, "Firefox"],
    [/\b(?:Headless)?(?:Chrome|CriOS)\/(\d+)/, "Chrome"],
    [/\bVersion\/([\d.]+).*Safari\//, "Safari"],
  ];
  const found = names.map(([pattern, name]) => [pattern.exec(userAgent)?.[1], name]).find(([version]) => version);
  const systems: [RegExp, string][] = [
    [/Android/, "Android"],
    [/iPhone|iPad/, "iOS"],
    [/Windows/, "Windows"],
    [/Mac OS X|Macintosh/, "macOS"],
    [/CrOS/, "ChromeOS"],
    [/Linux/, "Linux"],
  ];
  const nameOf = (list: [RegExp, string][]) => list.find(([pattern]) => pattern.test(userAgent))?.[1];
  // On iOS every browser has Safari's engine.
  const engines: [RegExp, string][] = [
    [/iPhone|iPad/, "JavaScriptCore"],
    [/Gecko\/\d/, "SpiderMonkey"],
    [/(?:Chrome|Chromium)\/\d/, "V8"],
    [/AppleWebKit/, "JavaScriptCore"],
  ];
  return {
    browser: found === undefined ? "unknown browser" : `${found[1]} ${found[0]}`,
    engine: nameOf(engines) ?? "unknown engine",
    system: nameOf(systems) ?? "unknown system",
    cores,
  };
}
