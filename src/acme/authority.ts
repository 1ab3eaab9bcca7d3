import { Agent, get } from 'node:https';
import { rootCertificates } from 'node:tls';
import acme from 'acme-client';
import type { CertificateOrder, Issued, Proof } from '../core/order.ts';
import { quote } from '../core/units.ts';
import { EXIT, HostctlError } from '../errors.ts';

/** How long the subject of a request may be; names are in the list beside it anyway. */
const REACH_MS = 20_000;
const LONGEST_COMMON_NAME = 64;

/** The library's own setting: how often it asks again when there was no answer, and after how many seconds. */
const RETRIES = { retryMaxAttempts: 2, retryDefaultDelay: 5 };

/** Orders from an authority that speaks ACME (RFC 8555). */
export async function orderByAcme(order: CertificateOrder): Promise<Issued> {
  const agent = new Agent(order.trust === undefined ? {} : { ca: [...rootCertificates, order.trust] });
  await reach(order.directory, agent);
  Object.assign(acme.axios.defaults, { httpsAgent: agent, acmeSettings: RETRIES });
  const client = new acme.Client({
    directoryUrl: order.directory,
    accountKey: order.account,
    backoffMin: 1000,
    backoffMax: 5000,
  });
  const names = order.names.map(quote).join(', ');
  const placed = await said('the account was refused', async () => {
    await client.createAccount({
      termsOfServiceAgreed: true,
      ...(order.email === undefined ? {} : { contact: [`mailto:${order.email}`] }),
    });
    return client.createOrder({ identifiers: order.names.map((value) => ({ type: 'dns', value })) });
  });
  await prove(client, await client.getAuthorizations(placed), order);
  return said(`the certificate for ${names} was refused`, async () => {
    const key = (await acme.crypto.createPrivateEcdsaKey('P-256')).toString();
    const commonName = order.names.find((name) => name.length <= LONGEST_COMMON_NAME);
    const [, csr] = await acme.crypto.createCsr(
      { altNames: [...order.names], ...(commonName === undefined ? {} : { commonName }) },
      key,
    );
    return { chain: await client.getCertificate(await client.finalizeOrder(placed, csr)), key };
  });
}

/** All proofs are in place before the authority looks at the first: records of one name may need each other. */
async function prove(
  client: acme.Client,
  pending: readonly acme.Authorization[],
  order: CertificateOrder,
): Promise<void> {
  const takeAway: (() => Promise<void>)[] = [];
  const ready: { challenge: Challenge; name: string }[] = [];
  try {
    for (const authorization of pending.filter((item) => item.status !== 'valid')) {
      const name = authorization.identifier.value;
      const challenge = authorization.challenges.find((item) => item.type === order.challenge);
      if (!challenge)
        throw new HostctlError('ORDER_FAILED', `the authority takes no ${order.challenge} for ${quote(name)}`);
      const value = await client.getChallengeKeyAuthorization(challenge);
      const proof: Proof = { name, token: challenge.token, value };
      takeAway.push(await order.prove(proof));
      ready.push({ challenge, name });
    }
    for (const { challenge, name } of ready) {
      await said(`the authority could not verify ${quote(name)}`, async () => {
        await client.completeChallenge(challenge);
        await client.waitForValidStatus(challenge);
      });
    }
  } finally {
    for (const undo of takeAway) await undo();
  }
}

type Challenge = acme.Authorization['challenges'][number];

/** The library's errors carry the authority's words, but not what they are about. */
async function said<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HostctlError) throw error;
    // The library stumbles over the answer it did not get.
    if (error instanceof TypeError) throw unreachable('it does not answer any more', error);
    const { message } = error as Error;
    throw new HostctlError('ORDER_FAILED', `${what}: ${message}`, {
      hints: [
        'what serves now goes on serving',
        'try with `tls: { ca: staging }` in hostctl.yaml: its limits are wide',
      ],
      cause: error,
    });
  }
}

/** Looks whether the directory is there at all: of what is wrong on the way, the library tells nothing. */
function reach(directory: string, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(REACH_MS);
    const fail = (error: Error): void =>
      reject(unreachable(signal.aborted ? 'no answer in time' : error.message, error));
    const outgoing = get(directory, { agent, signal }, (response) => {
      response.on('error', fail);
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(unreachable(`${directory} answers ${response.statusCode}`));
    });
    outgoing.on('error', fail);
  });
}

function unreachable(reason: string, cause?: Error): HostctlError {
  return new HostctlError('AUTHORITY_UNREACHABLE', `the certificate authority cannot be asked: ${reason}`, {
    exit: EXIT.unreachable,
    hints: ['`tls.ca` in hostctl.yaml names it; nothing was lost, and the next try begins anew'],
    cause,
  });
}
