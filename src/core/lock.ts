/** One at a time. A lock ends with the process that holds it, however it ends, and holds for all that share the data root. */
export interface Locks {
  /**
   * Takes the lock of that name and returns what gives it back. Held by another: waits up to `wait` milliseconds, then
   * fails naming the holder (LOCKED).
   * @param turn of a deploy: when it began, in microseconds since the machine started. Where a newer one waits or has had the lock: SUPERSEDED
   */
  lock(name: string, doing: string, wait?: number, turn?: number): Promise<() => Promise<void>>;
  /** Locks that are held at this moment, and deploys that wait for one. */
  locks(): Promise<LockView[]>;
}

/** Who holds a lock, or waits for one. Null: it was taken at this moment and does not say yet. */
export interface LockView {
  /** A project, or what all share: `the proxy`, `the host`, … */
  readonly name: string;
  readonly state: 'held' | 'waiting';
  /** user@machine */
  readonly who: string | null;
  readonly doing: string | null;
  /** ISO 8601. */
  readonly since: string | null;
  /** Its number as it sees it: in a container it is one of that. */
  readonly pid: number | null;
}
