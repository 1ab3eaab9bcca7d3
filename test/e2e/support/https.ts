import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { connect, type PeerCertificate, type SecureVersion } from 'node:tls';
import type { Lab } from './lab.ts';

export interface SecureReply {
  /** 0: no handshake, or closed without an answer. */
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  /** SHA-256 fingerprint of the certificate that was shown. */
  readonly fingerprint: string;
  /** What went wrong, when nothing was answered. */
  readonly error: string;
}

export interface AskSecurely {
  /** PEM to verify the certificate by; without, any will do. */
  readonly ca?: string;
  /** Names the port in the Host, as browsers do where it is not 443. */
  readonly port?: boolean;
}

/** One https request to the lab's proxy. */
export function askSecurely(lab: Lab, host: string, path: string, how: AskSecurely = {}): Promise<SecureReply> {
  const { ca, port = false } = how;
  return new Promise((resolve) => {
    let fingerprint = '';
    const outgoing = request(
      {
        host: '127.0.0.1',
        port: lab.https,
        servername: host,
        path,
        headers: { Host: port ? `${host}:${lab.https}` : host },
        agent: false,
        timeout: 30_000,
        ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => {
          body += chunk.toString();
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, body, headers: response.headers, fingerprint, error: '' }),
        );
      },
    );
    outgoing.on('socket', (socket) =>
      socket.on('secureConnect', () => {
        fingerprint = (socket as unknown as { getPeerCertificate(): PeerCertificate }).getPeerCertificate()
          .fingerprint256;
      }),
    );
    outgoing.on('error', (error) => resolve({ status: 0, body: '', headers: {}, fingerprint, error: error.message }));
    outgoing.on('timeout', () => outgoing.destroy(new Error('timeout')));
    outgoing.end();
  });
}

export interface Offer {
  readonly name?: string;
  readonly version?: SecureVersion;
  readonly ciphers?: string;
}

/** What comes of a handshake alone: the protocol, the cipher and what is spoken on top, or why there is none. */
export function shakeHands(
  lab: Lab,
  offer: Offer,
): Promise<{ protocol: string; cipher: string; alpn: string } | string> {
  return new Promise((resolve) => {
    const { name, version, ciphers } = offer;
    const socket = connect({
      host: '127.0.0.1',
      port: lab.https,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...(name === undefined ? {} : { servername: name }),
      ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
      ...(ciphers === undefined ? {} : { ciphers }),
    });
    socket.on('secureConnect', () => {
      resolve({
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
        alpn: String(socket.alpnProtocol),
      });
      socket.destroy();
    });
    socket.on('error', (error) => resolve(error.message));
  });
}
