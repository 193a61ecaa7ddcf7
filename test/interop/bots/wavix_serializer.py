"""The serializer of the Python package pipecat-wavix behind JSON lines: one question a line in, one answer a line out.

{"setup": {"audio_in_sample_rate": 16000, "audio_out_sample_rate": 24000, "stream_id": "…"}} comes first
{"deserialize": "<message>"}                          → {"frame": {"type", "audio", "sample_rate", "num_channels"} | null}
{"serialize": {"audio": "<base64>", "sample_rate": 24000}} → {"message": "<message>" | null}
{"interrupt": true}                                   → {"message": "<message>"}
"""

import asyncio
import base64
import json
import sys

from pipecat.frames.frames import InterruptionFrame, OutputAudioRawFrame, StartFrame
from pipecat_wavix import WavixFrameSerializer


async def main():
    serializer = None
    for line in sys.stdin:
        question = json.loads(line)
        if rates := question.get("setup"):
            serializer = WavixFrameSerializer(rates.pop("stream_id"))
            await serializer.setup(StartFrame(**rates))
            answer = {}
        elif message := question.get("deserialize"):
            frame = await serializer.deserialize(message)
            answer = {"frame": frame and described(frame)}
        elif audio := question.get("serialize"):
            frame = OutputAudioRawFrame(base64.b64decode(audio["audio"]), audio["sample_rate"], 1)
            answer = {"message": await serializer.serialize(frame)}
        else:
            answer = {"message": await serializer.serialize(InterruptionFrame())}
        print(json.dumps(answer), flush=True)


def described(frame) -> dict:
    return {
        "type": type(frame).__name__,
        "audio": base64.b64encode(frame.audio).decode(),
        "sample_rate": frame.sample_rate,
        "num_channels": frame.num_channels,
    }


asyncio.run(main())
