import { z } from 'zod';
import { projectSchema } from './schema.ts';
import { workspaceSchema } from './workspace-schema.ts';

/** JSON Schema (draft 2020-12) for editors and for `docs/schema/`. */
export function jsonSchema(which: 'project' | 'workspace', runtimes: readonly string[] = []): Record<string, unknown> {
  const schema = z.toJSONSchema(which === 'project' ? projectSchema : workspaceSchema, { io: 'input' });
  const apps = schema.properties?.['apps'] as
    | { additionalProperties?: { properties?: Record<string, object> } }
    | undefined;
  const runtime = apps?.additionalProperties?.properties?.['runtime'];
  if (runtime && runtimes.length > 0) Object.assign(runtime, { enum: [...runtimes] });
  return schema;
}
