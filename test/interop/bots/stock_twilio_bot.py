"""A bot in the shape of Pipecat's own telephony examples. It knows Twilio, and nothing of Wavix.

It has the names from before 1.3, which work in every version: a bot as one has it for a while.
"""

import numpy as np
from loguru import logger
from pipecat.frames.frames import (
    EndFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    OutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineParams, PipelineTask
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.transports.base_transport import BaseTransport
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams

transport_params = {
    "twilio": lambda: FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True),
}

RATE = 8000


def tone(hertz: float, seconds: float) -> list[Frame]:
    time = np.arange(int(seconds * RATE)) / RATE
    audio = (8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16).tobytes()
    return [TTSStartedFrame(), TTSAudioRawFrame(audio, RATE, 1), TTSStoppedFrame()]


class Echo(FrameProcessor):
    """In the place of speech recognition, model and voice: says back the caller, who interrupts with each turn."""

    def __init__(self):
        super().__init__()
        self._quiet = 25

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)
            if isinstance(frame, InputDTMFFrame):
                logger.info(f"Key {frame.button.value}")
            return
        loud = np.abs(np.frombuffer(frame.audio, np.int16).astype(np.float32)).mean() > 500
        if loud and self._quiet >= 25:
            await self.broadcast_frame(UserStartedSpeakingFrame)
            await self.broadcast_interruption()
        self._quiet = 0 if loud else self._quiet + 1
        if self._quiet < 25:
            await self.push_frame(OutputAudioRawFrame(frame.audio, frame.sample_rate, frame.num_channels))


async def run_bot(transport: BaseTransport, runner_args: RunnerArguments):
    echo = Echo()
    task = PipelineTask(
        Pipeline([transport.input(), echo, transport.output()]),
        params=PipelineParams(audio_in_sample_rate=RATE, audio_out_sample_rate=RATE),
    )

    @transport.event_handler("on_client_connected")
    async def on_client_connected(transport, client):
        logger.info("Client connected")
        await task.queue_frames(tone(600, seconds=4))

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(transport, client):
        logger.info("Client disconnected")
        await task.cancel()

    task.set_reached_downstream_filter((InputDTMFFrame,))

    @task.event_handler("on_frame_reached_downstream")
    async def on_frame_reached_downstream(task, frame):
        if frame.button.value == "#":
            await task.queue_frames([*tone(300, seconds=0.5), EndFrame()])

    await PipelineRunner(handle_sigint=runner_args.handle_sigint).run(task)


async def bot(runner_args: RunnerArguments):
    transport = await create_transport(runner_args, transport_params)
    await run_bot(transport, runner_args)


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
