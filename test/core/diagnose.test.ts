import { describe, expect, test } from 'vitest';
import { diagnose, type Symptoms } from '../../src/core/diagnose.ts';
import type { ContainerReport, FileView, LiveView } from '../../src/core/results.ts';

const box = (state: ContainerReport['state'], detail: string, log: string[] = []): ContainerReport => ({
  name: 'blog-web-1234567',
  state,
  detail,
  log,
  ok: false,
});
const WELL: ContainerReport = { ...box('running', 'answers 200 at /'), ok: true };
const LIVE: LiveView = { release: 1, proxy: 'answers', containers: [WELL], closed: false };
const APP: Symptoms = {
  to: 'app',
  project: 'blog',
  app: 'web',
  timeout: 60_000,
  files: [],
  guarded: false,
  plainOnly: false,
};

function causes(live: Partial<LiveView> | undefined, more: Partial<Symptoms> = {}): string[] {
  return diagnose({ ...APP, ...more, ...(live ? { live: { ...LIVE, ...live } } : {}) }).map(
    ({ text, hint }) => `${text} → ${hint}`,
  );
}
const file = (of: FileView['of'], state: FileView['state'], near?: string): FileView => ({
  of,
  path: `/${of}/a.txt`,
  state,
  ...(near === undefined ? {} : { near }),
});

describe('what stands before the app', () => {
  test.each<[what: string, live: Partial<LiveView> | undefined, more: Partial<Symptoms>, expected: string[]]>([
    ['nothing is wrong', {}, {}, []],
    ['nothing is known of the host', undefined, {}, []],
    [
      'https that there is not',
      { proxy: 'silent' },
      { plainOnly: true },
      ['blog has no `tls`, so that it answers http only → add `tls: { acme: http }`, or a certificate of your own'],
    ],
    [
      'the proxy is silent',
      { proxy: 'silent', closed: true },
      {},
      ['the proxy does not answer: no site of this host does → hostctl doctor, then hostctl setup'],
    ],
    [
      'closed',
      { closed: true, differs: 'it differs' },
      {},
      ['blog is closed for maintenance: visitors get 503 → hostctl maintenance off blog'],
    ],
    ['another release', { differs: 'it differs' }, {}, ['it differs → hostctl plan blog, then deploy']],
    [
      'another release, and an app that fails',
      { differs: 'it differs', visit: { status: 500 } },
      {},
      ['it differs → hostctl plan blog, then deploy', "the 500 is the app's own → hostctl logs blog/web"],
    ],
  ])('%s', (_, live, more, expected) => {
    expect(causes(live, more)).toEqual(expected);
  });

  test('what was never deployed; a hostname of nobody is no such thing', () => {
    const { release: _, ...never } = { ...LIVE, proxy: 'silent' as const };
    expect(diagnose({ ...APP, live: never })).toEqual([
      { text: 'blog was never deployed here', hint: 'hostctl deploy blog' },
    ]);
    const { project: __, ...nobody } = { ...APP, to: 'nobody' as const };
    expect(diagnose({ ...nobody, live: { ...never, proxy: 'answers', differs: 'it differs' } })).toEqual([
      { text: 'it differs', hint: 'hostctl plan --all, then deploy' },
    ]);
  });
});

describe('containers', () => {
  test.each<[state: ContainerReport['state'], detail: string, log: string[], expected: string]>([
    ['missing', '', [], 'there is no container blog-web-1234567, which the live release needs → hostctl deploy blog'],
    ['exited', 'exit code 3', [], 'blog-web-1234567 is stopped (exit code 3) → hostctl start blog'],
    [
      'exited',
      'exit code 3',
      ['bye'],
      'blog-web-1234567 is stopped (exit code 3) → hostctl start blog; its last words are above',
    ],
    [
      'exited',
      'out of memory',
      [],
      'blog-web-1234567 is stopped (out of memory) → raise limits.memory, then hostctl start blog',
    ],
    ['created', 'never started', [], 'blog-web-1234567 is stopped (never started) → hostctl start blog'],
    ['dead', 'removed', [], 'blog-web-1234567 is stopped (removed) → hostctl start blog'],
    [
      'restarting',
      'exit code 1',
      ['bye'],
      'blog-web-1234567 ends again and again (exit code 1) → hostctl logs blog/web',
    ],
    [
      'running',
      'nothing listens',
      [],
      'blog-web-1234567 runs, and nothing listens → hostctl logs blog/web; it must listen where hostctl expects it, on all addresses',
    ],
  ])('%s, %s', (state, detail, log, expected) => {
    expect(causes({ containers: [box(state, detail, log)] })).toEqual([expected]);
  });

  test('some of several', () => {
    const sick = box('restarting', 'x');
    const one = 'blog-web-1234567 ends again and again (x) → hostctl logs blog/web';
    const others = 'the other replicas answer, so that only some requests fail → hostctl status blog';
    expect(causes({ containers: [WELL, sick] })).toEqual([one, others]);
    expect(causes({ containers: [sick, sick] })).toEqual([one, one]);
    // What the visit said follows from them.
    expect(causes({ containers: [sick, WELL], visit: { status: 502 } })).toEqual([one, others]);
  });

  test('are nothing to files and redirects', () => {
    const live = { containers: [box('exited', 'x')], visit: { status: 500 } };
    for (const to of ['media', 'redirect', 'nothing'] as const) expect(causes(live, { to })).toEqual([]);
  });
});

describe('statuses', () => {
  const own = (status: number): string => `the ${status} is the app's own → hostctl logs blog/web`;
  test.each<[status: number | undefined, more: Partial<Symptoms>, expected: string[]]>([
    [undefined, {}, []],
    [200, {}, []],
    [302, { guarded: true }, []],
    [499, {}, []],
    [500, {}, [own(500)]],
    [501, {}, [own(501)]],
    [503, {}, [own(503)]],
    [
      502,
      {},
      [
        'the containers answer hostctl, but the proxy does not reach them, or the app breaks off its answer → hostctl logs blog/web; hostctl deploy blog connects them anew',
      ],
    ],
    [504, {}, ['the app did not answer this page within 1m → make it faster, or raise `http.timeout`']],
    [504, { timeout: 0 }, ['the app did not answer this page → make it faster, or raise `http.timeout`']],
    [401, { guarded: true }, ['`http.access` of blog keeps this machine out → others may be let in']],
    [403, { guarded: true }, ['`http.access` of blog keeps this machine out → others may be let in']],
    [401, {}, []],
    [403, {}, []],
    [429, {}, ['more requests came than `http.rate` lets through → wait, or raise it']],
    [413, {}, ['the request is larger than `http.body` → raise it']],
    [
      404,
      { guarded: true },
      ['the app itself says that there is no such page: the proxy passes every path of it on → hostctl logs blog/web'],
    ],
    [
      400,
      {},
      [
        'the app itself refuses the request; many frameworks have a list of hostnames they answer for → add the hostname there, such as `ALLOWED_HOSTS` of Django',
      ],
    ],
  ])('%s %j', (status, more, expected) => {
    expect(causes({ visit: status === undefined ? {} : { status } }, more)).toEqual(expected);
  });

  test('nobody knows how long the proxy waits', () => {
    const { timeout: _, ...rest } = APP;
    expect(diagnose({ ...rest, live: { ...LIVE, visit: { status: 504 } } })[0]?.text).toBe(
      'the app did not answer this page',
    );
  });
});

describe('files', () => {
  const MISSING = 'is not there → names are compared letter by letter, upper and lower case too';
  test.each<[what: string, files: FileView[], expected: string[]]>([
    ['none looked at', [], []],
    ['all well', [file('definition', 'file'), file('live', 'file')], []],
    ['missing', [file('definition', 'missing')], [`\`/definition/a.txt\` ${MISSING}`]],
    ['missing in both', [file('definition', 'missing'), file('live', 'missing')], [`\`/live/a.txt\` ${MISSING}`]],
    [
      'missing, with another name',
      [file('definition', 'missing', 'A.txt')],
      ['`/definition/a.txt` is not there → did you mean `A.txt`?'],
    ],
    [
      'missing, with another name in the source',
      [file('definition', 'missing', 'A.txt'), file('live', 'missing')],
      ['`/live/a.txt` is not there → did you mean `A.txt`?'],
    ],
    [
      'missing, with another name where it is served',
      [file('definition', 'missing', 'A.txt'), file('live', 'missing', 'B.txt')],
      ['`/live/a.txt` is not there → did you mean `B.txt`?'],
    ],
    [
      'newer than the deploy',
      [file('definition', 'file'), file('live', 'missing')],
      ['`/definition/a.txt` is there, and was not when the project was deployed → hostctl deploy blog'],
    ],
    ['older than the deploy', [file('definition', 'missing'), file('live', 'file')], []],
    ['a folder in the source', [file('definition', 'folder'), file('live', 'missing')], [`\`/live/a.txt\` ${MISSING}`]],
    [
      'a folder',
      [file('live', 'folder')],
      ['`/live/a.txt` is a folder, and folders are not listed → ask for a file in it'],
    ],
    [
      'a link',
      [file('live', 'link')],
      ['`/live/a.txt` is reached over a symbolic link, and the proxy follows none → put the file itself there'],
    ],
    ['closed', [file('live', 'closed')], ['`/live/a.txt` cannot be read from here → run it as root']],
  ])('%s', (_, files, expected) => {
    expect(causes({}, { to: 'media', files })).toEqual(expected);
    // Nothing else is served from files.
    expect(causes({}, { files })).toEqual([]);
  });

  test('without a host, the source is all there is', () => {
    expect(causes(undefined, { to: 'media', files: [file('definition', 'missing')] })).toEqual([
      `\`/definition/a.txt\` ${MISSING}`,
    ]);
  });
});
