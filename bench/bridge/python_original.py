"""A server that answers calls as the Python package pipecat-wavix does, with a bot that says what it hears.

Argument: the port. It is served by uvicorn as the package's server.py is:

  /ws         Wavix's stream: FastAPI, WavixFrameSerializer and FastAPIWebsocketTransport as the package's README sets them
  /ws-client  Pipecat's protobuf frames: a bot behind the bridge
  /cpu        the CPU time that this process has used, in microseconds
"""

import json
import resource
import sys

import numpy as np
import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.frames.frames import Frame, InputAudioRawFrame, OutputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

BOT_RATE = 16_000
SPEECH_RATE = 24_000

# Pipecat writes debug lines for each of its parts, as long as nobody says otherwise.
logger.remove()
logger.add(sys.stderr, level="WARNING")
app = FastAPI()


class Echo(FrameProcessor):
    """Answers with as much audio as it hears, at the rate of a speech service.

    Each sample lasts until the next one, which costs next to nothing: a speech service does not resample here either.
    """

    def __init__(self):
        super().__init__()
        self._rest = b""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            return
        heard = np.frombuffer(self._rest + frame.audio, np.int16)
        pairs = heard[: len(heard) // 2 * 2].reshape(-1, 2)
        self._rest = heard[pairs.size :].tobytes()
        said = pairs[:, [0, 0, 1]].tobytes()
        await self.push_frame(OutputAudioRawFrame(audio=said, sample_rate=SPEECH_RATE, num_channels=1))


async def converse(websocket: WebSocket, params: FastAPIWebsocketParams):
    transport = FastAPIWebsocketTransport(websocket=websocket, params=params)
    task = PipelineTask(Pipeline([transport.input(), Echo(), transport.output()]), idle_timeout_secs=None)

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(transport, client):
        await task.cancel()

    await PipelineRunner(handle_sigint=False).run(task)


@app.websocket("/ws")
async def wavix(websocket: WebSocket):
    from pipecat_wavix import WavixFrameSerializer  # not where only /ws-client is wanted

    await websocket.accept()
    messages = websocket.iter_text()
    message = json.loads(await anext(messages))
    if message.get("event") == "connected":
        message = json.loads(await anext(messages))
    serializer = WavixFrameSerializer(
        stream_id=message["stream_id"],
        params=WavixFrameSerializer.InputParams(
            wavix_sample_rate=SPEECH_RATE, sample_rate=BOT_RATE, audio_track="inbound"
        ),
    )
    params = FastAPIWebsocketParams(
        audio_in_enabled=True,
        audio_in_passthrough=True,
        audio_in_sample_rate=BOT_RATE,
        audio_out_enabled=True,
        audio_out_sample_rate=SPEECH_RATE,
        add_wav_header=False,
        serializer=serializer,
        audio_out_10ms_chunks=2,
        fixed_audio_packet_size=960,
    )
    await converse(websocket, params)


@app.websocket("/ws-client")
async def pipecat(websocket: WebSocket):
    await websocket.accept()
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    )
    await converse(websocket, params)


@app.get("/cpu")
async def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"cpuUs": round((used.ru_utime + used.ru_stime) * 1e6)}


if __name__ == "__main__":
    # The callers of the bench do not answer pings.
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", ws_ping_interval=None)
