import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';
import { EXIT, HostctlError } from '../errors.ts';
import { formatDuration } from '../core/units.ts';

/** What a lock tells about who holds it. */
export interface Holder {
  readonly who: string;
  readonly doing: string;
  /** ISO 8601. */
  readonly since: string;
  readonly pid: number;
}

const POLL_MS = 25;

export interface LockRequest {
  /** What the name is unique in: a data root, an engine. */
  readonly scope: string;
  readonly name: string;
  readonly who: string;
  readonly doing: string;
}

/**
 * Takes a lock on this machine and returns what gives it back. The lock is a socket in Linux' abstract namespace: the
 * kernel lets go of it with the process, so a killed deploy never blocks the next one, and whoever waits can ask the
 * holder who it is.
 */
export async function takeLock(request: LockRequest, wait = 0): Promise<() => Promise<void>> {
  const { scope, name, who, doing } = request;
  const address = `\0hostctl-${createHash('sha256').update(`${scope}\n${name}`).digest('hex').slice(0, 40)}`;
  const holder: Holder = { who, doing, since: new Date().toISOString(), pid: process.pid };
  const until = Date.now() + wait;
  let server = await take(address, holder);
  while (!server && Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    server = await take(address, holder);
  }
  if (!server) throw locked(name, await ask(address));
  const held = server;
  return () => new Promise<void>((resolve) => held.close(() => resolve()));
}

/** The lock's server, or undefined when somebody else has it. */
function take(address: string, holder: Holder): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(JSON.stringify(holder));
    });
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error),
    );
    server.listen(address, () => resolve(server));
  });
}

function ask(address: string): Promise<Holder | undefined> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(address);
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk) => (text += chunk.toString('utf8')));
    socket.on('error', () => resolve(undefined));
    socket.on('close', () => {
      try {
        resolve(JSON.parse(text) as Holder);
      } catch {
        resolve(undefined);
      }
    });
  });
}

function locked(name: string, holder: Holder | undefined): HostctlError {
  const by = holder
    ? `${holder.who} has been at it for ${formatDuration(Date.now() - Date.parse(holder.since))} (${holder.doing}, process ${holder.pid})`
    : 'another hostctl is at it';
  return new HostctlError('LOCKED', `${name} is locked: ${by}`, {
    exit: EXIT.locked,
    hints: ['try again when it has finished, or add --wait 5m'],
  });
}
