import { type ChildProcess, spawn } from "node:child_process";

/**
 * Reads the numbers of process groups, `+ 123` and `- 123`, and ends those it has when its standard input ends: that is
 * when the process that wrote to it is gone, for whatever reason. The signals of a terminal and a service manager are not
 * meant for it. `groups` begins and ends with a blank, so that a number is found whole.
 */
const SCRIPT = `
trap '' HUP INT TERM
groups=' '
while read -r sign group; do
  case $sign in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
send() { for group in $groups; do kill -s "$1" -- "-$group" && alive=1; done 2>/dev/null; }
send TERM
for second in 1 2 3 4 5; do
  alive=; send 0
  [ "$alive" ] || exit 0
  sleep 1
done
send KILL
`;

const groups = new Set<number>();
let guard: ChildProcess | undefined;

/**
 * Has a process group ended with this process, however that ends: a crash, a signal that nobody listens to, SIGKILL. A
 * shell of about 1 MB, started with the first group, looks after all of them. Where there is no `/bin/sh`, they are killed
 * when this process exits, which a signal that kills it does not let it do.
 */
export function guardGroup(group: number): void {
  if (groups.size === 0) process.on("exit", onExit);
  groups.add(group);
  if (guard === undefined) startGuard();
  else tell(`+ ${group}`);
}

/** There is nothing of it left. */
export function dismissGroup(group: number): void {
  if (!groups.delete(group)) return;
  tell(`- ${group}`);
  if (groups.size === 0) process.off("exit", onExit);
}

/** Signals a group; `0` only asks whether there is anything of it. */
export function signalGroup(group: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-group, signal);
  } catch (error) {
    // Whoever may not be signalled (EPERM) is there.
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

function startGuard(): void {
  const started = spawn("/bin/sh", ["-c", SCRIPT], {
    cwd: "/",
    detached: true,
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin" },
    stdio: ["pipe", "ignore", "ignore"],
  });
  guard = started;
  const onGone = () => {
    if (guard === started) guard = undefined;
  };
  started.on("error", onGone).on("exit", onGone);
  started.stdin.on("error", onGone);
  // Neither it nor the pipe keeps this process alive.
  started.unref();
  (started.stdin as unknown as { unref(): void }).unref();
  for (const group of groups) tell(`+ ${group}`);
}

function tell(line: string): void {
  guard?.stdin?.write(`${line}\n`, () => undefined);
}

function onExit(): void {
  if (guard !== undefined) return;
  for (const group of groups) signalGroup(group, "SIGKILL");
}
