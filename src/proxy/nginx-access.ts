import { INSIDE } from '../core/layout.ts';
import type { Site } from '../core/routes.ts';
import type { AccessRule } from '../core/settings.ts';
import type { GeneratedFile } from './driver.ts';
import { block, GENERATION } from './nginx-text.ts';
import { plainNetwork, quoteExpanded, quoteNginx } from './quote.ts';

/** Files with the users of a site's rules. */
export function usersFiles(site: Site): GeneratedFile[] {
  return (site.settings?.access ?? []).flatMap((rule, index) =>
    rule.users === undefined ? [] : [{ path: usersPath(site, index), text: `${rule.users.join('\n')}\n` }],
  );
}

function usersPath(site: Site, index: number): string {
  return `sites/${site.project}.${index}.users`;
}

/** Who may: for the location of a path. Workers that are on their way out go on reading their own generation. */
export function accessLines(site: Site, rule: AccessRule | undefined): string[] {
  if (rule === undefined) return [];
  const file = usersPath(site, site.settings!.access!.indexOf(rule));
  return [
    ...(rule.either ? ['satisfy any;'] : []),
    ...(rule.allow === undefined ? [] : [...rule.allow.map((item) => `allow ${plainNetwork(item)};`), 'deny all;']),
    ...(rule.users === undefined
      ? []
      : [
          `auth_basic ${quoteNginx(rule.realm)};`,
          `auth_basic_user_file ${INSIDE.config}/generations/${GENERATION}/${file};`,
        ]),
  ];
}

/**
 * `/open/..%2fadmin` is `/admin` to the one and `/open/…` to the other of proxy and app. Browsers send no such thing, so
 * a site that has rules for paths does not take it.
 */
export function refuseDots(site: Site): string[] {
  if (site.settings?.access === undefined) return [];
  const slash = String.raw`[/\\;]|%2f|%5c|%3b`;
  const pattern = String.raw`^[^?]*(?:${slash})(?:\.|%2e){1,2}(?:${slash}|\?|$)`;
  return block(`if ($request_uri ~* ${quoteExpanded(pattern)})`, ['return 400;']);
}
