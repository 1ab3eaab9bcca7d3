import type { CheckResult } from './results.ts';
import type { EngineInfo, Fence } from './state.ts';

/** Known defects by version, and what they mean for the sites on this host. */
export function engineDefects(engine: EngineInfo): CheckResult[] {
  const [major = 0, minor = 0, patch = 0] = engine.version.split(/[.+-]/).map(Number);
  const number = major * 1e6 + minor * 1e3 + patch;
  const known = [
    {
      below: 20_010_027,
      detail: 'it can lock up for good when containers on one network start and stop at once (moby#46661)',
      advice: 'hostctl does those steps one at a time here; other tools may not. A newer engine is faster',
    },
    {
      below: 25_000_000,
      detail: 'its seccomp profile still lets io_uring through',
      advice: 'upgrade the engine when you can',
    },
    {
      below: 28_000_000,
      detail: 'a port published on 127.0.0.1 can be reached from the local network (moby#45610)',
      advice: 'hostctl publishes only the proxy; mind other containers on this host',
    },
  ];
  return known
    .filter((item) => number < item.below)
    .map((item) => ({ check: 'engine defect', state: 'warning', detail: item.detail, advice: item.advice }));
}

/** What stands between a container and the kernel. */
export function securityFinding(engine: EngineInfo): CheckResult {
  if (!engine.security.includes('seccomp')) {
    return {
      check: 'seccomp',
      state: 'problem',
      detail: 'the engine runs without seccomp',
      advice: 'use a kernel and an engine built with it',
    };
  }
  const apparmor = engine.security.includes('apparmor');
  return {
    check: 'security',
    state: 'ok',
    detail: apparmor ? 'seccomp and AppArmor' : 'seccomp; this kernel has no AppArmor, which would be a second fence',
  };
}

/** Whether apps are kept from the services of this host. */
export function fenceFinding({ state, why }: Fence): CheckResult {
  const check = 'fence';
  if (state === 'up')
    return { check, state: 'ok', detail: 'apps reach the proxy on this host, and nothing else on it' };
  const open = 'apps with egress reach whatever listens on all addresses of this host';
  if (state === 'down') {
    return { check, state: 'warning', detail: open, advice: 'hostctl setup puts up the fence against it' };
  }
  const missing = why?.includes('nft is missing') === true;
  return {
    check,
    state: 'warning',
    detail: `${open}: ${why}`,
    advice: missing ? 'apt-get install nftables, then hostctl setup' : 'let such services listen on 127.0.0.1 alone',
  };
}
