// Wavix AsyncAPI: "Audio format: PCM16, 24 kHz, mono, base64-encoded"; the 20 ms are Wavix's own Python package's.
export const WIRE_SAMPLE_RATE = 24_000;
export const PACKET_MS = 20;
export const PACKET_SAMPLES = 480;
export const PACKET_BYTES = 960;
