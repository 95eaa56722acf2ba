// The kinds of field a fault schedule is made of, and how a wrong one is described. Nothing here knows the steps.

import * as v from 'valibot'

/** An object that takes these fields and no others; an unknown one is answered with the list of those it takes. */
export function strict<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.strictObject(entries, (issue: v.StrictObjectIssue) => {
    if (issue.expected === 'never') return `unknown field; known here: ${Object.keys(entries).join(', ')}`
    return issue.expected === 'Object' ? `expected an object, got ${issue.received}` : 'missing'
  })
}

export const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
export const natural = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
export const amount = v.pipe(v.number(), v.finite(), v.minValue(0))
export const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1))
export const text = v.pipe(v.string(), v.minLength(1))

/** Virtual milliseconds; fractions are allowed. */
export const millis = amount

/** `[least, most]` milliseconds; a single number stands for both. */
export const range = v.union(
  [
    v.pipe(
      v.tuple([amount, amount]),
      v.check(([least, most]) => least <= most, 'expected [least, most]'),
      v.readonly(),
    ),
    v.pipe(
      amount,
      v.transform((value): readonly [number, number] => [value, value]),
    ),
  ],
  'expected [least, most] in milliseconds, least no more than most',
)

/** A node, by name, role or alias. Which of them exist is checked when the whole schedule is known. */
export const node = text

export const nodes = v.pipe(v.array(node), v.minLength(1), v.readonly())

/** One node or several. */
export const someNodes = v.union(
  [
    nodes,
    v.pipe(
      node,
      v.transform((name): readonly string[] => [name]),
    ),
  ],
  'expected a node or a list of nodes',
)

export const groups = v.pipe(v.array(v.pipe(v.array(node), v.readonly())), v.minLength(1), v.readonly())

/** Whatever JSON holds. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

// Its input is `unknown` because inference does not end on the default of a recursive type.
export const json: v.GenericSchema<unknown, Json> = v.lazy(() =>
  v.union([v.null(), v.boolean(), v.number(), v.string(), v.array(json), v.record(v.string(), json)], 'expected JSON'),
)

/** A field that may be left out. */
export const maybe = v.exactOptional
