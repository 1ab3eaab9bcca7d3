/** Keys that mean the same everywhere, and those nobody else took. */
import type { Status } from '../report.ts';
import { knownImage } from './images.ts';
import type { Item, Ledger } from './ledger.ts';
import { itemAt, type Service, textOf } from './services.ts';

const PLAIN: Readonly<Record<string, readonly [status: Status, note: string]>> = {
  restart: ['implied', 'what ends is started again'],
  container_name: ['implied', 'containers are named after project and app'],
  init: ['implied', 'every app has an init process'],
  oom_score_adj: ['dropped', 'each app has a memory limit of its own'],
  hostname: ['dropped', 'other apps reach it by its name in the definition'],
  domainname: ['dropped', 'other apps reach it by its name in the definition'],
  stdin_open: ['dropped', 'nobody types anything in'],
  tty: ['dropped', 'nobody types anything in'],
  platform: ['dropped', "the engine's own platform"],
  pull_policy: ['dropped', 'an image is pulled when it is not there'],
  attach: ['dropped', 'hostctl logs shows what it prints'],
  annotations: ['dropped', 'nobody reads them here'],
  develop: ['dropped', 'hostctl deploys'],
  mem_reservation: ['dropped', 'one machine has nothing to reserve; limits are hard'],
  memswap_limit: ['implied', 'no swap on top of limits.memory'],
  mem_swappiness: ['implied', 'no swap on top of limits.memory'],
  cpu_shares: ['dropped', 'limits.cpus is what there is'],
  cpu_count: ['dropped', 'limits.cpus is what there is'],
  cpu_percent: ['dropped', 'limits.cpus is what there is'],
  cpu_rt_period: ['dropped', 'limits.cpus is what there is'],
  cpu_rt_runtime: ['dropped', 'limits.cpus is what there is'],
  cpuset: ['dropped', 'limits.cpus is what there is'],
  blkio_config: ['dropped', 'disks are shared'],
  isolation: ['dropped', 'hostctl runs on Linux'],
  working_dir: ['decide', 'an image says where it works: WORKDIR in a Dockerfile'],
};

/** Settles what is left of a service. */
export function mapPlain(service: Service, runtime: boolean, ledger: Ledger): void {
  for (const item of service.items) {
    if (ledger.has(item)) continue;
    const [key = ''] = item.path;
    const plain = PLAIN[key];
    if (key.startsWith('x-')) ledger.settle(item, 'dropped', 'an extension, which Compose does not read either');
    else if (key === 'labels' || item.path.includes('labels')) settleLabel(item, ledger);
    else if (key === 'logging') settleLogging(service, item, ledger);
    else if (key === 'stop_signal') settleSignal(item, ledger);
    else if (key === 'working_dir' && runtime) ledger.settle(item, 'implied', 'a runtime works in the source');
    else if (key === 'hostname' && knownImage(textOf(itemAt(service, 'image')) ?? '').port === 5672)
      ledger.settle(item, 'decide', 'RabbitMQ keeps its data under this name: RABBITMQ_NODENAME in env fixes it');
    else if (plain) ledger.settle(item, ...plain);
  }
}

function settleLabel(item: Item, ledger: Ledger): void {
  const name = item.path.at(-1)!;
  if (/^caddy(?:[._]|$)/.test(name))
    ledger.settle(item, 'unsupported', 'labels of caddy-docker-proxy: write hostnames and port');
  else if (/^(?:sablier|tsdproxy|swag|zoraxy)\b|authelia|authentik/i.test(name))
    ledger.settle(item, 'decide', 'what it tells another program, hostctl does not do');
  else if (/^traefik\./i.test(name)) ledger.settle(item, 'dropped', 'no router that leads to an app uses it');
  else ledger.settle(item, 'dropped', 'nobody reads it here');
}

function settleLogging(service: Service, item: Item, ledger: Ledger): void {
  const driver = textOf(itemAt(service, 'logging', 'driver')) ?? 'json-file';
  if (/^(?:json-file|local)$/.test(driver))
    ledger.settle(item, 'implied', 'the engine keeps 3 × 10 MB; hostctl logs shows them');
  else ledger.settle(item, 'decide', `logs stay with the engine, 3 × 10 MB: who reads them at ${driver}?`);
}

function settleSignal(item: Item, ledger: Ledger): void {
  const usual = /^(?:SIG)?TERM$|^15$/i.test(textOf(item) ?? '');
  ledger.settle(
    item,
    usual ? 'implied' : 'decide',
    usual ? 'SIGTERM' : 'an app gets SIGTERM, or what STOPSIGNAL of its image says',
  );
}
