/** One name a certificate authority wants to see proven. */
export interface Proof {
  /** Hostname, without the star of a wildcard. */
  readonly name: string;
  readonly token: string;
  /** What a file with that name has to hold, or a TXT record. */
  readonly value: string;
}

export interface CertificateOrder {
  /** URL of the ACME directory. */
  readonly directory: string;
  /** Key of the account, PEM. */
  readonly account: string;
  readonly email?: string;
  /** PEM certificates to trust in besides the usual ones, when the directory is asked. */
  readonly trust?: string;
  readonly names: readonly string[];
  readonly challenge: 'http-01' | 'dns-01';
  /** Puts a proof where the authority will look and makes sure that it can be seen; returns what takes it away. */
  readonly prove: (proof: Proof) => Promise<() => Promise<void>>;
}

/** A new certificate with its chain, and its private key, PEM. */
export interface Issued {
  readonly chain: string;
  readonly key: string;
}

/** Orders a certificate and waits for it. Refusals are HostctlErrors that name the host. */
export type Authority = (order: CertificateOrder) => Promise<Issued>;

/** DNS itself, not this machine's view of it. @param servers to ask; empty for this machine's */
export interface Dns {
  /** Addresses of a name; empty when it has none. */
  addresses(name: string, servers: readonly string[]): Promise<string[]>;
  /** Values of its TXT records. */
  texts(name: string, servers: readonly string[]): Promise<string[]>;
}
