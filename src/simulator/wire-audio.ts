// Wavix AsyncAPI: "Audio format: PCM16, 24 kHz, mono, base64-encoded"; the 20 ms are Wavix's own Python package's.
export const wireSampleRate = 24_000;
export const packetMs = 20;
export const packetSamples = 480;
export const packetBytes = 960;
