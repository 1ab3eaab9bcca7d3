import { relative } from 'node:path';
import type { Look } from '../look.ts';
import type { Status } from '../report.ts';
import { holds } from './conditions.ts';
import { findIncluded } from './include.ts';
import { type Directive, fillPlaceholders, type Ledger } from './ledger.ts';
import { parseApache } from './parse.ts';
import { type Node, splitWords } from './syntax.ts';

/** Where a configuration is read from, and what is known of it. */
export interface Reading {
  /** Nothing outside of this directory is read, and places are named relative to it. */
  readonly root: string;
  /** Names `Define` would give a value, as Apache's command line and Debian's `envvars` do. */
  readonly defined: ReadonlyMap<string, string>;
}

interface Macro {
  readonly directive: Directive;
  readonly parameters: readonly string[];
  readonly body: readonly Node[];
  readonly file: string;
  uses: number;
}

/** Includes or macros inside each other. */
const MOST_DEEP = 20;
/** More directives are no configuration of a person, but a macro that grows. */
const MOST_DIRECTIVES = 50_000;
const CONDITIONS = new Set(['ifmodule', 'ifdefine', 'ifversion']);

/** Reads a file and all it includes into the directives that are in force. */
export class Expansion {
  readonly #reading: Reading;
  readonly #look: Look;
  readonly #ledger: Ledger;
  readonly #defined: Map<string, string>;
  readonly #macros = new Map<string, Macro>();
  #serverRoot: string;
  #count = 0;

  constructor(reading: Reading, look: Look, ledger: Ledger) {
    this.#reading = reading;
    this.#look = look;
    this.#ledger = ledger;
    this.#defined = new Map(reading.defined);
    this.#serverRoot = reading.root;
  }

  /** @param file absolute path @param text what stands in it */
  file(file: string, text: string, trail: readonly string[] = []): Directive[] {
    const { nodes, problems } = parseApache(text);
    const top = this.#nodes(nodes, file, [...trail, file]);
    for (const { line, text: written, message } of problems) {
      const place = { file: this.#shown(file), line };
      const wrong = this.#ledger.at(place) ?? { name: '', args: [], raw: '', text: written, place };
      if (wrong.name === '') this.#ledger.add(wrong);
      this.#ledger.settle(wrong, 'unsupported', `Apache would refuse this: ${message}`);
    }
    return top;
  }

  /** What is left to say when all files are read. */
  finish(): void {
    for (const name of this.#macros.keys()) this.#forget(name);
  }

  #forget(name: string): void {
    const macro = this.#macros.get(name);
    if (!macro) return;
    this.#macros.delete(name);
    if (macro.uses > 0)
      this.#settle(macro.directive, 'implied', `its lines stand where it is used, ${macro.uses} times`);
    else {
      this.#settle(macro.directive, 'dropped', 'a macro that is never used');
      this.#skip(macro.body, macro.file, 'of a macro that is never used');
    }
  }

  #nodes(nodes: readonly Node[], file: string, trail: readonly string[]): Directive[] {
    return nodes.flatMap((node) => this.#node(node, file, trail));
  }

  #node(node: Node, file: string, trail: readonly string[]): Directive[] {
    const raw = fillPlaceholders(node.raw, this.#defined);
    const body: Directive[] = [];
    const directive = {
      name: node.name.toLowerCase(),
      args: splitWords(raw),
      raw,
      place: { file: this.#shown(file), line: node.line },
      text: describe(node, raw),
      ...(node.body ? { body } : {}),
    };
    this.#ledger.add(directive);
    if (++this.#count > MOST_DIRECTIVES) return this.#settle(directive, 'unsupported', 'too many directives to read');
    const special = this.#special(directive, node, file, trail);
    if (special) return special;
    body.push(...this.#nodes(node.body ?? [], file, trail));
    return [directive];
  }

  /** Directives about how the file is read; undefined for all others. */
  #special(directive: Directive, node: Node, file: string, trail: readonly string[]): Directive[] | undefined {
    const { name, args } = directive;
    if (CONDITIONS.has(name)) return this.#condition(directive, node, file, trail);
    switch (name) {
      case 'define':
      case 'undefine':
        return this.#define(directive);
      case 'serverroot':
        this.#serverRoot = args[0] ?? this.#serverRoot;
        return this.#settle(directive, 'implied', 'relative paths of Include start here');
      case 'include':
      case 'includeoptional':
        return this.#include(directive, trail);
      case 'macro':
        this.#macro(directive, node, file);
        return [];
      case 'use':
        return this.#use(directive, trail);
      case 'undefmacro':
        this.#forget((args[0] ?? '').toLowerCase());
        return this.#settle(directive, 'implied', 'the macro ends here');
      default:
        return undefined;
    }
  }

  #settle(directive: Directive, status: Status, note: string): [] {
    this.#ledger.settle(directive, status, note);
    return [];
  }

  #define(directive: Directive): [] {
    const [name = '', value = ''] = directive.args;
    if (directive.name === 'undefine') this.#defined.delete(name);
    else this.#defined.set(name, value);
    return this.#settle(directive, 'implied', 'put in wherever it is used');
  }

  #condition(directive: Directive, node: Node, file: string, trail: readonly string[]): Directive[] {
    const answer = holds(directive.name, directive.args, this.#defined);
    const body = this.#nodes(answer === false ? [] : (node.body ?? []), file, trail);
    if (answer === undefined) {
      this.#ledger.settle(directive, 'unsupported', 'hostctl cannot tell whether this holds');
      return body;
    }
    this.#ledger.settle(directive, answer ? 'implied' : 'dropped', answer ? 'holds' : 'does not hold');
    if (!answer) this.#skip(node.body ?? [], file, `inside ${directive.text}, which does not hold`);
    return body;
  }

  /** Lines that are not in force are in the report all the same. */
  #skip(nodes: readonly Node[], file: string, why: string): void {
    for (const node of nodes) {
      const skipped = {
        name: node.name.toLowerCase(),
        args: node.args,
        raw: node.raw,
        place: { file: this.#shown(file), line: node.line },
        text: describe(node, node.raw),
      };
      this.#ledger.add(skipped);
      this.#ledger.settle(skipped, 'dropped', why);
      this.#skip(node.body ?? [], file, why);
    }
  }

  #include(directive: Directive, trail: readonly string[]): Directive[] {
    const [pattern = ''] = directive.args;
    if (pattern.endsWith('/letsencrypt/options-ssl-apache.conf')) {
      return this.#settle(directive, 'dropped', "certbot's TLS settings; hostctl has its own");
    }
    if (trail.length > MOST_DEEP) return this.#settle(directive, 'unsupported', 'too many files inside each other');
    const found = findIncluded(pattern, this.#serverRoot, this.#reading.root, this.#look);
    if ('refused' in found) return this.#settle(directive, 'decide', `not read: ${pattern} ${found.refused}`);
    const again = found.files.find((file) => trail.includes(file));
    if (again !== undefined) return this.#settle(directive, 'unsupported', `${again} would include itself`);
    if (found.files.length === 0) {
      const optional = directive.name === 'includeoptional' || /[*?[]/.test(pattern);
      return this.#settle(directive, optional ? 'dropped' : 'decide', `there is no ${pattern}`);
    }
    this.#ledger.settle(directive, 'implied', `read: ${found.files.map((file) => this.#shown(file)).join(', ')}`);
    return found.files.flatMap((file) => {
      const text = this.#look.text(file);
      if (text !== undefined) return this.file(file, text, trail);
      this.#ledger.settle(directive, 'decide', `${file} cannot be read as text`);
      return [];
    });
  }

  #macro(directive: Directive, node: Node, file: string): void {
    const [name = '', ...parameters] = node.args;
    this.#macros.set(name.toLowerCase(), { directive, parameters, body: node.body ?? [], file, uses: 0 });
  }

  #use(directive: Directive, trail: readonly string[]): Directive[] {
    const [name = '', ...values] = directive.args;
    const macro = this.#macros.get(name.toLowerCase());
    if (!macro) return this.#settle(directive, 'unsupported', `there is no macro ${name}`);
    if (trail.length > MOST_DEEP) return this.#settle(directive, 'unsupported', 'too many macros inside each other');
    if (values.length !== macro.parameters.length) {
      return this.#settle(directive, 'unsupported', `the macro ${name} takes ${macro.parameters.length} values`);
    }
    macro.uses++;
    this.#ledger.settle(directive, 'implied', 'the lines of the macro stand here');
    // The longest name first, so that $host is not taken for $hostname.
    const pairs = macro.parameters
      .map((parameter, index) => [parameter, values[index]!] as const)
      .toSorted(([a], [b]) => b.length - a.length);
    return this.#nodes(substitute(macro.body, pairs), macro.file, [...trail, `macro ${name}`]);
  }

  #shown(file: string): string {
    const inside = relative(this.#reading.root, file);
    return inside.startsWith('..') ? file : inside;
  }
}

function substitute(nodes: readonly Node[], pairs: readonly (readonly [string, string])[]): Node[] {
  return nodes.map((node) => {
    const raw = pairs.reduce((text, [parameter, value]) => text.replaceAll(parameter, () => value), node.raw);
    return { ...node, raw, args: splitWords(raw), ...(node.body ? { body: substitute(node.body, pairs) } : {}) };
  });
}

function describe(node: Node, raw: string): string {
  const words = `${node.name} ${raw}`.replaceAll(/\s+/g, ' ').trim();
  return node.body ? `<${words}>` : words;
}
