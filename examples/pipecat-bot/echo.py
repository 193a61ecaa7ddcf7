"""What the echo bots are made of: no model and no key, for any Pipecat from 1.0 on."""

import numpy as np
from pipecat.audio.dtmf.types import KeypadEntry
from pipecat.frames.frames import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InputAudioRawFrame,
    InputDTMFFrame,
    OutputAudioRawFrame,
    TTSAudioRawFrame,
    TTSStartedFrame,
    TTSStoppedFrame,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

try:
    from pipecat.frames.frames import EndWorkerFrame
except ImportError:  # its name up to 1.3
    from pipecat.frames.frames import EndTaskFrame as EndWorkerFrame

RATE = 24000


def tone(hertz: float, seconds: float) -> list[Frame]:
    """A tone, in the frames in which a text-to-speech service would say a sentence."""
    time = np.arange(int(seconds * RATE)) / RATE
    audio = (8000 * np.sin(2 * np.pi * hertz * time)).astype(np.int16).tobytes()
    return [TTSStartedFrame(), TTSAudioRawFrame(audio, RATE, 1), TTSStoppedFrame()]


class SpeakingBot(FrameProcessor):
    """Knows whether the bot speaks: the output transport says so, to all processors."""

    def __init__(self):
        super().__init__()
        self.bot_speaks = False

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, BotStartedSpeakingFrame):
            self.bot_speaks = True
        elif isinstance(frame, BotStoppedSpeakingFrame):
            self.bot_speaks = False


class CallerTurns(SpeakingBot):
    """Says when the caller begins and ends to speak, by loudness alone, and interrupts the bot.

    A real bot has a voice activity detector and a turn strategy in the user aggregator for this. The frames are the
    same, and so is what the other side of the transport gets to know.
    """

    LOUD = 500  # of 32767, mean; a quiet line stays below 100
    BEGINS = 3  # loud packets of 20 ms in a row
    ENDS = 25  # quiet ones

    def __init__(self):
        super().__init__()
        self._speaks = False
        self._changed = 0

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            await self._listen(np.frombuffer(frame.audio, np.int16))
        await self.push_frame(frame, direction)

    async def _listen(self, samples: np.ndarray):
        loud = np.abs(samples.astype(np.float32)).mean() > self.LOUD
        self._changed = self._changed + 1 if loud != self._speaks else 0
        if self._changed < (self.ENDS if self._speaks else self.BEGINS):
            return
        self._speaks, self._changed = not self._speaks, 0
        if not self._speaks:
            await self.broadcast_frame(UserStoppedSpeakingFrame)
            return
        await self.broadcast_frame(UserStartedSpeakingFrame)
        if self.bot_speaks:  # real bots interrupt at every turn; here it would cut a hole into the echo
            await self.broadcast_interruption()


class Echo(SpeakingBot):
    """Says back what it hears. Key 1 plays a long tone, which the caller may interrupt; key # says goodbye."""

    async def process_frame(self, frame: Frame, direction: FrameDirection):
        await super().process_frame(frame, direction)
        if isinstance(frame, InputAudioRawFrame):
            if not self.bot_speaks:
                await self.push_frame(OutputAudioRawFrame(frame.audio, frame.sample_rate, frame.num_channels))
            return
        await self.push_frame(frame, direction)
        if isinstance(frame, InputDTMFFrame):
            if frame.button == KeypadEntry.ONE:
                await self._say(tone(400, seconds=10))
            elif frame.button == KeypadEntry.POUND:
                await self._say([*tone(300, seconds=0.5), EndWorkerFrame()])

    async def _say(self, frames: list[Frame]):
        for frame in frames:
            await self.push_frame(frame)
