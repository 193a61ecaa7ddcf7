import { arch, cpus, platform } from "node:os";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly node: string;
}

const SYSTEMS: Record<string, string> = { linux: "Linux", darwin: "macOS", win32: "Windows" };

/** This machine, as far as figures depend on it. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    os: `${SYSTEMS[platform()] ?? platform()} ${arch()}`,
    node: process.versions.node,
  };
}

/** `AMD EPYC, 2 cores, Linux x64, Node 20.20.2` */
export const machineLine = ({ cpu, cores, os, node }: Machine) => `${cpu}, ${cores} cores, ${os}, Node ${node}`;
