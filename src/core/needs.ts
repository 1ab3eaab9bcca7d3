/** Puts what others need first; keeps the given order otherwise. Circles were refused with the definition. */
export function byNeeds<T extends { readonly app: string; readonly needs: readonly string[] }>(
  items: readonly T[],
): T[] {
  const placed: T[] = [];
  const waiting = [...items];
  while (waiting.length > 0) {
    const index = waiting.findIndex((item) => item.needs.every((need) => !waiting.some((other) => other.app === need)));
    placed.push(...waiting.splice(Math.max(index, 0), 1));
  }
  return placed;
}
