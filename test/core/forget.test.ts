import { describe, expect, test } from 'vitest';
import { keptReleases, planCleanup, planForget } from '../../src/core/forget.ts';
import { socketLink } from '../../src/core/layout.ts';
import type { ContainerView, Desired, History, Observed, Release } from '../../src/core/state.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';

const workspace = normaliseWorkspace({}, '/work');
const KEY = 'k'.repeat(64);
const link = (replica: number, project = 'site'): string => socketLink(KEY, project, 'web', replica);

/** As much of a desired state as is looked at. */
function state(
  image: string,
  more: { containers?: string[]; media?: string[]; network?: boolean; versions?: Record<string, number> } = {},
): Desired {
  const workloads = (more.containers ?? []).map((name, index) => ({
    container: { name },
    link: link(index + 1),
    ...(more.versions ? { secrets: { versions: more.versions } } : {}),
  }));
  return {
    project: 'site',
    workloads,
    media: (more.media ?? []).map((root) => ({ root })),
    images: { web: { ref: image } },
    ...(more.network ? { network: { name: 'hostctl_site', proxy: true } } : {}),
  } as unknown as Desired;
}
const release = (id: number, desired: Desired): Release => ({ id, desired }) as Release;
const history = (...releases: Release[]): History => ({ releases, ...(releases[0] ? { current: releases[0] } : {}) });
const views = (...names: string[]): ContainerView[] => names.map((name) => ({ name }) as ContainerView);

interface Present {
  containers?: string[];
  networks?: string[];
  links?: string[];
  media?: string[];
  secrets?: Record<string, number[]>;
  secretFiles?: string[];
}
function observed({ containers = [], networks = [], links = [], media, secrets, secretFiles }: Present): Observed {
  return {
    containers: views(...containers),
    networks: networks.map((name) => ({ name })),
    links: Object.fromEntries(links.map((name) => [name, 'somewhere'])),
    media: media ? { site: media } : {},
    secrets: secrets ? { site: secrets } : {},
    secretFiles: secretFiles ? { site: secretFiles } : {},
  } as unknown as Observed;
}

describe('releases that are kept', () => {
  const [a, b, c] = ['a', 'b', 'c'].map((image) => state(image)) as [Desired, Desired, Desired];
  const kept = (next: Release | undefined, of: History, keep: number): number[] =>
    keptReleases(next, of, keep).map(({ id }) => id);
  const all = history(release(3, c), release(2, b), release(1, a));

  test('are the live one and the newest before it', () => {
    expect(kept(undefined, all, 5)).toEqual([3, 2, 1]);
    expect(kept(undefined, all, 1)).toEqual([3, 2]);
    expect(kept(undefined, all, 0)).toEqual([3]);
    expect(kept(release(4, state('d')), all, 2)).toEqual([4, 3, 2]);
    expect(kept(undefined, { releases: [] }, 3)).toEqual([]);
    expect(kept(undefined, { releases: all.releases }, 3)).toEqual([3, 2, 1]);
  });

  test('say something else each', () => {
    const back = history(release(5, a), release(4, b), release(3, a), release(2, b), release(1, c));
    expect(kept(undefined, back, 2)).toEqual([5, 4, 1]);
    expect(kept(release(6, b), back, 2)).toEqual([6, 5, 1]);
    // Nothing is live, and the first of two that say the same is kept.
    expect(kept(undefined, { releases: back.releases }, 2)).toEqual([5, 4]);
  });
});

describe('what attempts left behind', () => {
  test('is forgotten with the files that only they had', () => {
    const present = observed({ media: ['a.0123456789', 'b.0123456789', 'c.0123456789', 'up.uploads', 'd.012345678'] });
    const next = state('next', { media: ['site/a.0123456789'] });
    const old = release(1, state('old', { media: ['site/b.0123456789'] }));
    expect(planCleanup(next, views('x', 'y'), history(old), present)).toEqual([
      {
        do: 'forget',
        project: 'site',
        containers: ['x', 'y'],
        releases: [],
        media: ['site/c.0123456789'],
        links: [],
        secrets: [],
        secretFiles: [],
        keepImages: ['next', 'old'],
        why: 'left by an attempt that did not go live',
      },
    ]);
    expect(planCleanup(next, [], history(old), present)).toEqual([]);
  });
});

describe('what no rollback needs', () => {
  const LIVE = state('live', { containers: ['web-3'], media: ['site/a.3333333333'], versions: { TOKEN: 3 } });
  const KEPT = release(
    2,
    state('kept', { containers: ['web-2'], media: ['site/a.2222222222'], versions: { TOKEN: 2 } }),
  );
  const GONE = release(
    1,
    state('gone', { containers: ['web-1'], media: ['site/a.1111111111'], versions: { TOKEN: 1 } }),
  );
  const NOW = release(3, LIVE);
  const ALL = history(NOW, KEPT, GONE);
  const forget = (present: Present, old: string[] = [], kept = [NOW, KEPT], of = ALL): object | undefined =>
    planForget(LIVE, views(...old), kept, of, observed(present), workspace)[0];

  test('is one step with all of it', () => {
    expect(
      forget(
        {
          containers: ['web-3', 'web-2', 'web-1'],
          media: ['a.3333333333', 'a.2222222222', 'a.1111111111', 'a.uploads'],
          links: [link(1), link(2), link(1, 'other')],
          secrets: { TOKEN: [1, 2, 3, 4], OTHER: [1, 2] },
          secretFiles: ['web-3', 'web-2', 'web-1', 'web-0'],
        },
        ['web-1', 'web-2', 'web-0'],
      ),
    ).toEqual({
      do: 'forget',
      project: 'site',
      containers: ['web-1', 'web-0'],
      releases: [1],
      media: ['site/a.1111111111'],
      links: [link(2)],
      secrets: [
        { name: 'TOKEN', version: 1 },
        { name: 'OTHER', version: 1 },
      ],
      // Those of a container that still stands are its own.
      secretFiles: ['projects/site/secret-files/web-0'],
      keepImages: ['live', 'kept'],
      why: 'more than the releases to keep',
    });
  });

  test('is nothing where all is needed', () => {
    expect(
      forget(
        {
          containers: ['web-3', 'web-2'],
          media: ['a.3333333333', 'a.2222222222', 'b.uploads'],
          links: [link(1)],
          secrets: { TOKEN: [2, 3, 4], OTHER: [7] },
          secretFiles: ['web-3', 'web-2'],
        },
        ['web-2'],
        [NOW, KEPT],
        history(NOW, KEPT),
      ),
    ).toBeUndefined();
    expect(forget({}, [], [NOW, KEPT], history(NOW, KEPT))).toBeUndefined();
  });

  test.each<[what: string, present: Present, old: string[], part: object]>([
    ['a container', {}, ['web-0'], { containers: ['web-0'] }],
    ['files', { media: ['x.0123456789'] }, [], { media: ['site/x.0123456789'] }],
    ['a link', { links: [link(2)] }, [], { links: [link(2)] }],
    ['a secret', { secrets: { X: [1, 2] } }, [], { secrets: [{ name: 'X', version: 1 }] }],
    ['a file of secrets', { secretFiles: ['web-0'] }, [], { secretFiles: ['projects/site/secret-files/web-0'] }],
    ['a network', { networks: ['hostctl_site'] }, [], { network: 'hostctl_site' }],
  ])('may be %s alone', (_, present, old, part) => {
    expect(forget(present, old, [NOW, KEPT], history(NOW, KEPT))).toMatchObject(part);
  });

  test('a network goes only when none that is kept was made on it', () => {
    const networked = [NOW, release(2, state('kept', { network: true }))];
    const of = history(...networked);
    expect(forget({ networks: ['hostctl_site'] }, [], networked, of)).toBeUndefined();
    expect(forget({ networks: ['hostctl_other', 'x_site'] }, [], [NOW], history(NOW))).toBeUndefined();
    expect(forget({ media: ['x.0123456789'] }, [], [NOW], history(NOW))).not.toHaveProperty('network');
  });
});
