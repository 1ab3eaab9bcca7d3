import { describe, expect, test } from 'vitest';
import { readRedirects } from '../../src/core/redirects.ts';

type Written = Parameters<typeof readRedirects>[0];

/** The redirects that are said to lead back to themselves. */
function circles(input: Written): string[] {
  const found: string[] = [];
  readRedirects(
    input,
    { hostnames: [{ kind: 'exact', name: 'a.org' }], apps: [], media: [] },
    {
      add: (path, message) => {
        expect(message).toMatch(/ leads back to /);
        found.push(String(path[2]));
      },
    },
  );
  return found;
}

const exact = (to: string) => ({ to, exact: true });

describe('redirects that lead back to themselves', () => {
  test.each<[what: string, input: Written, found: string[]]>([
    ['one', { '/a': '/a' }, ['/a']],
    ['one that grows', { '/a': '/a/b' }, ['/a']],
    ['by its own hostname', { '/a': 'https://a.org/a' }, ['/a']],
    ['three', { '/a': '/b', '/b': '/c', '/c': '/a' }, ['/a', '/b', '/c']],
    ['not what only leads into them', { '/in': '/a', '/a': '/b', '/b': '/a' }, ['/a', '/b']],
    ['not a way out', { '/a': '/b', '/b': '/c', '/c': 'https://b.org/a' }, []],
    ['not two that meet', { '/a': '/c', '/b': '/c', '/c': '/d' }, []],
    ['not what is gone', { '/a': '/b', '/b': { status: 410 } }, []],
    ['one path alone', { '/a': exact('/b'), '/b': exact('/a') }, ['/a', '/b']],
    ['not a path below one that is for itself alone', { '/a': exact('/a/b') }, []],
    ['not a whole site that moves, but for one path', { '/x': exact('/y'), '/': 'https://b.org' }, []],
    ['by the longest path', { '/': '/a', '/a': '/b', '/b': 'https://b.org' }, []],
  ])('%s', (_, input, found) => {
    expect(circles(input)).toEqual(found);
  });

  test('are found in a moment among thousands', () => {
    const many = (last: string): Written =>
      Object.fromEntries(
        Array.from({ length: 1500 }, (_, index) => [`/a${index}`, index === 1499 ? last : `/a${index + 1}`]),
      );
    const since = process.cpuUsage();
    expect(circles(many('/out'))).toEqual([]);
    expect(circles(many('/a0'))).toHaveLength(1500);
    expect(circles(many('/a500'))).toHaveLength(1000);
    expect(process.cpuUsage(since).user / 1000).toBeLessThan(2000);
  });
});
