import { PROXY_HTTPS_PORT } from '../core/proxy-part.ts';
import type { RuleView } from '../core/results.ts';
import type { AskedRequest, GeneratedFile } from './driver.ts';

/** The server and location of nginx that a request goes to. */
export function nginxRules(files: readonly GeneratedFile[], asked: AskedRequest): RuleView[] {
  const { project, host, path, scheme } = asked;
  const text = files.find((file) => file.path === `sites/${project}.conf`)?.text;
  if (text === undefined) return [];
  const blocks = serversFor(text, scheme);
  const name = chooseServerName(blocks.join('\n'), host);
  const block = blocks.find((item) => item.includes(`    server_name ${name};\n`)) ?? '';
  const parts = [`server_name ${name}`, chooseLocation(block, path)];
  return [{ proxy: 'nginx', rule: parts.filter((part) => part !== undefined).join('; ') }];
}

/** The server blocks that a scheme comes in by; behind another proxy all do by the same. */
function serversFor(text: string, scheme: AskedRequest['scheme']): string[] {
  const blocks = [...text.matchAll(/^server \{\n[\s\S]*?^\}$/gm)].map(([block]) => block);
  const secure = new RegExp(`^ {4}listen ${PROXY_HTTPS_PORT} ssl;$`, 'm');
  const plain = /^ {4}listen (?!.* ssl;)/m;
  const fitting = blocks.filter((block) => (scheme === 'https' ? secure : plain).test(block));
  return fitting.length > 0 ? fitting : blocks;
}

/**
 * The location nginx would choose in a server block that hostctl wrote: an exact one, then the longest prefix. @param text
 * the site's file @param path decoded and tidied up, as nginx compares it
 */
function chooseLocation(text: string, path: string): string | undefined {
  const heads = [...text.matchAll(/^ {4}location (=|\^~)? ?(\/\S*) \{$/gm)].map(([, how = '', prefix]) => ({
    how,
    prefix: prefix!,
  }));
  const exact = heads.find(({ how, prefix }) => how === '=' && prefix === path);
  const longest = heads
    .filter(({ how, prefix }) => how !== '=' && path.startsWith(prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
  const chosen = exact ?? longest;
  return chosen && ['location', chosen.how, chosen.prefix].filter((word) => word !== '').join(' ');
}

/** The `server_name` that fits a host, as the site's file has it. */
function chooseServerName(text: string, host: string): string | undefined {
  const words = [...text.matchAll(/^ {4}server_name (.*);$/gm)].map((match) => match[1]!);
  const fits = (word: string): boolean => {
    if (word.startsWith('*.')) return host.endsWith(word.slice(1)) && host.length >= word.length;
    if (word.endsWith('.*')) return host.startsWith(word.slice(0, -1));
    if (!word.startsWith('"~')) return word === host;
    return new RegExp(word.slice(2, -1).replaceAll('\\\\', '\\').replaceAll('\\z', '$')).test(host);
  };
  // As nginx ranks them: exact, longest `*.x`, longest `x.*`, expressions in the order of the file.
  const rank = (word: string): number =>
    word.startsWith('"~') ? 3 : word.endsWith('.*') ? 2 : word.startsWith('*.') ? 1 : 0;
  return words.filter(fits).toSorted((a, b) => rank(a) - rank(b) || (rank(a) === 3 ? 0 : b.length - a.length))[0];
}
