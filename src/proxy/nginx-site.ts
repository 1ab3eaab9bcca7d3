import { type Directive, parseRawNginx } from '../core/raw-nginx.ts';
import { bySpecificity, type Site } from '../core/routes.ts';
import { type GlobOrder, serverNames } from './globs.ts';
import { refuseDots } from './nginx-access.ts';
import { errorLines, gateLines, gateMaps, ownLocations } from './nginx-gate.ts';
import { compressLines, headerLines, hstsMap } from './nginx-headers.ts';
import { locations } from './nginx-locations.ts';
import { rateLines, rateZone } from './nginx-rate.ts';
import { block } from './nginx-text.ts';
import { standIns, upstream } from './nginx-upstreams.ts';
import { quoteExpanded } from './quote.ts';

/** One project's part: byte-stable, so that an unchanged project is an unchanged file. */
export function siteConfig(site: Site, order: Pick<GlobOrder, 'outranked'>, listen: string): string {
  const lines = [
    `# Written by hostctl for the project ${site.project}.`,
    ...gateMaps(site),
    ...hstsMap(site),
    ...rateZone(site),
    ...site.routes.toSorted(bySpecificity).flatMap((route) => upstream(site, route.target)),
    ...block('server', [
      `listen ${listen};`,
      ...serverNames(site.hostnames, order).map((name) => `server_name ${name};`),
      ...oddHosts(site),
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
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

/** nginx lets a wildcard stand for any character that a URL may hold, which is more than a hostname has. */
function oddHosts(site: Site): string[] {
  const wild = site.hostnames.some(({ kind }) => kind === 'leading' || kind === 'trailing');
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
