import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { Bystanders, besides } from "./bystanders.ts";
import { activeResources, expectNothingLeft, expectSameHoldings, type Holdings, holdings } from "./leaks.ts";
import { MediaClient } from "./media-client.ts";
import { House, listener, type StubServer, type TestOptions } from "./open-server.ts";

/** A server in which things go wrong, with calls that stand by. */
export interface FaultScene extends StubServer {
  readonly bystanders: Bystanders;
}

export interface SceneOptions extends TestOptions {
  /** For tests that run at the same time: what is held is then compared when all of them are over. */
  readonly concurrent?: boolean;
}

/**
 * One server for all tests of a `describe`, with {@link Bystanders}. After each test the server holds as much as before
 * it and the bystanders are untouched; after the last they hang up, and nothing is left at all. `bot` has all other calls.
 *
 * @returns what gives the scene, from within the tests
 */
export function faultScene({ concurrent = false, bot = listener, ...options }: SceneOptions = {}): () => FaultScene {
  let scene: FaultScene;
  let house: House;
  let resources: Record<string, number>;
  let held: Holdings;

  const compare = async () => {
    await expectSameHoldings(scene, held);
    await scene.bystanders.expectUntouched();
  };
  beforeAll(async () => {
    resources = activeResources();
    house = new House();
    const opened = await house.openWithStub({ bot: besides(bot), sampleRate: 24_000, ...options });
    scene = { ...opened, bystanders: await Bystanders.join(opened) };
    held = holdings(scene);
  });
  if (!concurrent) {
    beforeEach(() => {
      held = holdings(scene);
    });
    afterEach(compare);
  }
  afterAll(async () => {
    try {
      await compare();
      await scene.bystanders.leave();
      await house.expectClean();
    } finally {
      await house.close();
    }
    await expectNothingLeft(resources);
  }, 30_000);
  return () => scene;
}

/** A call whose socket is there and has said nothing. */
export async function openCall({ announce, rest }: StubServer, callId: string): Promise<MediaClient> {
  await announce(callId);
  return await MediaClient.open(await rest.streamUrl(callId));
}

/** A call whose bot is there. */
export async function streamingCall(scene: StubServer, callId: string): Promise<MediaClient> {
  const client = await openCall(scene, callId);
  client.start(callId);
  await scene.log.line("call streaming", callId);
  return client;
}

/** As Wavix does when it is told to hang up. */
export async function stopWhenHungUp({ rest }: StubServer, callId: string, client: MediaClient): Promise<void> {
  await rest.seen("hangUp", callId);
  await client.stop();
}
