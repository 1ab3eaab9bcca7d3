/** Client addresses as Apache and Traefik write them → as a definition does. */

/** `10.1`, `10.1.0.0/255.255.0.0`, `10.0.0.0/8`, `::1`, `2001:db8::/32`; undefined for anything else, such as a hostname. */
export function readAddress(text: string): readonly string[] | undefined {
  if (text.toLowerCase() === 'localhost') return ['127.0.0.0/8', '::1'];
  const masked = /^([\d.]+)\/(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (masked) {
    const bits = prefixOf(masked[2]!);
    return bits === undefined ? undefined : readAddress(`${masked[1]!}/${bits}`);
  }
  const v4 = /^(\d{1,3}(?:\.\d{1,3}){0,3})\.?(?:\/(\d{1,2}))?$/.exec(text);
  if (v4) {
    const parts = v4[1]!.split('.');
    if (parts.some((part) => Number(part) > 255) || Number(v4[2] ?? 0) > 32) return undefined;
    const full = [...parts, '0', '0', '0'].slice(0, 4).join('.');
    const bits = v4[2] ?? (parts.length < 4 ? String(parts.length * 8) : undefined);
    return [bits === undefined || bits === '32' ? full : `${full}/${bits}`];
  }
  return /^[0-9a-f:]*:[0-9a-f:.]*(\/\d{1,3})?$/i.test(text) ? [text.toLowerCase()] : undefined;
}

/** 255.255.0.0 → 16; undefined for a mask with holes. */
function prefixOf(mask: string): number | undefined {
  const bits = mask
    .split('.')
    .map((part) => Number(part).toString(2).padStart(8, '0'))
    .join('');
  return /^1*0*$/.test(bits) && bits.length === 32 ? bits.replaceAll('0', '').length : undefined;
}
