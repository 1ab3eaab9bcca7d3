import type { AppDefinition } from '../definition.ts';
import { dockerfileOf } from './front.ts';
import { hasBuild } from './groups.ts';
import { itemAt, itemsUnder, type Service, textOf } from './services.ts';
import { appOf, type Site } from './site.ts';
import { readSeconds, readWords, writeCommand, writeSeconds } from './words.ts';

/** `command` and `entrypoint` → `command`. */
export function mapCommand(site: Site, service: Service): void {
  const { ledger } = site;
  const command = itemAt(service, 'command');
  const entry = itemAt(service, 'entrypoint');
  const words = command && readWords(command.value);
  const first = entry && readWords(entry.value);
  const app = appOf(site, service);
  const all = [...(first ?? []), ...(words ?? [])];
  if (all.length > 0) app.command = writeCommand(all);
  const migrates = /\bmigrate\b|db:migrate|upgrade head/.test(all.join(' '));
  if (command && words) {
    ledger.settle(command, 'mapped', `command${migrates ? '; `release` runs migrations once, before the switch' : ''}`);
  } else if (command) ledger.settle(command, 'implied', "the image's own");
  if (!entry) return;
  const text = dockerfileOf(service, site.look, site.from);
  const known = hasBuild(service) && text !== '' && !/^\s*ENTRYPOINT\b/im.test(text);
  if (first === undefined || first.length === 0) ledger.settle(entry, 'implied', "the image's own");
  else if (known) ledger.settle(entry, 'mapped', 'command: the Dockerfile has no ENTRYPOINT');
  else
    ledger.settle(
      entry,
      'decide',
      'the entry point of an image stays as it is, and gets these words as its command: an ENTRYPOINT in a Dockerfile of yours sets another',
    );
}

/** A request as health checks write it: with curl or wget, to the container itself. */
const REQUEST =
  /^(?:curl|wget)\s(?:[^|;&]*\s)?['"]?(?:https?:\/\/)?(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(\d+))?(\/[\x21-\x7e]*?)?['"]?(?:\s+(?:-\S+|>\s*\/dev\/null|2>&1))*\s*(?:\|\|\s*(?:exit|false|kill)\b.*)?$/;
const USUAL_SECONDS = 60;

/** `healthcheck` → `health`. */
export function mapHealth(site: Site, service: Service, routed: boolean): void {
  const { ledger } = site;
  const app = appOf(site, service);
  const test = itemAt(service, 'healthcheck', 'test') ?? itemAt(service, 'healthcheck');
  const seconds = (key: string): number => readSeconds(textOf(itemAt(service, 'healthcheck', key)) ?? '') ?? 0;
  const off = textOf(itemAt(service, 'healthcheck', 'disable')) === 'true';
  if (test && !off) readTest(site, service, app, routed);
  const long =
    seconds('start_period') + seconds('interval') * Number(textOf(itemAt(service, 'healthcheck', 'retries')) ?? 0);
  const late = long > USUAL_SECONDS && Number.isFinite(long) && app.health !== undefined;
  if (late) app.health = { ...app.health, within: writeSeconds(Math.min(long, 86_400)) };
  for (const item of itemsUnder(service, 'healthcheck')) {
    if (ledger.has(item)) continue;
    const key = item.path[1];
    if (key === 'disable' || key === 'test')
      ledger.settle(item, 'implied', 'an app is ready when it keeps running, or answers');
    else if (/^(?:interval|retries|start_period)$/.test(key ?? '') && late)
      ledger.settle(item, 'mapped', 'health.within');
    else if (/^(?:interval|timeout|retries|start_period|start_interval)$/.test(key ?? ''))
      ledger.settle(
        item,
        'implied',
        'a new copy is asked until it is ready, for a minute unless `within` says otherwise',
      );
  }
}

function readTest({ ledger }: Site, service: Service, app: AppDefinition, routed: boolean): void {
  const item = itemAt(service, 'healthcheck', 'test')!;
  if (!item) return;
  const words = item.value.kind === 'list' ? (readWords(item.value) ?? []) : undefined;
  const [kind, ...rest] = words ?? ['CMD-SHELL', textOf(item) ?? ''];
  if (kind === 'NONE' || rest.join('') === '') return;
  const line = rest.join(' ');
  const [, port, path] = REQUEST.exec(line) ?? [];
  const same = REQUEST.test(line) && Number(port ?? 80) === (app.port ?? 80);
  if (routed && same) {
    if (path !== undefined && path !== '/') app.health = { path };
    ledger.settle(
      item,
      path === undefined || path === '/' ? 'implied' : 'mapped',
      `health.path: hostctl asks itself${path === undefined ? ', for /' : ''}`,
    );
    return;
  }
  const shell = kind === 'CMD-SHELL' || kind !== 'CMD';
  const bare = /^[\w./:=@%+,\s-]+$/.test(line.replace(/\s*\|\|\s*exit 1\s*$/, ''));
  const plain = line.replace(/\s*\|\|\s*exit 1\s*$/, '');
  app.health = {
    command: shell && !bare ? ['sh', '-c', line] : shell ? writeCommand(plain.split(/\s+/)) : writeCommand(rest),
  };
  ledger.settle(item, 'mapped', 'health.command');
}
