import { expect, test } from 'vitest';
import { listeningEverywhere, probeProgram, probesFor, readProbes } from '../../src/core/probes.ts';

const neighbour = (index: number) => ({ name: `app-${index}`, address: `10.0.0.${index}`, port: 8000 + index });
const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);
const GENERAL = [
  'the cloud’s metadata at 169.254.169.254',
  'the engine’s socket',
  'packets of its own making',
  'a user namespace',
  'a mount',
  'a keyring',
  'a program of the kernel’s',
  'the kernel’s memory',
  'the kernel’s settings',
  'the control groups',
  'a program that runs as root',
];

test('what is tried are a few ports of the host, a few of the neighbours, and the usual ways out', () => {
  const probes = probesFor({ hostPorts: numbers(6), neighbours: numbers(9).map(neighbour) });
  expect(probes.map(({ attempt }) => attempt)).toEqual([
    ...numbers(5).map((port) => `port ${port} of this host`),
    ...numbers(8).map((index) => `port ${8000 + index} of app-${index}`),
    ...GENERAL,
  ]);
  expect(probes[5]!.script).toBe('timeout 2 bash -c "exec 3<>/dev/tcp/10.0.0.1/8001"');
  expect(probes[13]!.script).toBe('timeout 2 bash -c "exec 3<>/dev/tcp/169.254.169.254/80"');
  expect(probes[0]!.script).toMatch(
    /^timeout 2 bash -c "exec 3<>\/dev\/tcp\/\$\(perl .*\/proc\/net\/route \| head -1\)\/1"$/,
  );
  expect(probesFor({ hostPorts: [], neighbours: [] }).map(({ attempt }) => attempt)).toEqual(GENERAL);
});

test('no attempt says nothing and none leaves anything out', () => {
  const scripts = probesFor({ hostPorts: [1], neighbours: [neighbour(1)] }).map(({ script }) => script);
  expect(new Set(scripts).size).toBe(GENERAL.length + 2);
  expect(scripts.every((script) => script.length > 10)).toBe(true);
});

test('all are tried side by side, and the program waits for the last', () => {
  const two = [
    { attempt: 'a', script: 'true' },
    { attempt: 'b', script: 'false || false' },
  ];
  expect(probeProgram(two)).toBe(
    [
      '{ ( true ) >/dev/null 2>&1 && echo 0 open || echo 0 held; } &',
      '{ ( false || false ) >/dev/null 2>&1 && echo 1 open || echo 1 held; } &',
      'wait',
    ].join('\n'),
  );
  expect(readProbes(two, ['1 held', '0 open'])).toEqual([
    { attempt: 'a', held: false },
    { attempt: 'b', held: true },
  ]);
  expect(readProbes(two, ['11 held', '0 held '])).toEqual([
    { attempt: 'a', held: false },
    { attempt: 'b', held: false },
  ]);
});

test('of the kernel’s sockets those count that listen on every address, each port once', () => {
  const line = (address: string, port: string, state: string): string =>
    `   0: ${address}:${port} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 1 1`;
  const table = [
    '  sl  local_address rem_address   st',
    line('00000000', '1F90', '0A'),
    line('00000000', '0016', '0A'),
    line('00000000000000000000000000000000', '1F90', '0A'),
    line('0100007F', '0050', '0A'),
    line('00000000', '01BB', '01'),
    line('00000000', 'FFFF', '0A'),
  ];
  expect(listeningEverywhere(`${table.join('\n')}\n`)).toEqual([22, 8080, 65_535]);
  expect(listeningEverywhere('')).toEqual([]);
});
