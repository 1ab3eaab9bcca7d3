import { describe, expect, test } from 'vitest';
import { follow, readRedirects } from '../../src/core/redirects.ts';

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

describe('where a redirect leads', () => {
  const place = { hostnames: [], apps: [], media: [] };
  const read = (to: string, more: object = { exact: true }) => {
    const found: string[] = [];
    const [redirect] = readRedirects({ '/a': { to, ...more } }, place, { add: (_, message) => found.push(message) });
    return found.length > 0 ? found : redirect?.to;
  };

  test.each([
    ['/new', '/new'],
    ['/new/', '/new/'],
    ['/a/../b', '/b'],
    ['/b?c=d#e', '/b?c=d#e'],
    ['/ä', '/%C3%A4'],
    ['/a$b{c}|"', '/a%24b%7Bc%7D%7C%22'],
    ['https://B.org', 'https://b.org'],
    ['https://b.org/', 'https://b.org/'],
    ['https://b.org?x', 'https://b.org/?x'],
    ['http://b.org:8080/x', 'http://b.org:8080/x'],
    ['https://bücher.example/x', 'https://xn--bcher-kva.example/x'],
    ["/-._~:@!&'()*+,;=[]%41", "/-._~:@!&'()*+,;=[]%41"],
  ])('%s is told as %s', (to, location) => {
    expect(read(to)).toBe(location);
  });

  test.each([
    ['//b.org', '`//b.org` leads to another host: write it with https://'],
    ['/..//b.org', '`/..//b.org` leads to another host'],
    ['/a\tb', '`/a\tb` holds a blank, a control character or a backslash'],
    ['/a\u007f', '`/a\u007f` holds a blank, a control character or a backslash'],
    ['/a b', '`/a b` holds a blank, a control character or a backslash'],
    ['\\\\b.org', '`\\\\b.org` holds a blank, a control character or a backslash'],
    ['ftp://b.org', '`ftp://b.org` is neither a path such as /new nor an http URL'],
    ['b.org', '`b.org` is neither a path such as /new nor an http URL'],
    ['https://', '`https://` is neither a path such as /new nor an http URL'],
    ['https://:p@b.org', '`https://:p@b.org` holds a user name'],
    ['https://u@b.org', '`https://u@b.org` holds a user name'],
  ])('%j is refused', (to, message) => {
    expect(read(to)).toEqual([message]);
  });

  test('what keeps a tail holds neither query nor fragment', () => {
    expect(read('/b?c', {})).toEqual(['`/b?c` holds a query or a fragment, so no tail can follow']);
    expect(read('/b#c', {})).toEqual(['`/b#c` holds a query or a fragment, so no tail can follow']);
    expect(read('/b', {})).toBe('/b');
  });

  test.each([
    ['/a', '/b', false, '/a', '/b'],
    ['/a', '/b/', false, '/a', '/b/'],
    ['/a', '/b', false, '/a/c/', '/b/c/'],
    ['/a', '/b/', false, '/a/c', '/b/c'],
    ['/', '/b', false, '/c', '/b/c'],
    ['/', '/b', false, '/', '/b/'],
    ['/a', '/b', true, '/a/', '/b'],
    ['/a', 'https://b.org', false, '/a/c', 'https://b.org/c'],
  ])('from %s to %s, exact: %j, for %s it is %s', (path, to, only, asked, location) => {
    expect(follow({ path, to, status: 301, exact: only }, asked)).toBe(location);
  });

  test('is read with its status, the longest path first', () => {
    const found: unknown[] = [];
    const all = readRedirects(
      { '/b': '/x', '/long/': { to: '/y', status: 308 }, '/a': { status: 410, exact: true } },
      place,
      { add: (...finding) => found.push(finding) },
    );
    expect(found).toEqual([]);
    expect(all).toEqual([
      { path: '/long', to: '/y', status: 308, exact: false },
      { path: '/a', status: 410, exact: true },
      { path: '/b', to: '/x', status: 301, exact: false },
    ]);
    expect(readRedirects(undefined, place, { add: (...finding) => found.push(finding) })).toEqual([]);
  });
});
