import type { MemoryNeed } from '../core/memory.ts';
import { JSON_VERSION } from '../core/results.ts';
import { formatPlan, type Plan, projectSteps, relaxedBy, type Step, subjectOf } from '../core/steps.ts';
import type { Event } from '../ports.ts';
import { errorJson } from './failure.ts';

/** A step as JSON: stable words instead of everything hostctl knows of it. */
function stepJson(step: Step): Record<string, unknown> {
  const relaxed = relaxedBy(step);
  return { do: step.do, subject: subjectOf(step), why: step.why, ...(relaxed.length > 0 ? { relaxed } : {}) };
}

function memoryJson(need: MemoryNeed): Record<string, unknown> {
  const { needs, likely, beside, ms, measured, free, reserve, fits } = need;
  const seconds = ms === undefined ? null : Math.round(ms / 1000);
  return { needs, likely: likely ?? null, beside, seconds, measured, free, reserve, fits };
}

/** @param plan with the projects whose definitions are no good */
export function planJson(
  plan: Plan & { readonly broken: readonly { readonly project: string; readonly error: unknown }[] },
): Record<string, unknown> {
  return {
    version: JSON_VERSION,
    changes: formatPlan(plan) !== 'Up to date.\n',
    overcommitted: plan.overcommitted !== undefined,
    host: plan.host.map(stepJson),
    projects: [
      ...plan.projects.map((item) => ({
        project: item.project,
        steps: projectSteps(item).map(stepJson),
        ...(item.memory ? { memory: memoryJson(item.memory) } : {}),
      })),
      ...plan.broken.map(({ project, error }) => ({ project, error: errorJson(error) })),
    ],
  };
}

/** An event as one JSON line; undefined for what only a person wants to see. */
export function eventJson(event: Event): Record<string, unknown> {
  const head = { version: JSON_VERSION, time: new Date().toISOString(), type: event.type };
  switch (event.type) {
    case 'step':
      return {
        ...head,
        project: event.project,
        status: event.status,
        ...stepJson(event.step),
        ...(event.ms === undefined ? {} : { ms: event.ms }),
      };
    case 'output':
      return { ...head, project: event.project, line: event.line };
    default:
      return { ...head, ...(event.project === undefined ? {} : { project: event.project }), text: event.text };
  }
}
