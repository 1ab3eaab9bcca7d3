import { beforeAll, describe, expect, test } from 'vitest';
import type { CertificateFacts } from '../../src/core/certificate.ts';
import { checkOrders, checkOwnCertificate } from '../../src/core/check-certificates.ts';
import type { Concern } from '../../src/core/concern.ts';
import { registrableDomain } from '../../src/core/domains.ts';
import { parseHostname } from '../../src/core/hostnames.ts';
import type { Project, Tls } from '../../src/core/model.ts';
import { normaliseWorkspace } from '../../src/core/workspace.ts';
import { check } from '../support/definitions.ts';

const DAY = 24 * 3_600_000;
const ACME: Tls = { source: { kind: 'acme', challenge: 'http' }, redirect: true };
const OWN: Tls = { source: { kind: 'files', certificate: '/c', key: '/k' }, redirect: true };
const { tls: PUBLIC } = normaliseWorkspace({}, '/work');

let plain: Project;
beforeAll(async () => {
  plain = (await check('apps:\n  job: { image: job }\n')).project!;
});
function project(name: string, names: readonly string[], tls?: Tls): Project {
  const hostnames = names.map((text) => {
    const parsed = parseHostname(text);
    if (!parsed.ok) throw new Error(parsed.message);
    return parsed.value;
  });
  return { ...plain, name, hostnames, ...(tls ? { tls } : {}) };
}
const many = (count: number, names: (index: number) => string[], tls: Tls = ACME): Project[] =>
  Array.from({ length: count }, (_, index) => project(`p${index}`, names(index), tls));
const line = ({ level, topic, project: name = 'hostctl.yaml', path, on, message, hint }: Concern): string =>
  `${level} ${topic} ${[name, ...path].join(' ')}${on ? ` (${on})` : ''}: ${message}${hint === undefined ? '' : ` → ${hint}`}`;

describe('orders', () => {
  const orders = (projects: readonly Project[], tls = PUBLIC): string[] =>
    checkOrders(projects, { tls }, registrableDomain).map(line);
  const crowded = (count: number, domain: string): string =>
    `warning certificates hostctl.yaml tls (key): ${count} projects order a certificate for names of \`${domain}\`: Let's Encrypt issues 50 new ones a week for one domain; renewals do not count → deploy the rest a week later, or give them one \`*.${domain}\` of your own with \`certificate:\` and \`key:\``;

  test('of one domain: fifty a week', () => {
    expect(orders(many(50, (index) => [`n${index}.a.org`]))).toEqual([]);
    expect(orders(many(51, (index) => [`n${index}.a.org`]))).toEqual([crowded(51, 'a.org')]);
    // A project counts once, whatever it has there.
    expect(orders(many(50, (index) => [`n${index}.a.org`, `m${index}.a.org`, `*.n${index}.a.org`]))).toEqual([]);
    expect(orders(many(51, (index) => [`*.n${index}.a.org`, 'www.*', '*c.org']))).toEqual([crowded(51, 'a.org')]);
  });

  test('only of those who order, and only from that authority', () => {
    const projects = many(51, (index) => [`n${index}.a.org`]);
    expect(orders([...projects.slice(1), project('own', ['own.a.org'], OWN), project('none', ['b.a.org'])])).toEqual(
      [],
    );
    expect(orders(projects, { ...PUBLIC, directory: 'https://ca.a.org/' })).toEqual([]);
    expect(
      orders(projects, { ...PUBLIC, directory: 'https://acme-staging-v02.api.letsencrypt.org/directory' }),
    ).toEqual([]);
  });

  test('of all together: three hundred in three hours', () => {
    expect(orders(many(300, (index) => [`a${index}.org`]))).toEqual([]);
    expect(orders(many(301, (index) => [`a${index}.org`]))).toEqual([
      "warning certificates hostctl.yaml tls (key): 301 projects order a certificate: Let's Encrypt takes 300 orders in three hours → deploy them in parts",
    ]);
  });

  test('of names in no public domain, from whomever', () => {
    const none = (index: number, name: string): string =>
      `warning certificates a hostnames ${index}: no public certificate authority issues a certificate for \`${name}\`: it is in no public domain → leave \`tls\` out, or name a certificate authority of your own under \`tls.ca\` in hostctl.yaml`;
    const projects = [project('a', ['www.a.org', 'b.test', '*.c.test', 'www.*', '*d.test'], ACME)];
    const found = [none(1, 'b.test'), none(2, '*.c.test')];
    expect(orders(projects)).toEqual(found);
    expect(orders(projects, { ...PUBLIC, directory: 'https://ca.a.org/' })).toEqual(found);
    expect(orders([project('a', ['b.test'], OWN)])).toEqual([]);
  });
});

describe("a certificate of the user's own", () => {
  const NOW = Date.parse('2026-11-22T12:00:00Z');
  const told = (facts: Partial<CertificateFacts>, names = ['www.a.org']): string[] =>
    checkOwnCertificate(
      project('a', names, OWN),
      { names: ['www.a.org'], notBefore: NOW - DAY, notAfter: NOW + 100 * DAY, ...facts },
      NOW,
    ).map((concern) => line(concern).replace('certificates a tls certificate: ', ''));

  test.each<[what: string, facts: Partial<CertificateFacts>, expected: string[]]>([
    ['sound', {}, []],
    ['ends in two weeks', { notAfter: NOW + 14 * DAY }, []],
    ['sooner', { notAfter: NOW + 14 * DAY - 1 }, ['warning ends on 2026-12-06, in 13 days → renew it']],
    ['today', { notAfter: NOW + 1 }, ['warning ends on 2026-11-22, in 0 days → renew it']],
    ['now', { notAfter: NOW }, ['warning ends on 2026-11-22, in 0 days → renew it']],
    ['over', { notAfter: NOW - 1 }, ['error ended on 2026-11-22 → renew it']],
    ['begins now', { notBefore: NOW }, []],
    ['begins later', { notBefore: NOW + DAY }, ['error is not valid before 2026-11-23']],
  ])('%s', (_, facts, expected) => {
    expect(told(facts)).toEqual(expected);
  });

  test('for other names', () => {
    expect(told({}, ['www.a.org', 'b.org'])).toEqual([
      'warning is not for `b.org`: browsers will warn visitors of this → it is for `www.a.org`',
    ]);
    expect(told({ names: ['a.org', '*.a.org'] }, ['www.a.org', 'b.org', 'c.org'])).toEqual([
      'warning is not for `b.org`, `c.org`: browsers will warn visitors of these → it is for `a.org`, `*.a.org`',
    ]);
  });

  test('everything at once', () => {
    expect(told({ notAfter: NOW - DAY, notBefore: NOW + DAY }, ['b.org'])).toHaveLength(3);
  });
});
