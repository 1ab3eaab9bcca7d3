import { z } from 'zod';
import { type Parsed, quote } from './units.ts';

const IPV4 = z.ipv4();
const IPV6 = z.ipv6();

/** `10.0.0.0/8`, `2001:db8::/32` or a single address, lower case. */
export function parseNetwork(text: string): Parsed<string> {
  const fail = (reason: string): Parsed<string> => ({ ok: false, message: `${quote(text)} ${reason}` });
  const [address = '', length, ...more] = text.toLowerCase().split('/');
  const bits = IPV4.safeParse(address).success ? 32 : IPV6.safeParse(address).success ? 128 : 0;
  if (bits === 0 || more.length > 0) return fail('is no address or network: write 203.0.113.7 or 10.0.0.0/8');
  if (length === undefined) return { ok: true, value: address };
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits)
    return fail(`needs a length of 0 to ${bits} behind the slash`);
  const host = BigInt(bits) - BigInt(length);
  const value = bits === 32 ? numberOf4(address) : numberOf6(address);
  // A proxy would read it as the network, and the writer may have meant the one address.
  if (value & ((1n << host) - 1n))
    return fail(`is an address inside of a network: write ${quote(address)} for it alone`);
  return { ok: true, value: `${address}/${Number(length)}` };
}

function numberOf4(address: string): bigint {
  return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function numberOf6(address: string): bigint {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const plain = dotted ? `${dotted[1]}${grouped(numberOf4(dotted[2]!))}` : address;
  const [head = '', tail] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, part) => (sum << 16n) | BigInt(`0x${part}`), 0n);
}

function grouped(value: bigint): string {
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}
