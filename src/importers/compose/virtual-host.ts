import { parseHostname } from '../../core/hostnames.ts';
import { parseUrlPath } from '../../core/routes.ts';
import type { Item, Ledger } from './ledger.ts';
import type { Route } from './routers.ts';
import { itemAt, type Service, textOf } from './services.ts';
import { note, restrict, type Site } from './site.ts';
import { missingIn } from './tree.ts';
import { readSeconds } from './words.ts';

/** Variables that speak to nginx-proxy and its companion, not to the app. */
const SPOKEN =
  /^(?:VIRTUAL_(?:HOST|PORT|PATH|DEST|PROTO|ROOT|HOST_MULTIPORTS)|LETSENCRYPT_\w+|ACME_\w+|HTTPS_METHOD|HSTS|NETWORK_ACCESS|CERT_NAME|SSL_POLICY)$/;

/** The variables of a service that are nginx-proxy's; none where it has no VIRTUAL_HOST. */
export function spokenToProxy(service: Service): readonly Item[] {
  if (!itemAt(service, 'environment', 'VIRTUAL_HOST') && !itemAt(service, 'environment', 'VIRTUAL_HOST_MULTIPORTS'))
    return [];
  return service.items.filter(({ path }) => path.length === 2 && path[0] === 'environment' && SPOKEN.test(path[1]!));
}

/** `VIRTUAL_HOST` and what goes with it → routes. */
export function readVirtualHosts(services: readonly Service[], ledger: Ledger): Route[] {
  return services.flatMap((service) => {
    const value = (name: string): string | undefined => textOf(itemAt(service, 'environment', name));
    const host = itemAt(service, 'environment', 'VIRTUAL_HOST');
    for (const item of spokenToProxy(service)) settleSpoken(item, ledger);
    if (!host) return [];
    const hosts = (textOf(host) ?? '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '' && isHost(name, host, ledger));
    const path = readPath(service, ledger);
    const method = value('HTTPS_METHOD') ?? 'redirect';
    const secure = value('LETSENCRYPT_HOST') !== undefined && method !== 'nohttps';
    const port = itemAt(service, 'environment', 'VIRTUAL_PORT');
    ledger.settle(host, 'mapped', 'hostnames');
    const open = !secure || method === 'noredirect';
    return [
      {
        service,
        hosts,
        path,
        item: host,
        secure,
        open,
        ...(port ? { port } : {}),
        loose: false,
        uses: [],
        clients: [],
      },
    ];
  });
}

function isHost(name: string, item: Item, ledger: Ledger): boolean {
  const parsed = parseHostname(name);
  if (!parsed.ok && missingIn(item.value).length === 0)
    ledger.settle(item, 'decide', name.startsWith('~') ? `${name} is an expression: name the hosts` : parsed.message);
  return parsed.ok;
}

function readPath(service: Service, ledger: Ledger): string {
  const item = itemAt(service, 'environment', 'VIRTUAL_PATH');
  const path = (textOf(item) ?? '/').replace(/(?<=.)\/$/, '');
  const parsed = parseUrlPath(path);
  if (item) ledger.settle(item, parsed.ok ? 'mapped' : 'decide', parsed.ok ? 'path' : parsed.message);
  const dest = itemAt(service, 'environment', 'VIRTUAL_DEST');
  const same = textOf(dest) === undefined || textOf(dest) === '' || path === '/';
  if (dest && same) ledger.settle(dest, 'implied', 'paths reach an app as they were asked for');
  else if (dest)
    ledger.settle(
      dest,
      'unsupported',
      `paths reach an app as they were asked for: it has to answer below ${path} itself`,
    );
  return parsed.ok ? parsed.value : '/';
}

/** What is the same for every site. */
function settleSpoken(item: Item, ledger: Ledger): void {
  const name = item.path[1]!;
  const text = textOf(item) ?? '';
  if (name === 'VIRTUAL_PORT') ledger.settle(item, 'mapped', 'port');
  else if (name === 'LETSENCRYPT_HOST') ledger.settle(item, 'mapped', 'tls.acme');
  else if (/^(?:LETSENCRYPT|ACME)_/.test(name))
    ledger.settle(item, 'implied', 'hostctl.yaml says where certificates are ordered: tls');
  else if (name === 'VIRTUAL_PROTO' && text !== 'http')
    ledger.settle(item, 'unsupported', `apps are asked over http, not ${text}`);
  else if (name === 'VIRTUAL_PROTO' || name === 'SSL_POLICY') ledger.settle(item, 'implied', 'as it is here');
  else if (name === 'HTTPS_METHOD' && text === 'nohttp')
    ledger.settle(item, 'decide', 'hostctl answers on http too, to lead to https');
  else if (name === 'HTTPS_METHOD') ledger.settle(item, 'mapped', 'tls.redirect');
  else if (name === 'CERT_NAME') ledger.settle(item, 'decide', 'tls: certificate and key take files of this machine');
  else if (name === 'VIRTUAL_HOST_MULTIPORTS')
    ledger.settle(item, 'unsupported', 'an app answers on one port: write hostnames, path and port by hand');
  else if (name === 'VIRTUAL_ROOT') ledger.settle(item, 'dropped', 'only for FastCGI');
}

/** What nginx-proxy's variables say of a whole site. */
export function mapSpoken(site: Site): void {
  for (const service of site.services) {
    const access = itemAt(service, 'environment', 'NETWORK_ACCESS');
    const hsts = itemAt(service, 'environment', 'HSTS');
    const mail = textOf(itemAt(service, 'environment', 'LETSENCRYPT_EMAIL'));
    if (spokenToProxy(service).length === 0) continue;
    if (access && textOf(access) === 'internal') {
      restrict(site, '/', { allow: [] });
      site.ledger.settle(access, 'decide', 'http.access lists the addresses that may; until then nobody may');
    } else if (access)
      site.ledger.settle(access, 'implied', 'open, as everything is unless http.access says otherwise');
    if (hsts) mapHsts(site, hsts);
    if (mail !== undefined)
      note(site, `hostctl.yaml takes the address certificates are ordered with: tls: { email: ${mail} }`);
  }
}

function mapHsts({ ledger, definition }: Site, item: Item): void {
  const text = textOf(item) ?? '';
  const age = /max-age=(\d+)/i.exec(text)?.[1];
  const seconds = age === undefined ? undefined : readSeconds(age);
  if (text === 'off') return ledger.settle(item, 'implied', 'off unless http.hsts says otherwise');
  if (seconds === undefined || seconds === 0) return ledger.settle(item, 'decide', 'http.hsts says how long');
  const days = seconds % 86_400 === 0 ? `${seconds / 86_400}d` : `${seconds}s`;
  const subdomains = /includesubdomains/i.test(text);
  const preload = /preload/i.test(text);
  definition.http.hsts =
    subdomains || preload
      ? { 'max-age': days, ...(subdomains ? { subdomains } : {}), ...(preload ? { preload } : {}) }
      : days;
  ledger.settle(item, 'mapped', 'http.hsts');
}
