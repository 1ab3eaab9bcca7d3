interface Needing {
  readonly app: string;
  readonly needs: readonly string[];
}

/** Groups that can start together, what others need first. Circles were refused with the definition. */
export function byLevel<T extends Needing>(items: readonly T[]): T[][] {
  const levels: T[][] = [];
  let waiting = [...items];
  while (waiting.length > 0) {
    const free = waiting.filter((item) => item.needs.every((need) => !waiting.some((other) => other.app === need)));
    const level = free.length > 0 ? free : waiting;
    levels.push(level);
    waiting = waiting.filter((item) => !level.includes(item));
  }
  return levels;
}

/** The same in one list. */
export function byNeeds<T extends Needing>(items: readonly T[]): T[] {
  return byLevel(items).flat();
}
