import { INSIDE } from './layout.ts';
import type { App, AppSecret } from './model.ts';
import type { PathKey } from './problems.ts';
import type { Report } from './report.ts';
import type { AppInput } from './schema.ts';
import type { Desired } from './state.ts';
import { quote } from './units.ts';

/** A name that is a file and may be a variable. */
export const SECRET_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

/** `secrets:` of an app; what is wrong with it goes into the report. */
export function readSecrets(input: AppInput, at: readonly PathKey[], report: Report): readonly AppSecret[] {
  const entries = (input.secrets ?? []).map((item) =>
    typeof item === 'string' ? { name: item, env: false } : { name: item.name, env: item.env ?? false },
  );
  const names = new Set<string>();
  const taken = new Map<string, string>();
  for (const [index, secret] of entries.entries()) {
    const here = [...at, 'secrets', index];
    const variable = variableOf(secret);
    const written = input.env?.[variable];
    // Said twice is no harm: other programs' definitions have it in both places.
    const same = !secret.env && written === `${INSIDE.secrets}/${secret.name}`;
    const other = taken.get(variable) ?? (written === undefined || same ? undefined : '`env`');
    if (names.has(secret.name)) report.add(here, `the secret ${quote(secret.name)} is named twice`);
    else if (other !== undefined) {
      report.add(here, `the secret ${quote(secret.name)} sets the variable ${quote(variable)}, and so does ${other}`, {
        hint: 'take it out there, or give the secret another name',
      });
    }
    names.add(secret.name);
    taken.set(variable, `the secret ${quote(secret.name)}`);
  }
  if (entries.length > 0 && input.relax?.some((item) => item.allow === 'image-user')) {
    report.add([...at, 'secrets'], 'a secret is for one user, and `relax: image-user` leaves the user to the image', {
      hint: "leave `image-user` out: most images work with a user of hostctl's",
      on: 'key',
    });
  }
  return entries;
}

/** Many images take both, and refuse to start when they are given both. */
function variableOf({ name, env }: AppSecret): string {
  return env ? name : `${name}_FILE`;
}

/** Where an app finds its secrets, in the words many images know. */
export function secretFiles(app: App): Record<string, string> {
  const files = app.secrets.filter((secret) => !secret.env);
  return Object.fromEntries(files.map((secret) => [variableOf(secret), `${INSIDE.secrets}/${secret.name}`]));
}

/**
 * Shell that makes variables of secrets. The engine never learns their values; the letter at the end keeps the newlines
 * that a substitution would drop.
 */
export function exportSecrets(app: App): string {
  return app.secrets
    .filter((secret) => secret.env)
    .map(
      ({ name }) =>
        `${name}=$(cat ${INSIDE.secrets}/${name} && echo .) || exit 1; ${name}=\${${name}%?}; export ${name}; `,
    )
    .join('');
}

/** The newest version of each secret of an app. @param newest by name; all that the app names are in it */
export function versionsFor(app: App, newest: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(app.secrets.map(({ name }) => [name, newest[name]!]));
}

/** App → secret → version. */
export function secretsOf(desired: Desired): Record<string, Readonly<Record<string, number>>> {
  return Object.fromEntries(
    desired.workloads.flatMap(({ app, secrets }) => (secrets ? [[app, secrets.versions] as const] : [])),
  );
}
