import type { Hostname } from '../core/hostnames.ts';
import { type Directive, parseRawNginx } from '../core/raw-nginx.ts';
import { bySpecificity, type Site } from '../core/routes.ts';
import { type GlobOrder, serverNames } from './globs.ts';
import { refuseDots } from './nginx-access.ts';
import { errorLines, gateLines, gateMaps, ownLocations } from './nginx-gate.ts';
import { compressLines, headerLines, hstsMap } from './nginx-headers.ts';
import { locations } from './nginx-locations.ts';
import { rateLines, rateZone } from './nginx-rate.ts';
import { block } from './nginx-text.ts';
import { servers, type TlsInput } from './nginx-tls.ts';
import { standIns, upstream } from './nginx-upstreams.ts';
import { quoteExpanded } from './quote.ts';

/** One project's part: byte-stable, so that an unchanged project is an unchanged file. */
export function siteConfig(
  site: Site,
  order: Pick<GlobOrder, 'outranked'>,
  input: TlsInput,
  place: { readonly listen: string; readonly https: boolean },
): string {
  const names = (hostnames: readonly Hostname[]): string[] => [
    ...serverNames(hostnames, order).map((name) => `server_name ${name};`),
    ...oddHosts(hostnames),
  ];
  const body = [
    `client_max_body_size ${site.maxBody};`,
    ...gateLines(site),
    ...refuseDots(site),
    ...headerLines(site),
    ...compressLines(site),
    ...rateLines(site),
    ...errorLines(site),
    ...rawLines(site),
    ...ownLocations(site),
    ...locations(site),
    ...standIns(site),
  ];
  const lines = [
    `# Written by hostctl for the project ${site.project}.`,
    ...gateMaps(site),
    ...hstsMap(site),
    ...rateZone(site),
    ...site.routes.toSorted(bySpecificity).flatMap((route) => upstream(site, route.target)),
    ...servers(site, input, place, names, body),
  ];
  return `${lines.join('\n')}\n`;
}

/** nginx lets a wildcard stand for any character that a URL may hold, which is more than a hostname has. */
function oddHosts(hostnames: readonly Hostname[]): string[] {
  const wild = hostnames.some(({ kind }) => kind === 'leading' || kind === 'trailing');
  return wild ? block('if ($host ~ "^[.]|[^a-z0-9._-]")', ['return 404;']) : [];
}

/** Directives of the definition, written anew from their words: what was no directive there is none here. */
function rawLines(site: Site): string[] {
  const text = site.settings?.raw?.nginx;
  if (text === undefined) return [];
  const parsed = parseRawNginx(text);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value.flatMap(printed);
}

function printed({ words, block: inner }: Directive): string[] {
  const head = words.map((word) => (/^[\w.:/=%+~*^!@$-]+$/.test(word) ? word : quoteExpanded(word))).join(' ');
  return inner ? block(head, inner.flatMap(printed)) : [`${head};`];
}
