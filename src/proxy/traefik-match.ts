import type { Router } from './traefik-site.ts';

/** What Traefik compares its rules with. */
export interface RoutedRequest {
  readonly entryPoint: string;
  /** Lower case, without the port. */
  readonly host: string;
  /** Path without the query, as sent: Traefik is told not to tidy it up. */
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The router Traefik would choose: the one with the highest priority whose rule holds. */
export function chooseRouter(
  routers: Readonly<Record<string, Router>>,
  request: RoutedRequest,
): { readonly name: string; readonly router: Router } | undefined {
  return Object.entries(routers)
    .map(([name, router]) => ({ name, router }))
    .toSorted((a, b) => b.router.priority - a.router.priority)
    .find(({ router }) => router.entryPoints.includes(request.entryPoint) && holds(router.rule, request));
}

/** Whether a rule holds. Knows the matchers and operators that hostctl writes, and throws at others. */
function holds(rule: string, request: RoutedRequest): boolean {
  const tokens = rule.match(/`[^`]*`|[A-Za-z]+|&&|\|\||[!(),]/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => {
    if (tokens[at] !== token) return false;
    at += 1;
    return true;
  };
  const any = (): boolean => {
    let value = all();
    while (take('||')) value = all() || value;
    return value;
  };
  const all = (): boolean => {
    let value = one();
    while (take('&&')) value = one() && value;
    return value;
  };
  const one = (): boolean => {
    if (take('!')) return !one();
    if (take('(')) {
      const value = any();
      take(')');
      return value;
    }
    const matcher = tokens[at]!;
    at += 2;
    const words: string[] = [];
    while (!take(')')) {
      if (!take(',')) {
        words.push(tokens[at]!.slice(1, -1));
        at += 1;
      }
    }
    return matches(matcher, words, request);
  };
  return any();
}

function matches(matcher: string, [first = '', second = '']: readonly string[], request: RoutedRequest): boolean {
  const path = routingPath(request.path);
  switch (matcher) {
    case 'Host':
      return request.host.replace(/\.$/, '') === first;
    case 'HostRegexp':
      return pattern(first).test(request.host);
    case 'Path':
      return path === first;
    case 'PathPrefix':
      return path.startsWith(first);
    case 'PathRegexp':
      return pattern(first).test(path);
    case 'Method':
      return request.method === first;
    case 'HeaderRegexp':
      return pattern(second).test(headerOf(request, first) ?? '') && headerOf(request, first) !== undefined;
    default:
      throw new Error(`a rule of Traefik with ${matcher}`);
  }
}

function headerOf({ headers }: RoutedRequest, name: string): string | undefined {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** Go's flags stand in front of the expression. */
function pattern(source: string): RegExp {
  return source.startsWith('(?i)') ? new RegExp(source.slice(4), 'i') : new RegExp(source);
}

/** Reserved characters stay encoded in what rules are compared with, all others are decoded. */
function routingPath(path: string): string {
  return path.replaceAll(/%([0-9a-f]{2})/gi, (text, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16));
    return /[:/?#[\]@!$&'()*+,;=%]/.test(character) ? text : character;
  });
}
