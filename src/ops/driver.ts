import { partName } from '../core/names.ts';
import type { ProxyPart } from '../core/proxy-part.ts';
import type { Context } from '../ports.ts';
import type { PartCommand, ProxyDriver } from '../proxy/driver.ts';
import { drivers } from '../proxy/index.ts';

/** The driver this workspace names. */
export function driverOf(ctx: Context): ProxyDriver {
  return drivers[ctx.workspace.proxy.driver];
}

/** The containers the proxy consists of, the edge last. @param secure whether it publishes https, which changes no name */
export function partsOf(ctx: Context, secure = false): readonly ProxyPart[] {
  return driverOf(ctx).parts(ctx.workspace, secure);
}

/** Names of these containers. */
export function partNames(ctx: Context): string[] {
  return partsOf(ctx).map((part) => partName(ctx.workspace.instance, part.name));
}

/** The container that publishes the ports, ours or not. */
export function edgeName(ctx: Context): string {
  return ctx.workspace.proxy.existing?.container ?? partNames(ctx).at(-1)!;
}

/** Every container that connects to apps. */
export function frontNames(ctx: Context): string[] {
  return [...new Set([...partNames(ctx), edgeName(ctx)])];
}

/** Runs a program of the driver in the part it is meant for. */
export function runInPart({ part, argv }: PartCommand, ctx: Context): Promise<{ code: number; output: string }> {
  return ctx.engine.exec(partName(ctx.workspace.instance, part), argv);
}
