"""An echo bot that needs nothing but Pipecat. Run it: python bot.py --port 7861"""

from echo import CallerTurns, Echo, tone
from loguru import logger
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.serializers.protobuf import ProtobufFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams
from pipecat.workers.runner import WorkerRunner

# Their debug lines hold whole messages, and those the phone numbers.
logger.disable("pipecat.serializers.protobuf")
logger.disable("pipecat.runner.utils")

transport_params = {
    # The one line for calls from pipecat-wavix, at /ws-client.
    "websocket": lambda: FastAPIWebsocketParams(
        audio_in_enabled=True, audio_out_enabled=True, serializer=ProtobufFrameSerializer()
    ),
    # As in Pipecat's own examples: calls as Twilio's, at /ws.
    "twilio": lambda: FastAPIWebsocketParams(audio_in_enabled=True, audio_out_enabled=True),
}


async def bot(runner_args: RunnerArguments):
    transport = await create_transport(runner_args, transport_params)
    if runner_args.call_data:  # twilio: the call is known from the start
        call_begins(runner_args.call_data.body)

    worker = PipelineWorker(
        Pipeline([transport.input(), CallerTurns(), Echo(), transport.output()]),
        idle_timeout_secs=runner_args.pipeline_idle_timeout_secs,
    )
    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)

    @transport.event_handler("on_client_connected")
    async def on_client_connected(transport, client):
        await worker.queue_frames(tone(600, seconds=0.5))

    @transport.event_handler("on_client_disconnected")
    async def on_client_disconnected(transport, client):
        await runner.cancel()

    @worker.rtvi.event_handler("on_client_ready")
    async def on_client_ready(rtvi):
        # Keys arrive as InputDTMFFrame once they are asked for.
        await rtvi.send_server_message({"type": "wavix-collect", "max_digits": 1, "repeat": True})

    @worker.rtvi.event_handler("on_client_message")
    async def on_client_message(rtvi, message):
        if message.type == "wavix-call":  # the first one
            call_begins(message.data)
        elif message.type == "wavix-playback":
            logger.info(f"The caller heard {message.data['heard_ms']} of {message.data['duration_ms']} ms")
        elif message.type == "wavix-error":
            logger.warning(f"{message.data['request']} failed: {message.data['message']}")

    await runner.run()


def call_begins(facts: dict):
    """`facts` has call_id and, unless they are withheld, from and to (twilio: from_number, to_number)."""
    known = "known" if facts.get("from") or facts.get("from_number") else "withheld"
    logger.info(f"Call {facts.get('call_id')}, the caller's number is {known}")


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
