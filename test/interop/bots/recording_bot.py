"""Writes what it hears to the file HEARD, as it is. Protobuf at /ws-client, Twilio's at /ws; for any Pipecat from 0.0.105 on."""

import argparse
import os

import uvicorn
from fastapi import FastAPI, WebSocket
from pipecat.frames.frames import Frame, InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

app = FastAPI()


class Recorder(FrameProcessor):
    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            with open(os.environ["HEARD"], "ab") as file:
                file.write(frame.audio)
        await self.push_frame(frame, direction)


async def record(websocket: WebSocket, serializer: FrameSerializer, rate: int):
    params = FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True, serializer=serializer)
    transport = FastAPIWebsocketTransport(websocket, params)
    task = PipelineTask(
        Pipeline([transport.input(), Recorder(), transport.output()]),
        params=PipelineParams(audio_in_sample_rate=rate),
    )

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(transport, client):
        await task.cancel()

    await PipelineRunner(handle_sigint=False).run(task)


@app.websocket("/ws-client")
async def protobuf(websocket: WebSocket):
    await websocket.accept()
    await record(websocket, ProtobufFrameSerializer(), 16000)


@app.websocket("/ws")
async def twilio(websocket: WebSocket):
    await websocket.accept()
    _, call = await parse_telephony_websocket(websocket)
    params = TwilioFrameSerializer.InputParams(auto_hang_up=False)
    await record(websocket, TwilioFrameSerializer(call["stream_id"], params=params), 8000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    args = parser.parse_args()
    uvicorn.run(app, host=args.host, port=args.port)
