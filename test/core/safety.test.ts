import { describe, expect, test } from 'vitest';
import { engineDefects, fenceFinding, securityFinding } from '../../src/core/safety.ts';
import type { EngineInfo } from '../../src/core/state.ts';

const engine = (version: string, security: readonly string[] = []): EngineInfo => ({
  version,
  api: '1.41',
  cpus: 1,
  memory: 1,
  time: '',
  warnings: [],
  security,
});
const LOCKS = {
  check: 'engine defect',
  state: 'warning',
  detail: 'it can lock up for good when containers on one network start and stop at once (moby#46661)',
  advice: 'hostctl does those steps one at a time here; other tools may not. A newer engine is faster',
};
const URING = {
  check: 'engine defect',
  state: 'warning',
  detail: 'its seccomp profile still lets io_uring through',
  advice: 'upgrade the engine when you can',
};
const LOCAL = {
  check: 'engine defect',
  state: 'warning',
  detail: 'a port published on 127.0.0.1 can be reached from the local network (moby#45610)',
  advice: 'hostctl publishes only the proxy; mind other containers on this host',
};

test.each([
  ['20.10.5', [LOCKS, URING, LOCAL]],
  ['20.10.26+dfsg1', [LOCKS, URING, LOCAL]],
  ['20.10.27', [URING, LOCAL]],
  ['20.11.0', [URING, LOCAL]],
  ['24.0.9-ce', [URING, LOCAL]],
  ['25.0.0', [LOCAL]],
  ['25', [LOCAL]],
  ['27.5.1', [LOCAL]],
  ['28.0.0', []],
  ['28.0', []],
])('the defects of engine %s', (version, defects) => {
  expect(engineDefects(engine(version))).toEqual(defects);
});

test('seccomp is a must, AppArmor a second fence', () => {
  expect(securityFinding(engine('28.0.0', ['apparmor']))).toEqual({
    check: 'seccomp',
    state: 'problem',
    detail: 'the engine runs without seccomp',
    advice: 'use a kernel and an engine built with it',
  });
  expect(securityFinding(engine('28.0.0', ['seccomp']))).toEqual({
    check: 'security',
    state: 'ok',
    detail: 'seccomp; this kernel has no AppArmor, which would be a second fence',
  });
  expect(securityFinding(engine('28.0.0', ['apparmor', 'seccomp']))).toEqual({
    check: 'security',
    state: 'ok',
    detail: 'seccomp and AppArmor',
  });
});

describe('the fence', () => {
  const open = 'apps with egress reach whatever listens on all addresses of this host';
  test.each([
    [
      { state: 'up' as const },
      { check: 'fence', state: 'ok', detail: 'apps reach the proxy on this host, and nothing else on it' },
    ],
    [
      { state: 'down' as const, why: 'never told' },
      { check: 'fence', state: 'warning', detail: open, advice: 'hostctl setup puts up the fence against it' },
    ],
    [
      { state: 'impossible' as const, why: 'nft is missing here' },
      {
        check: 'fence',
        state: 'warning',
        detail: `${open}: nft is missing here`,
        advice: 'apt-get install nftables, then hostctl setup',
      },
    ],
    [
      { state: 'impossible' as const, why: 'the engine is elsewhere' },
      {
        check: 'fence',
        state: 'warning',
        detail: `${open}: the engine is elsewhere`,
        advice: 'let such services listen on 127.0.0.1 alone',
      },
    ],
  ])('that is %j', (fence, finding) => {
    expect(fenceFinding(fence)).toEqual(finding);
  });
});
