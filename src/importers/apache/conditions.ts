/** The Apache whose meaning an import keeps: sections for older ones do not count. */
const VERSION = [2, 4, 66] as const;

/**
 * Whether the lines of `<IfModule>`, `<IfDefine>` or `<IfVersion>` count. Every module is taken to be there, for a site
 * that names one uses it. Undefined for what cannot be told.
 */
export function holds(
  name: string,
  args: readonly string[],
  defined: ReadonlyMap<string, string>,
): boolean | undefined {
  const [first = ''] = args;
  const not = first.startsWith('!');
  const word = not ? first.slice(1) : first;
  if (name === 'ifmodule') return !not;
  if (name === 'ifdefine') return defined.has(word) !== not;
  return ifVersion(args);
}

function ifVersion(args: readonly string[]): boolean | undefined {
  const [, not, operator = '', rest = ''] = /^(!?)([=<>~]*)(.*)$/.exec(args.join('')) ?? [];
  if (!/^\d+(\.\d+){0,2}$/.test(rest)) return undefined;
  const order = compare(rest.split('.').map(Number));
  const answers: Readonly<Record<string, boolean>> = {
    '': order === 0,
    '=': order === 0,
    '==': order === 0,
    '>': order > 0,
    '>=': order >= 0,
    '<': order < 0,
    '<=': order <= 0,
  };
  const answer = Object.hasOwn(answers, operator) ? answers[operator] : undefined;
  return answer === undefined ? undefined : answer !== (not === '!');
}

/** Above zero when our version is later. A version of fewer parts stands for its first, as in `>= 2.4`. */
function compare(other: readonly number[]): number {
  for (const [index, part] of VERSION.entries()) {
    const difference = part - (other[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
