import { domainToASCII, domainToUnicode } from 'node:url';
import { type Parsed, quote } from './units.ts';

/**
 * A hostname as the proxy matches it.
 * `exact` one name · `leading` `*.example.org`, one or more labels in front, any depth · `trailing` `www.*` · `glob`
 * Apache's `*projectname.org`: `*` is any run of host characters (dots too, also none), `?` exactly one.
 */
export interface Hostname {
  readonly kind: 'exact' | 'leading' | 'trailing' | 'glob';
  /** Lower case, A-labels (`xn--…`), stars and question marks kept. */
  readonly name: string;
}

const MAX_NAME = 253;
const MAX_LABEL = 63;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;
/** Soft hyphens, joiners, bidi marks, full-width dots: they vanish or turn into something else on the way to DNS. */
const DECEPTIVE = /[\p{Default_Ignorable_Code_Point}\u3002\uff0e\uff61]/u;

/** Reads one hostname of a definition. */
export function parseHostname(text: string): Parsed<Hostname> {
  const fail = (reason: string): Parsed<Hostname> => ({ ok: false, message: `${quote(text)} ${reason}` });
  if (text === '') return fail('is empty: write a hostname such as www.example.org');
  if (text.includes('://')) return fail('is a URL: write only the hostname');
  if (/[\s,]/.test(text)) return fail('holds a space or a comma: write one hostname per list item');
  if (/:\d*$/.test(text)) return fail('holds a port: the proxy listens on the ports of hostctl.yaml');
  if (text.includes('/')) return fail('holds a path: paths belong under `media` or in `path` of an app');
  if (text.endsWith('.')) return fail('ends in a dot: write it without');
  if (DECEPTIVE.test(text)) return fail('holds an invisible or look-alike character: type it again');
  const odd = /[^a-zA-Z0-9.*?\u0080-\u{10ffff}-]/u.exec(text);
  if (odd) return fail(`holds ${JSON.stringify(odd[0])}, which no hostname can`);

  const ascii = toAscii(text.toLowerCase());
  if (ascii === undefined) return fail('is not a valid international name');
  if (ascii.length > MAX_NAME) return fail(`has ${ascii.length} characters; a hostname has at most ${MAX_NAME}`);
  const shape = labelsAdvice(ascii);
  if (shape) return fail(shape);
  return { ok: true, value: { kind: kindOf(ascii), name: ascii } };
}

/** U-labels become A-labels; undefined when the text would be silently turned into another name. */
function toAscii(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- a range of all ASCII is meant
  if (/^[\u0000-\u007f]*$/.test(text)) {
    // An `xn--` label that does not decode is a typing error that no browser would ever ask for.
    const concrete = text.replaceAll(/[*?]/g, 'a');
    return text.includes('xn--') && domainToASCII(concrete) === '' ? undefined : text;
  }
  const labels = text.split('.').map((label) => {
    // eslint-disable-next-line no-control-regex -- a range of all ASCII is meant
    if (/^[\u0000-\u007f]*$/.test(label)) return label;
    if (/[*?]/.test(label)) return undefined;
    const ascii = domainToASCII(label);
    return ascii !== '' && domainToUnicode(ascii) === label.normalize('NFC') ? ascii : undefined;
  });
  return labels.includes(undefined) ? undefined : labels.join('.');
}

function labelsAdvice(name: string): string | undefined {
  if (/^[*?.]*$/.test(name)) return 'would catch every hostname: name at least one label';
  if (name.includes('**')) return 'holds two stars in a row: one says the same';
  const concrete = name.replaceAll(/[*?]/g, 'a');
  const labels = concrete.split('.');
  if (labels.length === 1 && name !== 'localhost' && !name.includes('*')) {
    return 'has one label only: write a full name such as www.example.org';
  }
  if (/^[\d.]+$/.test(name) || /^\d+$/.test(labels.at(-1)!)) return 'is an address: write a hostname';
  const bad = labels.findIndex((label) => !LABEL.test(label));
  if (bad >= 0) {
    if (labels[bad] === '') return 'holds an empty label (two dots, or a dot in front)';
    return `holds the label ${quote(name.split('.')[bad]!)}: letters, digits and inner hyphens only`;
  }
  const long = labels.find((label) => label.length > MAX_LABEL);
  return long ? `holds a label of ${long.length} characters; a label has at most ${MAX_LABEL}` : undefined;
}

function kindOf(name: string): Hostname['kind'] {
  if (!/[*?]/.test(name)) return 'exact';
  if (/^\*\.[^*?]+$/.test(name)) return 'leading';
  if (/^[^*?]+\.\*$/.test(name)) return 'trailing';
  return 'glob';
}

/** A name the proxy would route to this hostname, for probes: `*.example.org` → `www.example.org`. */
export function sampleName(hostname: Hostname): string {
  switch (hostname.kind) {
    case 'exact':
      return hostname.name;
    case 'leading':
      // Not `www`, which another project may have for itself.
      return `hostctl-probe${hostname.name.slice(1)}`;
    case 'trailing':
      return `${hostname.name.slice(0, -1)}example`;
    case 'glob':
      return hostname.name.replace(/^\*(?=[a-z0-9])/, '').replaceAll(/[*?]/g, 'a');
  }
}

/** The characters a request's host can be matched against; `.*` would let `evil@example.org` through nginx. */
const HOST_CHARACTER = '[a-z0-9._-]';
const LABEL_CHARACTER = '[a-z0-9_-]';

/** Anchored source of a regular expression (PCRE and RE2 alike) that matches what the hostname means. */
export function hostnamePattern(hostname: Hostname): string {
  if (hostname.kind === 'leading') {
    return `^${LABEL_CHARACTER}+(\\.${LABEL_CHARACTER}+)*${escapeDots(hostname.name.slice(1))}$`;
  }
  const source = [...hostname.name]
    .map((character, index) => {
      // No hostname begins with a dot, whatever a client says.
      if (character === '*' && index === 0) return `(?:${LABEL_CHARACTER}${HOST_CHARACTER}*)?`;
      if (character === '*') return hostname.kind === 'trailing' ? `${HOST_CHARACTER}+` : `${HOST_CHARACTER}*`;
      return character === '?' ? HOST_CHARACTER : escapeDots(character);
    })
    .join('');
  return `^${source}$`;
}

function escapeDots(text: string): string {
  return text.replaceAll('.', '\\.');
}
