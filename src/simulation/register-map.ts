// The register map: `put` answers "ok", `get` the value or null, `cas` true or false. A key never written, and one that
// holds null, read alike.

import type { Json } from './schedule-fields.ts'
import type { SequentialSpec } from './sequential-spec.ts'

export type RegisterInput =
  | { readonly op: 'put'; readonly key: string; readonly value: Json }
  | { readonly op: 'get'; readonly key: string }
  | { readonly op: 'cas'; readonly key: string; readonly expected: Json; readonly value: Json }

/** `"ok"`, the value, or whether the comparison held: as the operation says. */
export type RegisterOutput = Json

/** The sequential specification of a register map, partitioned by key. */
export const registerMap: SequentialSpec<Json, RegisterInput, RegisterOutput> = {
  initial: null,
  apply(value, input) {
    switch (input.op) {
      case 'put':
        return { state: input.value, output: 'ok' }
      case 'get':
        return { state: value, output: value }
      case 'cas':
        return sameJson(value, input.expected) ? { state: input.value, output: true } : { state: value, output: false }
    }
  },
  accepts: sameJson,
  identify: canonicalJson,
  isRead: (input, output) => input.op === 'get' || (input.op === 'cas' && output === false),
  partition: (input) => input.key,
}

function sameJson(a: Json, b: Json): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && canonicalJson(a) === canonicalJson(b))
}

/** JSON with sorted keys: equal texts for equal values. */
function canonicalJson(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${fields.map(([key, field]) => `${JSON.stringify(key)}:${canonicalJson(field)}`).join(',')}}`
}
