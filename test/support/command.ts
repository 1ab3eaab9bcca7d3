import type { Interfaces } from '@oclif/core';
import { vi } from 'vitest';

const ROOT = new URL('../..', import.meta.url).pathname;

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Runnable {
  run(argv: string[], options: Interfaces.LoadOptions): Promise<unknown>;
}

/** Runs a command in this process and keeps what it prints. There is no engine for it. */
export async function runCommand(
  command: Runnable,
  words: string | readonly string[],
  env: Record<string, string> = {},
): Promise<Printed> {
  let [out, err] = ['', ''];
  const streams = [
    vi.spyOn(process.stdout, 'write').mockImplementation((text) => (out += String(text)) !== ''),
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => (err += String(text)) !== ''),
  ];
  const settings = { NO_COLOR: '1', DOCKER_HOST: 'unix:///run/hostctl-none.sock', HOSTCTL_WORKSPACE: '', ...env };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  try {
    await command.run(typeof words === 'string' ? words.split(' ').filter((word) => word !== '') : [...words], {
      root: ROOT,
    });
    return { code: Number(process.exitCode ?? 0), out, err };
  } finally {
    for (const stream of streams) stream.mockRestore();
    vi.unstubAllEnvs();
    process.exitCode = undefined;
  }
}
