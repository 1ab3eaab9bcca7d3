import type { Item } from './ledger.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { appOf, note, type Site } from './site.ts';
import { readSeconds, readSize, writeSeconds } from './words.ts';

const SIZES = [['deploy', 'resources', 'limits', 'memory'], ['mem_limit']];
const CPUS = [['deploy', 'resources', 'limits', 'cpus'], ['cpus']];
const PIDS = [['deploy', 'resources', 'limits', 'pids'], ['pids_limit']];
const COUNTS = [['deploy', 'replicas'], ['scale']];
/** Docker's own period for `cpu_quota`, in microseconds. */
const PERIOD = 100_000;

/** `deploy`, `mem_limit` and their kin → `limits`, `replicas`, `stop`. */
export function mapLimits(site: Site, service: Service): void {
  const app = appOf(site, service);
  const limits: NonNullable<typeof app.limits> = {};
  eachOf(site, service, SIZES, readSize, 'limits.memory: a size such as 256M', (size) => (limits.memory = size));
  eachOf(site, service, CPUS, readNumber, 'limits.cpus: a number such as 0.5', (cpus) => (limits.cpus = cpus));
  eachOf(site, service, PIDS, readNumber, 'limits.pids: how many, and not without end', (pids) => (limits.pids = pids));
  eachOf(site, service, COUNTS, readNumber, 'replicas: one at least', (count) => {
    if (count > 1) app.replicas = count;
  });
  readQuota(site, service, limits);
  if (Object.keys(limits).length > 0) app.limits = limits;
  if (limits.memory === undefined)
    note(site, 'apps without limits.memory get 256M (defaults.limits of hostctl.yaml), where Compose has no limit');
  const grace = itemAt(service, 'stop_grace_period');
  const seconds = readSeconds(textOf(grace) ?? '');
  if (grace && seconds !== undefined) {
    app.stop = writeSeconds(seconds);
    site.ledger.settle(grace, 'mapped', 'stop');
  } else if (grace) site.ledger.settle(grace, 'decide', 'stop: a time such as 30s');
  for (const item of itemsUnder(service, 'deploy')) if (!site.ledger.has(item)) settleDeploy(site, item);
  for (const item of service.items) if (isSticky(item)) settleSticky(site, item, service);
}

/** Takes the first of several keys that mean the same. */
function eachOf<T>(
  { ledger }: Site,
  service: Service,
  paths: readonly (readonly string[])[],
  read: (text: string) => T | undefined,
  wanted: string,
  take: (value: T) => void,
): void {
  for (const path of paths) {
    const item = itemAt(service, ...path);
    if (!item) continue;
    const value = read(textOf(item) ?? '');
    if (value === undefined) ledger.settle(item, 'decide', `this is no value here; ${wanted}`);
    else {
      take(value);
      ledger.settle(item, 'mapped', wanted.split(':')[0]!);
    }
  }
}

function readNumber(text: string): number | undefined {
  const number = Number(text);
  return /^\d+(?:\.\d+)?$/.test(text) && number > 0 ? number : undefined;
}

function readQuota({ ledger }: Site, service: Service, limits: { cpus?: number }): void {
  const quota = itemAt(service, 'cpu_quota');
  const period = itemAt(service, 'cpu_period');
  const micros = readNumber(textOf(quota) ?? '');
  const every = readNumber(textOf(period) ?? '') ?? PERIOD;
  if (micros !== undefined) limits.cpus ??= Math.max(0.01, Math.round((micros / every) * 100) / 100);
  for (const item of [quota, period])
    if (item)
      ledger.settle(
        item,
        micros === undefined ? 'dropped' : 'mapped',
        micros === undefined ? 'it limits nothing' : 'limits.cpus',
      );
}

function settleDeploy({ ledger }: Site, item: Item): void {
  const [, key = '', second = '', third = ''] = item.path;
  const text = textOf(item);
  if (key === 'labels') return;
  if (key === 'resources' && second === 'reservations' && third === 'devices')
    ledger.settle(item, 'unsupported', 'an app of hostctl gets no devices');
  else if (key === 'resources' && second === 'reservations')
    ledger.settle(item, 'dropped', 'one machine has nothing to reserve; limits are hard');
  else if (key === 'update_config' || key === 'rollback_config')
    ledger.settle(item, 'implied', 'a new copy starts, is asked, and takes over; else the old one stays');
  else if (key === 'restart_policy') ledger.settle(item, 'implied', 'what ends is started again');
  else if (key === 'mode' && text !== undefined && text.startsWith('global'))
    ledger.settle(item, 'dropped', 'there is one machine');
  else if (key === 'mode' && text !== 'replicated')
    ledger.settle(item, 'unsupported', 'an app runs on; `release` runs once');
  else if (/^(?:placement|endpoint_mode|mode)$/.test(key)) ledger.settle(item, 'dropped', 'there is one machine');
  else ledger.settle(item, 'unsupported', 'hostctl does not know this key here');
}

function isSticky(item: Item): boolean {
  return (
    item.path.at(-2) === 'labels' &&
    /^traefik\.(?:http\.services\.[^.]+\.)?loadbalancer\.(?:sticky|stickiness)/i.test(item.path.at(-1)!)
  );
}

function settleSticky(site: Site, item: Item, service: Service): void {
  const routed = site.routes.some((route) => route.service === service);
  if (routed) appOf(site, service).sticky = true;
  site.ledger.settle(item, routed ? 'mapped' : 'dropped', routed ? 'sticky' : 'no visitor reaches it');
}
