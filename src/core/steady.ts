import type { WebAnswer } from './reply.ts';

/**
 * Two texts of two servers, without what differs from one request to the next: form tokens, nonces, session ids, times.
 * Those of well-known names are taken out at once; others are found by asking the same server twice.
 */

/** What frameworks make anew for every page, with the part around it that stays. */
const TOKENS: readonly RegExp[] = [
  /(name="(?:csrfmiddlewaretoken|csrf_token|authenticity_token|_token|_csrf|__requestverificationtoken|_wpnonce)"[^>]*?value=")[^"]*/gi,
  /(value=")[^"]*(?="[^>]*?name="(?:csrfmiddlewaretoken|csrf_token|authenticity_token|_token|_csrf)")/gi,
  /(<meta[^>]+name="(?:csrf-token|csrf_token|_csrf)"[^>]*?content=")[^"]*/gi,
  /(\bnonce=")[^"]*/gi,
  /([?&;](?:PHPSESSID|jsessionid|sid|sessionid)=)[A-Za-z0-9._-]+/gi,
];

/** Takes out well-known tokens, and the scheme and port of links to the site itself. @param host as asked for */
export function normalised(text: string, host: string): string {
  const own = new RegExp(`https?://${host.replaceAll('.', '\\.')}(?::\\d+)?(?![\\w.:-])`, 'gi');
  const plain = TOKENS.reduce((rest, token) => rest.replace(token, '$1'), text);
  return plain.replace(own, `//${host}`);
}

/**
 * What two bodies that differ turn out to be: the same but for what differs from one request to the next of one server,
 * different, or unknown, when a server differs from itself so much that nothing is left to compare.
 */
type Steadiness = 'steady' | 'different' | 'unknown';

/** Compares two servers by two answers of each. @param host as asked for */
export function compareTwice(
  there: readonly [WebAnswer, WebAnswer],
  here: readonly [WebAnswer, WebAnswer],
  host: string,
): Steadiness {
  const itself = [there, here].every(([one, two]) => hashOf(one) === hashOf(two));
  const texts = [...there, ...here].flatMap((answer) => {
    const text = 'failed' in answer ? undefined : answer.body.text;
    return text === undefined ? [] : [normalised(text, host)];
  });
  const [one, two, three, four] = texts;
  if (four === undefined) return itself ? 'different' : 'unknown';
  return compareTexts([one!, two!], [three!, four]);
}

function hashOf(answer: WebAnswer): string {
  return 'failed' in answer ? answer.failed : answer.body.hash;
}

/** The same of texts. */
export function compareTexts(there: readonly [string, string], here: readonly [string, string]): Steadiness {
  const words = [split(there[0]), split(there[1]), split(here[0]), split(here[1])] as const;
  if (words.every((list) => list.length === words[0].length)) return byWord(words);
  const lines = (text: string): string[] => text.split('\n');
  return byLine([lines(there[0]), lines(there[1]), lines(here[0]), lines(here[1])]);
}

function split(text: string): readonly string[] {
  return text.match(/[\w+/=.:-]+|[^\w+/=.:-]/g) ?? [];
}

type Four = readonly [readonly string[], readonly string[], readonly string[], readonly string[]];

function byWord([oldOne, oldTwo, newOne, newTwo]: Four): Steadiness {
  let masked = 0;
  for (const [index, word] of oldOne.entries()) {
    if (word !== oldTwo[index] || newOne[index] !== newTwo[index]) masked += 1;
    else if (word !== newOne[index]) return 'different';
  }
  const words = oldOne.filter((word) => /\w/.test(word)).length;
  return masked > words / 2 ? 'unknown' : 'steady';
}

function byLine([oldOne, oldTwo, newOne, newTwo]: Four): Steadiness {
  const steady = (one: readonly string[], two: readonly string[]): string[] => {
    const others = new Set(two);
    return one.filter((line) => others.has(line));
  };
  const [there, here] = [steady(oldOne, oldTwo), steady(newOne, newTwo)];
  const masked = Math.max(oldOne.length - there.length, newOne.length - here.length);
  if (masked > 0 && Math.min(there.length, here.length) < masked) return 'unknown';
  return there.join('\n') === here.join('\n') ? 'steady' : 'different';
}
