"""The echo bot for Pipecat before 1.5. Run it: python older_bot.py --port 7861

Up to 1.2 the runner has no /ws-client, and up to 1.4 RTVI has no message for keys.
"""

import argparse

import uvicorn
from echo import CallerTurns, Echo, tone
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import InputDTMFFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport

logger.disable("pipecat.serializers.protobuf")  # its debug lines hold whole messages, and those the phone numbers

app = FastAPI()


@app.websocket("/ws-client")
async def call(websocket: WebSocket):
    await websocket.accept()
    params = FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    )
    transport = FastAPIWebsocketTransport(websocket, params)
    task = PipelineTask(Pipeline([transport.input(), CallerTurns(), Echo(), transport.output()]))

    @transport.event_handler("on_client_connected")
    async def on_client_connected(transport, client):
        await task.queue_frames(tone(600, seconds=0.5))

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(transport, client):
        await task.cancel()

    @task.rtvi.event_handler("on_client_ready")
    async def on_client_ready(rtvi):
        await rtvi.send_server_message({"type": "wavix-collect", "max_digits": 1, "repeat": True})

    @task.rtvi.event_handler("on_client_message")
    async def on_client_message(rtvi, message):
        if message.type == "wavix-call":
            logger.info(f"Call {message.data.get('call_id')}")
        elif message.type == "wavix-dtmf":
            await task.queue_frame(InputDTMFFrame(button=KeypadEntry(message.data["button"])))

    await PipelineRunner(handle_sigint=False).run(task)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=7860)
    args = parser.parse_args()
    uvicorn.run(app, host=args.host, port=args.port)
