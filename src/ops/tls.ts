import { daysLeft, type KeyPair, readPair, someNames } from '../core/certificate.ts';
import type { Project } from '../core/model.ts';
import type { Site } from '../core/routes.ts';
import type { OwnCertificate, StepOf } from '../core/steps.ts';
import { uncovered } from '../core/tls-plan.ts';
import { OWN_DAYS } from '../core/tls-status.ts';
import { HostctlError } from '../errors.ts';
import type { Context } from '../ports.ts';
import { forgetCertificates, storeCertificate, versionOf } from './certificates.ts';
import { loadWith } from './route.ts';

/** The certificates projects bring with them, and those that were right when the definitions were read and are not now. */
export async function ownCertificates(
  projects: readonly Project[],
  ctx: Context,
): Promise<{ own: ReadonlyMap<string, OwnCertificate>; failures: ReadonlyMap<string, HostctlError> }> {
  const own = new Map<string, OwnCertificate>();
  const failures = new Map<string, HostctlError>();
  for (const { name, tls } of projects) {
    if (tls?.source.kind !== 'files') continue;
    const { certificate, key } = tls.source;
    try {
      own.set(name, { certificate, key, version: versionOf(await readFiles({ certificate, key }, ctx)) });
    } catch (error) {
      if (!(error instanceof HostctlError)) throw error;
      failures.set(name, error);
    }
  }
  return { own, failures };
}

async function readFiles(own: Pick<OwnCertificate, 'certificate' | 'key'>, ctx: Context): Promise<KeyPair> {
  const [certificate, key] = [await ctx.files.read(own.certificate), await ctx.files.read(own.key)];
  const read = readPair(certificate ?? '', key ?? '');
  if (read.ok) return read.pair;
  // It was right when the definition was read.
  throw new HostctlError('CERTIFICATE', `${own[read.at]} ${read.message}`, { hints: ['hostctl validate tells more'] });
}

/** Copies a certificate of the user into the data root, and has the proxy load it if the site is live. */
export async function copyCertificate(step: StepOf<'tls'>, site: Site | undefined, ctx: Context): Promise<void> {
  const pair = await readFiles(step.own, ctx);
  await install(step.project, pair, undefined, ctx);
  for (const text of warnings(pair, site, ctx.clock.now())) {
    ctx.ui.event({ type: 'warning', project: step.project, text: `${step.own.certificate} ${text}` });
  }
}

function warnings(pair: KeyPair, site: Site | undefined, now: number): string[] {
  const days = daysLeft(pair, now);
  const date = new Date(pair.notAfter).toISOString().slice(0, 10);
  const plain = site ? uncovered(site, pair.names) : [];
  return [
    ...(days < 0 ? [`has expired on ${date}: browsers warn of it`] : []),
    ...(days >= 0 && days < OWN_DAYS ? [`expires on ${date}`] : []),
    ...(pair.notBefore > now ? ['is not valid yet'] : []),
    ...(plain.length > 0 ? [`is not for ${someNames(plain)}, which stays on plain http`] : []),
  ];
}

/** Puts a certificate in force; when the proxy refuses it, the one before comes back. */
export async function install(
  project: string,
  pair: KeyPair,
  authority: string | undefined,
  ctx: Context,
): Promise<void> {
  const activate = await storeCertificate(project, pair, authority, ctx);
  await loadWith(`a certificate of ${project}`, activate, ctx);
  await forgetCertificates(project, ctx);
}
