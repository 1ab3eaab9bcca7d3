import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { EXIT, HostctlError } from '../errors.ts';

const POLL_MS = 25;
/** Calls may queue behind a whole deploy. */
const WAIT_MS = 10 * 60_000;

/**
 * One at a time among all processes that share an engine and this network namespace, whatever their data roots. The turn
 * is a socket in Linux' abstract namespace: the kernel lets go of it with the process, and asking for it costs nothing.
 */
export async function inTurn<T>(endpoint: string, work: () => Promise<T>): Promise<T> {
  const address = `\0hostctl-${createHash('sha256').update(endpoint).digest('hex').slice(0, 40)}`;
  const until = performance.now() + WAIT_MS;
  let turn = await take(address);
  while (!turn && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    turn = await take(address);
  }
  if (!turn) {
    throw new HostctlError('LOCKED', `another hostctl has kept the engine at ${endpoint} busy for 10m`, {
      exit: EXIT.locked,
      hints: ['find it with "ps ax | grep hostctl"'],
    });
  }
  const held = turn;
  try {
    return await work();
  } finally {
    await new Promise<void>((resolve) => held.close(() => resolve()));
  }
}

/** Undefined when somebody else has it. */
function take(address: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}
