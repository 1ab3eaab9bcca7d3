import { expect, test } from 'vitest';
import type { StoredCertificate } from '../../src/core/certificate.ts';
import type { Hostname } from '../../src/core/hostnames.ts';
import type { Site } from '../../src/core/routes.ts';
import { certificateStatus } from '../../src/core/tls-status.ts';

const DAY = 24 * 3600 * 1000;
const NOW = Date.parse('2026-11-22T12:00:00Z');
const AUTHORITY = 'https://acme.example/directory';
const hostname = (name: string): Hostname => ({ name, kind: 'exact' });
const site = (acme: boolean, ...names: string[]): Site => ({
  project: 'shop',
  hostnames: names.map(hostname),
  routes: [],
  maxBody: 1,
  tls: { redirect: true, ...(acme ? { acme: 'http' as const } : {}) },
});
const stored = (days: number, more: Partial<StoredCertificate> = {}): StoredCertificate => ({
  names: ['a.org'],
  notBefore: NOW + (days - 90) * DAY,
  notAfter: NOW + days * DAY,
  ...more,
});

test('without a certificate every hostname stays on plain http', () => {
  expect(certificateStatus(site(true, 'a.org', 'b.org'), undefined, NOW)).toEqual({
    project: 'shop',
    ordered: true,
    state: 'missing',
    names: [],
    expires: null,
    days: null,
    plain: ['a.org', 'b.org'],
  });
});

test('with one it says until when, and what it is not for', () => {
  expect(certificateStatus(site(false, 'a.org', 'b.org'), stored(60), NOW)).toEqual({
    project: 'shop',
    ordered: false,
    state: 'ok',
    names: ['a.org'],
    expires: '2027-01-21T12:00:00.000Z',
    days: 60,
    plain: ['b.org'],
  });
});

test('a site without tls orders nothing', () => {
  const { tls: _, ...plain } = site(true, 'a.org');
  expect(certificateStatus(plain, undefined, NOW).ordered).toBe(false);
});

const ordered = { authority: AUTHORITY };
test.each<[string, StoredCertificate, string]>([
  ['one of the user is ok for 21 days', stored(21), 'ok'],
  ['one of the user needs attention below', stored(21 - 1 / 24), 'ending'],
  ['one that is renewed is ok long before', stored(40, ordered), 'ok'],
  ['one that is renewed is ok while the renewal is a little late', stored(22.5, ordered), 'ok'],
  ['one that is renewed needs attention when a quarter of its last days is over', stored(22.4, ordered), 'ending'],
  [
    'one with a short life is due after two thirds of it, and overdue at a quarter of the rest',
    stored(1.5, { ...ordered, notBefore: NOW - 4.5 * DAY }),
    'ok',
  ],
  ['and not before', stored(1.4, { ...ordered, notBefore: NOW - 4.6 * DAY }), 'ending'],
  ['one that ends at this moment has expired', stored(0), 'expired'],
  ['one that ends in a moment has not', { ...stored(0), notAfter: NOW + 1 }, 'ending'],
  ['one that stands in for a damaged one', stored(60, { standsIn: true }), 'damaged'],
  ['one that stands in and has expired', stored(-1, { standsIn: true }), 'expired'],
])('%s', (_, certificate, state) => {
  expect(certificateStatus(site(true, 'a.org'), certificate, NOW).state).toBe(state);
});
