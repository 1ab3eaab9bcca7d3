import { describe, expect, test } from 'vitest';
import type { StoredCertificate } from '../../src/core/certificate.ts';
import type { Site } from '../../src/core/routes.ts';
import type { Desired, Observed } from '../../src/core/state.ts';
import { needsHttps, orderReason, planOrder, planOwnCertificate, uncovered } from '../../src/core/tls-plan.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';

const AT = '2026-11-22T12:00:00.000Z';
const CA = 'https://acme-v02.api.letsencrypt.org/directory';
const SITE: Site = {
  project: 'shop',
  hostnames: [
    { kind: 'exact', name: 'a.org' },
    { kind: 'leading', name: '*.b.org' },
    { kind: 'glob', name: '*c.org' },
  ],
  routes: [],
  maxBody: 1,
  tls: { acme: 'http', redirect: true },
};
const stored = (more: Partial<StoredCertificate> = {}): StoredCertificate => ({
  names: ['a.org', '*.b.org'],
  notBefore: 0,
  notAfter: Date.parse(AT) + 1,
  authority: CA,
  version: 'v1',
  ...more,
});
const desired = (site?: Site): Desired => ({
  project: 'shop',
  workloads: [],
  media: [],
  images: {},
  ...(site ? { site } : {}),
});
const observed = (certificate?: StoredCertificate, https?: string): Observed =>
  ({
    certificates: certificate ? { shop: certificate } : {},
    containers: https === undefined ? [] : [{ labels: { 'hostctl.https': https } }],
  }) as unknown as Observed;

describe('a certificate of the user', () => {
  const own = { certificate: '/c', key: '/k', version: 'v1' };
  test.each<[string, StoredCertificate | undefined, string[]]>([
    ['is copied when there is none', undefined, ['its certificate']],
    ['is left alone while it is the same', stored(), []],
    ['is copied when it is another', stored({ version: 'v2' }), ['a new certificate']],
    ['is copied when an earlier one stands in for it', stored({ standsIn: true }), ['a new certificate']],
  ])('%s', (_, there, whys) => {
    const steps = planOwnCertificate(desired(SITE), observed(there), own);
    expect(steps).toEqual(whys.map((why) => ({ do: 'tls', project: 'shop', own, why })));
    expect(planOwnCertificate(desired(SITE), observed(there), undefined)).toEqual([]);
  });
});

describe('a certificate is ordered', () => {
  const workspace = normaliseWorkspace({}, '/work');
  test.each<[string, StoredCertificate | undefined, string | undefined]>([
    ['none', undefined, 'there is no certificate yet; until there is, the site speaks plain http'],
    ['one that fits', stored(), undefined],
    ['one of the user', { names: ['a.org', '*.b.org'], notBefore: 0, notAfter: 1 }, 'so far it is one of your own'],
    ['one of another authority', stored({ authority: 'https://other' }), 'it is from another certificate authority'],
    ['one without a name', stored({ names: ['a.org'] }), 'it is not for `*.b.org`'],
    ['one that covers by a wildcard', stored({ names: ['*.org', '*.b.org'] }), undefined],
  ])('where there is %s: %s', (_, there, why) => {
    expect(orderReason(SITE, there, CA)).toBe(why);
    const steps = planOrder(desired(SITE), observed(there), { workspace, at: AT });
    expect(steps).toEqual(why === undefined ? [] : [{ do: 'order', site: SITE, why }]);
  });

  test('when it has expired, to the moment', () => {
    const why = (notAfter: number) =>
      planOrder(desired(SITE), observed(stored({ notAfter })), { workspace, at: AT }).map((step) => step.why);
    expect(why(Date.parse(AT))).toEqual(['it has expired']);
    expect(why(Date.parse(AT) + 1)).toEqual([]);
  });

  test('not for a site that orders none, nor beside a Traefik that orders itself', () => {
    const { tls: _, ...plain } = SITE;
    for (const site of [undefined, plain, { ...plain, tls: { redirect: true } }])
      expect(planOrder(desired(site), observed(), { workspace, at: AT })).toEqual([]);
    const existing = normaliseWorkspace({ proxy: { existing: { container: 't', directory: '/d' } } }, '/work');
    expect(planOrder(desired(SITE), observed(), { workspace: existing, at: AT })).toEqual([]);
  });
});

test('hostnames a certificate is not for are told in their order', () => {
  expect(uncovered(SITE, ['a.org'])).toEqual(['*.b.org', '*c.org']);
  expect(uncovered(SITE, ['*.b.org', 'abc.org'])).toEqual(['a.org']);
});

describe('https is open', () => {
  const { tls: _, ...plain } = SITE;
  const usual = normaliseWorkspace({}, '/work');
  test.each<[string, Site[], Observed, typeof usual, boolean]>([
    ['not for sites without tls', [plain], observed(), usual, false],
    ['for one site with tls', [plain, SITE], observed(), usual, true],
    ['where hostctl.yaml names its port', [], observed(), normaliseWorkspace({ proxy: { https: 443 } }, '/w'), true],
    ['where it was open before', [], observed(undefined, '443'), usual, true],
    ['not where another port was', [], observed(undefined, '8443'), usual, false],
  ])('%s', (_name, sites, world, workspace, open) => {
    expect(needsHttps(sites, world, workspace)).toBe(open);
  });
});
