"""The stock bot with its REST hang-up pointed at TWILIO_API_BASE, which Pipecat can do from 1.5 on."""

import os

from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.transports.websocket.fastapi import FastAPIWebsocketTransport
from stock_twilio_bot import run_bot, transport_params


async def bot(runner_args: RunnerArguments):
    _, call = await parse_telephony_websocket(runner_args.websocket)
    params = transport_params["twilio"]()
    params.serializer = TwilioFrameSerializer(
        stream_sid=call["stream_id"],
        call_sid=call["call_id"],
        account_sid=os.environ["TWILIO_ACCOUNT_SID"],
        auth_token=os.environ["TWILIO_AUTH_TOKEN"],
        base_url=os.environ["TWILIO_API_BASE"],
    )
    await run_bot(FastAPIWebsocketTransport(runner_args.websocket, params), runner_args)


if __name__ == "__main__":
    from pipecat.runner.run import main

    main()
