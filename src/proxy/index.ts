import type { ProxyDriver } from './driver.ts';
import { nginx } from './nginx.ts';

/** Every proxy hostctl can drive, by its name in `proxy.driver`. */
export const drivers: Readonly<Record<'nginx', ProxyDriver>> = { nginx };
