import type { DriverName } from '../core/model.ts';
import type { ProxyDriver } from './driver.ts';
import { nginx } from './nginx.ts';
import { traefik } from './traefik.ts';

/** Every proxy hostctl can drive, by its name in `proxy.driver`. */
export const drivers: Readonly<Record<DriverName, ProxyDriver>> = { nginx, traefik };
