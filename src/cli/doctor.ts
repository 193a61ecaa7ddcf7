export async function run(_argv: string[]): Promise<number> {
  console.log("usage: pipecat-wavix doctor");
  return 0;
}
